#include "controlnode/edges/http/api_routes.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/controlnode/edges/http/api_answers.h"
#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

namespace json = boost::json;
using test::ApiStand;
using test::check_problem;
using test::kSite;
using test::RawAnswer;
using test::text;

// Three hosts with room, a flavor "small", an image "debian-13" and a key pair "me".
void furnish(ApiStand& stand) {
  stand.api.act([](test::Campus& campus) {
    campus.site("east");
    campus.host("pc-1", "east");
    campus.host("pc-2", "east");
    campus.host("pc-3", "east");
    campus.catalog();
  });
}

const std::string kCluster =
    R"({"name":"demo","workers":2,"flavor":"small","image":"debian-13","key_pair":"me"})";

TEST_CASE("api: without the right token nothing is answered but health") {
  ApiStand stand;
  const auto with = [&](const std::string& method, const std::string& path,
                        const std::string& value) {
    ApiStand::Headers headers{{"Host", "dure.test"}};
    if (!value.empty()) headers.emplace_back("Authorization", value);
    return ApiStand::ask_plain(stand.port(), method, path, "", headers);
  };
  for (const std::string wrong :
       {"", "Bearer", "Bearer ", "Bearer s3cret-toke", "Bearer s3cret-tokenx", "Bearer s3cret-tokeN",
        "Basic s3cret-token", "s3cret-token", "Bearer  s3cret-token"}) {
    CAPTURE(wrong);
    for (const std::string path : {"/api/v1/sites", "/api/v1/nothing", "/", "/metrics"}) {
      const auto answer = with("GET", path, wrong);
      check_problem(answer, 401, "unauthenticated");
      CHECK(answer.headers.at("www-authenticate") == "Bearer");
    }
    CHECK(with("DELETE", "/api/v1/clusters/x", wrong).status == 401);
    CHECK(with("GET", "/healthz", wrong).status == 200);
    CHECK(with("GET", "/readyz", wrong).status == 200);
  }
  CHECK(stand.api.submitted() == 0);
  CHECK(with("GET", "/api/v1/sites", "Bearer s3cret-token").status == 200);
}

TEST_CASE("api: a server without a token lets nobody in") {
  ApiStand stand;
  ApiRoutes routes({"", {"dure.test"}, 0, {}}, stand.api, stand.shelf, stand.tasks, stand.chores);
  HttpRequest request;
  request.method = "GET";
  request.path = "/api/v1/sites";
  request.headers = {{"host", "dure.test"}, {"authorization", "Bearer "}};
  const auto refusal = routes.refuse(request);
  REQUIRE(refusal.has_value());
  CHECK(refusal->status == 401);
}

TEST_CASE("api: another Host is 421, whatever the token, against DNS rebinding") {
  ApiStand stand;
  for (const std::string host : {"evil.test", "dure.test:80", "dure.test.evil.test", ""}) {
    CAPTURE(host);
    const auto answer = ApiStand::ask_plain(
        stand.port(), "GET", "/api/v1/sites", "",
        {{"Host", host}, {"Authorization", "Bearer s3cret-token"}});
    check_problem(answer, 421, "misdirected");
  }
  CHECK(ApiStand::ask_plain(stand.port(), "GET", "/healthz", "", {}).status == 421);
}

TEST_CASE("api: what is not there is 404, and a method that is not offered 405") {
  ApiStand stand;
  for (const std::string path : {"/", "/api", "/api/v1", "/api/v2/sites", "/api/v1/nothing",
                                 "/api/v1/sites/x/y", "/api/v1/sites/none", "/api/v1/blobs/none"}) {
    CAPTURE(path);
    check_problem(stand.ask("GET", path), 404, "not-found");
  }
  check_problem(stand.ask("POST", "/api/v1/clusters/x/explode", "{}"), 404, "not-found");
  check_problem(stand.ask("DELETE", "/api/v1/sites"), 404, "not-found");
  for (const std::string method : {"PUT", "PATCH", "OPTIONS", "TRACE"}) {
    const auto answer = stand.ask(method, "/api/v1/sites");
    check_problem(answer, 405, "method-not-allowed");
    CHECK(answer.headers.at("allow") == "GET, HEAD, POST, DELETE");
  }
  check_problem(stand.ask("DELETE", "/api/v1/nodes/x"), 405, "method-not-allowed");
  check_problem(stand.ask("DELETE", "/api/v1/operations/x"), 405, "method-not-allowed");
}

TEST_CASE("api: every answer says that its type is not to be guessed") {
  ApiStand stand;
  for (const std::string path : {"/api/v1/sites", "/api/v1/nothing", "/healthz"}) {
    CHECK(stand.ask("GET", path).headers.at("x-content-type-options") == "nosniff");
  }
}

