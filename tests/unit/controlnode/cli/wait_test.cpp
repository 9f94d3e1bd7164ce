#include "controlnode/cli/wait.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

const std::string kCall = "GET /api/v1/operations/op-1";

std::string operation(const std::string& state, int done, const std::string& error = {}) {
  return R"({"id":"op-1","kind":"cluster-create","cluster":"demo","state":")" + state +
         R"(","error":")" + error + R"(","steps":[
    {"name":"placed","state":"done","done":3,"total":3,"detail":"",
     "started_at":"2026-03-01T09:00:00.000Z","finished_at":"2026-03-01T09:00:01.500Z"},
    {"name":"ready","state":"running","done":)" + std::to_string(done) +
         R"(,"total":3,"detail":"demo-w1: network"}]})";
}

struct Waiter {
  test::ScriptedHttp http;
  test::FakePatience patience;
  ApiClient api{http, patience};
  std::ostringstream out, err;
  Terminal terminal{out, err};

  Outcome<boost::json::object> wait(Duration at_most = std::chrono::minutes(30)) {
    return wait_for_operation(api, patience, terminal, "op-1", at_most);
  }
};

TEST_CASE("wait: steps are told as they change, once each, until it has succeeded") {
  Waiter waiter;
  waiter.http.on(kCall, 200, operation("running", 0));
  waiter.http.on(kCall, 200, operation("running", 0));
  waiter.http.on(kCall, 200, operation("running", 2));
  waiter.http.on(kCall, 200, operation("succeeded", 2));
  const auto done = waiter.wait();
  REQUIRE(done);
  CHECK(waiter.err.str() ==
        "0.0s    placed       done     3/3\n"
        "0.0s    ready        running  0/3  demo-w1: network\n"
        "1.0s    ready        running  2/3  demo-w1: network\n");
  CHECK(waiter.out.str().empty());
  CHECK(waiter.patience.listening);
  for (const auto& pause : waiter.patience.pauses) CHECK(pause == std::chrono::milliseconds(500));
}

TEST_CASE("wait: an operation that has failed is exit 1 with its error") {
  Waiter waiter;
  waiter.http.on(kCall, 200, operation("failed", 1, "demo-w1 never became ready"));
  const auto done = waiter.wait();
  REQUIRE_FALSE(done);
  CHECK(done.failure().exit == Exit::failure);
  CHECK(test::contains(done.failure().message, "demo-w1 never became ready"));
}

TEST_CASE("wait: a time that has passed is exit 7 and no failure of the work") {
  Waiter waiter;
  waiter.http.on(kCall, 200, operation("running", 1));
  const auto done = waiter.wait(std::chrono::seconds(3));
  REQUIRE_FALSE(done);
  CHECK(done.failure().exit == Exit::timed_out);
  CHECK(test::contains(done.failure().message, "still running: op-1"));
  CHECK(test::contains(done.failure().hint, "dure operation wait op-1"));
  CHECK(waiter.patience.now().us == 3'000'000);
}

TEST_CASE("wait: Ctrl-C detaches with exit 130 and cancels nothing") {
  Waiter waiter;
  waiter.http.on(kCall, 200, operation("running", 1));
  waiter.patience.interrupt_after = 2;
  const auto done = waiter.wait();
  REQUIRE_FALSE(done);
  CHECK(done.failure().exit == Exit::interrupted);
  CHECK(test::contains(done.failure().message, "still running: op-1"));
  CHECK(test::contains(done.failure().hint, "dure operation wait op-1"));
  for (const auto& call : waiter.http.calls) CHECK(call.method == "GET");
}

TEST_CASE("wait: a control node that goes away and comes back is waited for") {
  Waiter waiter;
  waiter.http.on(kCall, 200, operation("running", 0));
  waiter.http.away(kCall, 3);
  waiter.http.on(kCall, 503, R"({"code":"unavailable","detail":"no database"})");
  waiter.http.on(kCall, 200, operation("succeeded", 3));
  REQUIRE(waiter.wait());
  const auto said = waiter.err.str();
  const auto first = said.find("does not answer");
  CHECK(first != std::string::npos);
  CHECK(said.find("does not answer", first + 1) == std::string::npos);
  CHECK(test::contains(said, "answers again"));
}

TEST_CASE("wait: an operation that is not there, or a wrong token, ends at once") {
  Waiter waiter;
  CHECK(waiter.wait().failure().exit == Exit::not_found);
  waiter.http.on(kCall, 401, R"({"code":"unauthenticated","detail":"a token is wanted"})");
  CHECK(waiter.wait().failure().exit == Exit::denied);
  CHECK(waiter.patience.pauses.empty());
}

}  // namespace
}  // namespace dure::cli
