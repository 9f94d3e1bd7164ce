#include "controlnode/edges/http/access_routes.h"

#include <doctest/doctest.h>

#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

namespace json = boost::json;
using test::ApiStand;
using test::RawAnswer;

constexpr const char* kAccesses = "/api/v1/clusters/demo/accesses";

// A campus whose image carries Kubernetes, or none.
void furnish(ApiStand& stand, const std::string& version) {
  stand.api.act([&](test::Campus& campus) {
    campus.site("east");
    for (const auto* host : {"pc-1", "pc-2"}) campus.host(host, "east");
    campus.catalog({2, 2048, 10});
    for (auto& [id, image] : campus.model.images) image.kubernetes = version;
    campus.create("demo", 1, 1);
  });
}

std::string text(const json::object& object, const char* member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string code(const RawAnswer& answer) { return text(ApiStand::json(answer), "code"); }

TEST_CASE("accesses: a credential is in the answer to its request, and no cache may keep it") {
  ApiStand stand;
  furnish(stand, "v1.32.13");
  const auto answer = stand.ask("POST", kAccesses, R"({"seconds":7200})");
  REQUIRE(answer.status == 201);
  CHECK(answer.headers.at("cache-control") == "no-store");
  const auto given = ApiStand::json(answer);
  CHECK(text(given, "cluster") == "demo");
  CHECK(text(given, "id").size() == 36);
  CHECK(text(given, "user") == "dure:" + text(given, "id"));
  CHECK(text(given, "issued_at") == "2023-11-14T22:13:20.000Z");
  CHECK(text(given, "expires_at") == "2023-11-15T00:13:20.000Z");
  const auto& document = given.at("kubeconfig").as_object();
  CHECK(document.at("users").at(0).at("name") == given.at("user"));
  CHECK(document.at("users").at(0).at("user").at("client-key-data") == "U0VDUkVU");
}

TEST_CASE("accesses: without a body it is for twelve hours") {
  ApiStand stand;
  furnish(stand, "v1.32.13");
  CHECK(stand.ask("POST", kAccesses).status == 201);
  CHECK(std::get<GiveAccess>(stand.api.last_request()).seconds == 43200);
  CHECK(stand.ask("POST", kAccesses, "{}").status == 201);
}

TEST_CASE("accesses: the list shows them by age, and never the credential") {
  ApiStand stand;
  furnish(stand, "v1.32.13");
  CHECK(ApiStand::json(stand.ask("GET", kAccesses)).at("items").as_array().empty());
  const auto first = ApiStand::json(stand.ask("POST", kAccesses));
  stand.api.act([](test::Campus& campus) { campus.now = test::seconds_in(60); });
  const auto second = ApiStand::json(stand.ask("POST", kAccesses));
  const auto listed = stand.ask("GET", kAccesses);
  const auto shown = ApiStand::json(listed);
  const auto& items = shown.at("items").as_array();
  REQUIRE(items.size() == 2);
  CHECK(items[0].at("user") == first.at("user"));
  CHECK(items[1].at("user") == second.at("user"));
  CHECK(items[0].at("cluster") == "demo");
  CHECK(items[0].at("expires_at") == first.at("expires_at"));
  CHECK(items[0].at("revoked_at").is_null());
  CHECK(listed.body.find("U0VDUkVU") == std::string::npos);
  CHECK(listed.body.find("kubeconfig") == std::string::npos);
  // Nor does the history.
  CHECK(stand.ask("GET", "/api/v1/events").body.find("U0VDUkVU") == std::string::npos);
}

TEST_CASE("accesses: a revoked one stays in the list with its time") {
  ApiStand stand;
  furnish(stand, "v1.32.13");
  const auto user = text(ApiStand::json(stand.ask("POST", kAccesses)), "user");
  const auto answer = stand.ask("DELETE", std::string(kAccesses) + "/" + user);
  REQUIRE(answer.status == 200);
  CHECK(ApiStand::json(answer).at("revoked") == json::value(true));
  CHECK(text(ApiStand::json(answer), "user") == user);
  const auto shown = ApiStand::json(stand.ask("GET", kAccesses));
  CHECK(shown.at("items").at(0).at("revoked_at").is_string());
  CHECK(stand.ask("DELETE", std::string(kAccesses) + "/" + user).status == 200);
  const auto other = stand.ask("DELETE", std::string(kAccesses) + "/dure%3Anobody");
  CHECK(other.status == 404);
  CHECK(code(other) == "not-found");
}

TEST_CASE("accesses: what is wrong is a problem as everywhere") {
  ApiStand stand;
  furnish(stand, "v1.32.13");
  for (const std::string body :
       {R"({"seconds":599})", R"({"seconds":2592001})", R"({"seconds":"12h"})", R"({"days":1})", "[]"}) {
    CAPTURE(body);
    const auto answer = stand.ask("POST", kAccesses, body);
    CHECK(answer.status == 400);
    CHECK(code(answer) == "invalid-argument");
    CHECK(ApiStand::json(answer).at("errors").as_array().size() == 1);
  }
  for (const std::string method : {"GET", "POST"}) {
    CHECK(code(stand.ask(method, "/api/v1/clusters/none/accesses")) == "not-found");
  }
  CHECK(stand.ask("DELETE", kAccesses).status == 404);
  CHECK(stand.ask("GET", std::string(kAccesses) + "/x").status == 404);
  CHECK(stand.ask("POST", std::string(kAccesses) + "/x").status == 404);
  stand.api.set_away(true);
  for (const std::string method : {"GET", "POST"}) CHECK(stand.ask(method, kAccesses).status == 503);
}

TEST_CASE("accesses: a cluster of plain nodes has none to give") {
  ApiStand stand;
  furnish(stand, "");
  const auto answer = stand.ask("POST", kAccesses);
  CHECK(answer.status == 400);
  CHECK(text(ApiStand::json(answer), "detail").find("no Kubernetes") != std::string::npos);
}

TEST_CASE("accesses: a document that cannot be read is no answer, and nothing of it is told") {
  ApiStand stand;
  furnish(stand, "v1.32.13");
  for (const std::string document : {"", "{SECRET", "[\"SECRET\"]"}) {
    stand.api.set_kubeconfig(document);
    const auto answer = stand.ask("POST", kAccesses);
    CHECK(answer.status == 500);
    CHECK(answer.body.find("SECRET") == std::string::npos);
  }
}

TEST_CASE("api: clusters, nodes and images show their Kubernetes, and plain ones that they have none") {
  ApiStand stand;
  furnish(stand, "v1.32.13");
  auto cluster = ApiStand::json(stand.ask("GET", "/api/v1/clusters/demo"));
  CHECK(cluster.at("kubernetes") == json::value{{"version", "v1.32.13"},
                                                {"cni", "native"},
                                                {"pods", "10.64.0.0/12"},
                                                {"services", "10.96.0.0/16"},
                                                {"api", "api.demo.dure.internal"}});
  CHECK(text(ApiStand::json(stand.ask("GET", "/api/v1/images/debian-13")), "kubernetes") == "v1.32.13");
  const auto node = ApiStand::json(stand.ask("GET", "/api/v1/nodes/demo-w1"));
  CHECK(text(node, "pods").ends_with(".0/24"));
  CHECK(node.at("joined") == json::value(false));

  ApiStand plain;
  furnish(plain, "");
  CHECK(ApiStand::json(plain.ask("GET", "/api/v1/clusters/demo")).at("kubernetes").is_null());
  CHECK(ApiStand::json(plain.ask("GET", "/api/v1/images/debian-13")).at("kubernetes").is_null());
  CHECK(ApiStand::json(plain.ask("GET", "/api/v1/nodes/demo-w1")).at("pods").is_null());
}

}  // namespace
}  // namespace dure::control