TEST_CASE("api: a body with many faults is 400 with all of them") {
  ApiStand stand;
  const auto answer =
      stand.ask("POST", "/api/v1/clusters",
                R"({"name":"Bad Name","workers":-1,"flavor":7,"keypair":"me","a/b~c":1})");
  check_problem(answer, 400, "invalid-argument");
  std::vector<std::string> pointers;
  const auto problem = ApiStand::json(answer);
  for (const auto& error : problem.at("errors").as_array()) {
    pointers.emplace_back(error.at("pointer").as_string());
    CHECK_FALSE(error.at("detail").as_string().empty());
  }
  std::sort(pointers.begin(), pointers.end());
  CHECK(pointers == std::vector<std::string>{"/a~1b~0c", "/flavor", "/image", "/key_pair", "/keypair",
                                             "/name", "/workers"});
  CHECK(stand.api.submitted() == 0);
}

TEST_CASE("api: what is no JSON object is 400") {
  ApiStand stand;
  for (const std::string body : {"{", "[]", "7", "nothing", "{\"name\":\"\xff\"}",
                                 R"({"name":[[[[[[[[[[[[]]]]]]]]]]]]})"}) {
    CAPTURE(body);
    const auto answer = stand.ask("POST", "/api/v1/sites", body);
    check_problem(answer, 400, "invalid-argument");
    CHECK(ApiStand::json(answer).at("errors").as_array().front().at("pointer") == "");
  }
  check_problem(stand.ask("POST", "/api/v1/sites"), 400, "invalid-argument");
}

TEST_CASE("api: a cluster is accepted with 202, its operation and where its nodes go") {
  ApiStand stand;
  furnish(stand);
  const auto answer = stand.ask("POST", "/api/v1/clusters", kCluster);
  REQUIRE(answer.status == 202);
  const auto operation = text(answer, "operation");
  CHECK(answer.headers.at("location") == "/api/v1/operations/" + operation);
  CHECK(ApiStand::json(answer).at("plan").as_array().size() == 3);
  const auto shown = stand.ask("GET", answer.headers.at("location"));
  CHECK(text(shown, "state") == "running");
  CHECK(text(shown, "cluster") == "demo");
  CHECK_FALSE(ApiStand::json(shown).at("steps").as_array().empty());
  const auto nodes = ApiStand::json(stand.ask("GET", "/api/v1/nodes?cluster=demo"));
  REQUIRE(nodes.at("items").as_array().size() == 3);
  for (const auto& node : nodes.at("items").as_array()) {
    for (const auto* member : {"name", "role", "state", "host", "site", "address", "cluster",
                               "generation"}) {
      CHECK(node.as_object().contains(member));
    }
  }
  CHECK(ApiStand::json(stand.ask("GET", "/api/v1/nodes?cluster=other")).at("items").as_array().empty());
}

TEST_CASE("api: a dry run shows the plan and changes nothing") {
  ApiStand stand;
  furnish(stand);
  auto body = json::parse(kCluster).as_object();
  body["dry_run"] = true;
  const auto answer = stand.ask("POST", "/api/v1/clusters", json::serialize(body));
  CHECK(answer.status == 200);
  CHECK(ApiStand::json(answer).at("dry_run") == json::value(true));
  CHECK(ApiStand::json(answer).at("plan").as_array().size() == 3);
  CHECK(ApiStand::json(stand.ask("GET", "/api/v1/clusters")).at("items").as_array().empty());
}

TEST_CASE("api: what does not fit is 409 with the numbers of every host") {
  ApiStand stand;
  furnish(stand);
  auto body = json::parse(kCluster).as_object();
  body["workers"] = 60;
  const auto answer = stand.ask("POST", "/api/v1/clusters", json::serialize(body));
  check_problem(answer, 409, "no-capacity");
  const auto reasons = ApiStand::json(answer).at("reasons").as_array();
  REQUIRE_FALSE(reasons.empty());
  for (const auto& reason : reasons) {
    CHECK(reason.at("host").as_string().starts_with("pc-"));
    for (const auto* number : {"wanted", "free", "total"}) CHECK(reason.at(number).is_number());
  }
  // What is offered holds: asked for, it is accepted.
  const auto remedies = ApiStand::json(answer).at("remedies").as_array();
  const auto fewer = std::find_if(remedies.begin(), remedies.end(), [](const json::value& remedy) {
    return remedy.at("code") == json::value("fewer-workers");
  });
  REQUIRE(fewer != remedies.end());
  const std::string detail(fewer->at("detail").as_string());
  REQUIRE(detail.starts_with("with "));
  body["workers"] = std::stoi(detail.substr(5));
  body["dry_run"] = true;
  CHECK(stand.ask("POST", "/api/v1/clusters", json::serialize(body)).status == 200);
  body["workers"] = std::stoi(detail.substr(5)) + 1;
  CHECK(stand.ask("POST", "/api/v1/clusters", json::serialize(body)).status == 409);
}

