#include "controlnode/cli/api_client.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

struct Client {
  test::ScriptedHttp http;
  test::FakePatience patience;
  ApiClient api{http, patience};
};

const std::string kCall = "POST /api/v1/clusters";

TEST_CASE("api client: a change is repeated with the same key until it is answered") {
  Client client;
  client.http.away(kCall, 2);
  client.http.on(kCall, 503, R"({"code":"unavailable","detail":"no database"})");
  client.http.on(kCall, 202, R"({"operation":"o"})");
  const auto done = client.api.change("POST", "/clusters", json::object{{"name", "demo"}}, "key-1");
  REQUIRE(done);
  REQUIRE(client.http.calls.size() == 4);
  for (const auto& call : client.http.calls) {
    CHECK(call.body == client.http.calls.front().body);
    REQUIRE(call.headers.size() == 1);
    CHECK(call.headers[0] == std::pair<std::string, std::string>("Idempotency-Key", "key-1"));
  }
}

TEST_CASE("api client: repeating is bounded, slower each time, and says what it was") {
  Client client;
  client.http.away(kCall);
  const auto done = client.api.change("POST", "/clusters", json::object{}, "key-1");
  REQUIRE_FALSE(done);
  CHECK(done.failure().exit == Exit::failure);
  CHECK(client.http.calls.size() == 6);
  REQUIRE(client.patience.pauses.size() == 5);
  for (std::size_t i = 1; i < 5; ++i) CHECK(client.patience.pauses[i] >= client.patience.pauses[i - 1]);
  CHECK(client.patience.now().us < 60'000'000);
}

TEST_CASE("api client: a refusal is not repeated, and neither is a change without a key") {
  Client client;
  client.http.on(kCall, 409, R"({"code":"no-capacity","detail":"does not fit"})");
  CHECK_FALSE(client.api.change("POST", "/clusters", json::object{}, "key-1"));
  CHECK(client.http.calls.size() == 1);
  client.http.away("POST /api/v1/sites");
  CHECK_FALSE(client.api.post("/sites", json::object{}));
  CHECK(client.http.calls.size() == 2);
}

TEST_CASE("api client: Ctrl-C between two tries ends them and tells the key") {
  Client client;
  client.http.away(kCall);
  client.patience.interrupt_after = 1;
  const auto done = client.api.change("POST", "/clusters", json::object{}, "key-1");
  REQUIRE_FALSE(done);
  CHECK(done.failure().exit == Exit::interrupted);
  CHECK(test::contains(done.failure().hint, "--idempotency-key key-1"));
}

TEST_CASE("api client: an answer that is not of a control node is a failure") {
  Client client;
  client.http.on("GET /api/v1/sites", 200, "<html>");
  client.http.on("GET /api/v1/hosts", 302, "");
  for (const auto* path : {"/sites", "/hosts"}) {
    const auto answer = client.api.get(path);
    REQUIRE_FALSE(answer);
    CHECK(answer.failure().exit == Exit::failure);
    CHECK_FALSE(answer.failure().transient);
  }
}

}  // namespace
}  // namespace dure::cli