TEST_CASE("api: how many of each flavor fit is told by site, and falls with what is placed") {
  ApiStand stand;
  furnish(stand);
  const auto fits = [&] {
    std::uint64_t sum = 0;
    const auto answer = ApiStand::json(stand.ask("GET", "/api/v1/plan/capacity"));
    for (const auto& row : answer.at("items").as_array()) sum += row.at("fits").to_number<std::uint64_t>();
    return sum;
  };
  const auto before = fits();
  REQUIRE(before >= 3);
  // One of three hosts is its owner's from in an hour on, for an hour.
  const auto hour = std::chrono::hours(1);
  stand.api.act([&](test::Campus& campus) {
    campus.model.hosts.begin()->second.busy = {{campus.now + hour, campus.now + 2 * hour}};
  });
  const auto later = [&](const std::string& query) {
    return ApiStand::json(stand.ask("GET", "/api/v1/plan/capacity" + query)).at("later").as_array();
  };
  const auto day = later("");
  REQUIRE(day.size() == 2);
  CHECK(day[0].at("items").as_array().at(0).at("fits").to_number<std::uint64_t>() < before);
  CHECK(day[1].at("items").as_array().at(0).at("hosts") == json::value(3));
  CHECK(later("?hours=0").empty());
  CHECK(later("?hours=1&stay_s=1800").size() == 1);
  CHECK(later("?stay_s=7200").size() == 1);  // it does not fit there now either
  for (const char* query : {"?hours=169", "?hours=-1", "?stay_s=0", "?stay_s=x"}) {
    check_problem(stand.ask("GET", std::string("/api/v1/plan/capacity") + query), 400, "invalid-argument");
  }
  REQUIRE(stand.ask("POST", "/api/v1/clusters", kCluster).status == 202);
  CHECK(fits() < before);
  const auto flavor = json::serialize(json::parse(kCluster).at("flavor"));
  const auto plan = stand.ask("GET", "/api/v1/plan/rebalance?flavor=" + flavor.substr(1, flavor.size() - 2));
  CHECK(plan.status == 200);
  CHECK(ApiStand::json(plan).at("fits_after").to_number<std::uint64_t>() >=
        ApiStand::json(plan).at("fits_before").to_number<std::uint64_t>());
  check_problem(stand.ask("GET", "/api/v1/plan/rebalance"), 404, "not-found");
  check_problem(stand.ask("GET", "/api/v1/plan/rebalance?flavor=none"), 404, "not-found");
  check_problem(stand.ask("GET", "/api/v1/plan/rebalance?flavor=none&moves=0"), 400, "invalid-argument");
  check_problem(stand.ask("GET", "/api/v1/plan/nothing"), 404, "not-found");
}

TEST_CASE("api: the same idempotency key gives the same operation, with another body 422") {
  ApiStand stand;
  furnish(stand);
  const ApiStand::Headers key{{"Idempotency-Key", "one"}};
  const auto first = stand.ask("POST", "/api/v1/clusters", kCluster, key);
  REQUIRE(first.status == 202);
  const auto again = stand.ask("POST", "/api/v1/clusters", kCluster, key);
  CHECK(again.status == 202);
  CHECK(text(again, "operation") == text(first, "operation"));
  CHECK(ApiStand::json(stand.ask("GET", "/api/v1/clusters")).at("items").as_array().size() == 1);
  auto other = json::parse(kCluster).as_object();
  other["workers"] = 1;
  check_problem(stand.ask("POST", "/api/v1/clusters", json::serialize(other), key), 422, "conflict");
}

TEST_CASE("api: an idempotency key is 1 to 128 printable characters") {
  ApiStand stand;
  furnish(stand);
  for (const std::string& key : {std::string(129, 'k'), std::string("a b"), std::string("\xed\x95\x9c")}) {
    CAPTURE(key);
    check_problem(stand.ask("POST", "/api/v1/clusters", kCluster, {{"Idempotency-Key", key}}), 400,
                  "invalid-argument");
    check_problem(stand.ask("DELETE", "/api/v1/clusters/demo", "", {{"Idempotency-Key", key}}), 400,
                  "invalid-argument");
  }
  CHECK(stand.api.submitted() == 0);
  CHECK(stand.ask("POST", "/api/v1/clusters", kCluster, {{"Idempotency-Key", std::string(128, 'k')}})
            .status == 202);
}

TEST_CASE("api: a cluster is scaled and deleted by name") {
  ApiStand stand;
  furnish(stand);
  REQUIRE(stand.ask("POST", "/api/v1/clusters", kCluster).status == 202);
  // Its nodes become ready, so that it can be changed.
  stand.api.act([](test::Campus& campus) { campus.report_all(); });
  CHECK(text(stand.ask("GET", "/api/v1/clusters/demo"), "state") == "ready");
  const auto scaled = stand.ask("POST", "/api/v1/clusters/demo/scale", R"({"workers":3})");
  CHECK(scaled.status == 202);
  const auto deleted = stand.ask("DELETE", "/api/v1/clusters/demo");
  CHECK(deleted.status == 202);
  CHECK(deleted.headers.count("location") == 1);
  check_problem(stand.ask("DELETE", "/api/v1/clusters/none"), 404, "not-found");
  check_problem(stand.ask("POST", "/api/v1/clusters/none/scale", R"({"workers":3})"), 404, "not-found");
}

TEST_CASE("api: a worker is replaced by its name") {
  ApiStand stand;
  furnish(stand);
  REQUIRE(stand.ask("POST", "/api/v1/clusters", kCluster).status == 202);
  stand.api.act([](test::Campus& campus) { campus.report_all(); });
  const std::string route = "/api/v1/clusters/demo/replace";
  check_problem(stand.ask("POST", route, R"({"node":"demo-cp1"})"), 400, "invalid-argument");
  check_problem(stand.ask("POST", route, R"({"node":"demo-w77"})"), 404, "not-found");
  check_problem(stand.ask("POST", route, R"({"worker":"demo-w1"})"), 400, "invalid-argument");
  CHECK(stand.ask("POST", route, R"({"node":"demo-w1","dry_run":true})").status == 200);
  CHECK(stand.ask("POST", route, R"({"node":"demo-w1"})").status == 202);
}

TEST_CASE("api: a cluster is repaired with or without a body") {
  ApiStand stand;
  furnish(stand);
  REQUIRE(stand.ask("POST", "/api/v1/clusters", kCluster).status == 202);
  stand.api.act([](test::Campus& campus) { campus.report_all(); });
  CHECK(stand.ask("POST", "/api/v1/clusters/demo/repair", R"({"dry_run":true})").status == 200);
  CHECK(stand.ask("POST", "/api/v1/clusters/demo/repair", "").status == 202);
  check_problem(stand.ask("POST", "/api/v1/clusters/demo/repair", R"({"node":"demo-w1"})"), 400, "invalid-argument");
  check_problem(stand.ask("POST", "/api/v1/clusters/none/repair", "{}"), 404, "not-found");
}

TEST_CASE("api: without a database everything is 503 with Retry-After, and the process still lives") {
  ApiStand stand;
  furnish(stand);
  stand.api.set_away(true);
  for (const auto& answer :
       {stand.ask("GET", "/api/v1/sites"), stand.ask("GET", "/api/v1/sites/east"),
        stand.ask("GET", "/api/v1/events"), stand.ask("GET", "/api/v1/events?tail=5"),
        stand.ask("POST", "/api/v1/sites", kSite), stand.ask("POST", "/api/v1/clusters", kCluster),
        stand.ask("DELETE", "/api/v1/clusters/demo"), stand.ask("GET", "/readyz")}) {
    check_problem(answer, 503, "unavailable");
    CHECK(answer.headers.at("retry-after") == "1");
  }
  CHECK(stand.ask("GET", "/healthz").status == 200);
}

TEST_CASE("api: events are read in parts, and from the end") {
  ApiStand stand;
  for (const std::string name : {"a", "b", "c", "d"}) {
    REQUIRE(stand.ask("POST", "/api/v1/sites", R"({"name":")" + name + "\"}").status == 200);
  }
  const auto all = ApiStand::json(stand.ask("GET", "/api/v1/events"));
  const auto& items = all.at("items").as_array();
  REQUIRE(items.size() >= 4);
  CHECK(all.at("last") == items.back().at("number"));
  const auto part = ApiStand::json(stand.ask("GET", "/api/v1/events?after=1&limit=2"));
  REQUIRE(part.at("items").as_array().size() == 2);
  CHECK(part.at("items").as_array()[0] == items[1]);
  CHECK(part.at("last") == items[2].at("number"));
  const auto tail = ApiStand::json(stand.ask("GET", "/api/v1/events?tail=2"));
  REQUIRE(tail.at("items").as_array().size() == 2);
  CHECK(tail.at("items").as_array()[1] == items.back());
  const auto none = ApiStand::json(stand.ask("GET", "/api/v1/events?after=18446744073709551615"));
  CHECK(none.at("items").as_array().empty());
  for (const std::string query : {"after=x", "limit=", "after=-1", "tail=1e3"}) {
    CAPTURE(query);
    check_problem(stand.ask("GET", "/api/v1/events?" + query), 400, "invalid-argument");
  }
}

}  // namespace
}  // namespace dure::control
