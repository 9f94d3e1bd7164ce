// What an operator asks for when something is stuck, gone, or to be off.
#include <doctest/doctest.h>

#include <algorithm>

#include "controlnode/edges/http/api_routes.h"
#include "tests/unit/controlnode/edges/http/api_answers.h"
#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

namespace json = boost::json;
using test::ApiStand;
using test::check_problem;

// A member; empty: it is not there or no text.
std::string text(const json::object& object, const char* member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const std::string kCluster =
    R"({"name":"demo","workers":1,"flavor":"small","image":"debian-13","key_pair":"me"})";
const std::string kFresh = "b0000000-0000-4000-8000-000000000001";

// Three hosts, and a cluster that is ready.
struct Lab : ApiStand {
  Lab() {
    api.act([](test::Campus& campus) {
      campus.site("east");
      campus.host("pc-1", "east", test::Campus::kCapacity, HostClass::anchor);
      campus.host("pc-2", "east");
      campus.host("pc-3", "east");
      campus.catalog();
    });
    REQUIRE(ask("POST", "/api/v1/clusters", kCluster).status == 202);
    api.act([](test::Campus& campus) { campus.report_all(); });
  }
  boost::json::object one(const std::string& path) { return json(ask("GET", "/api/v1/" + path)); }
  std::string worker_host() { return text(one("nodes/demo-w1"), "host"); }
};

}  // namespace

TEST_CASE("recovery: a host is given up, says so with what it owes, and another takes its place") {
  Lab lab;
  const auto host = lab.worker_host();
  CHECK(text(lab.one("hosts/" + host), "state") == "ready");
  CHECK(lab.ask("POST", "/api/v1/hosts/" + host + "/lost", R"({"force":true})").status == 200);
  const auto lost = lab.one("hosts/" + host);
  CHECK(text(lost, "state") == "lost");
  CHECK(text(lost, "reason").find("dure host replace") != std::string::npos);
  CHECK(lost.at("lost_at").is_string());
  REQUIRE(lost.at("removing").as_array().size() == 2);
  CHECK(lost.at("removing").at(1).at("name") == "demo-w1");
  CHECK(lost.at("removing").at(1).at("owed") == json::value(true));
  CHECK(text(lab.one("clusters/demo"), "reason").find("1 of 1 worker lost with its host") != std::string::npos);
  CHECK(lab.ask("GET", "/api/v1/nodes/demo-w1").status == 404);

  const auto key = std::string(40, 'Z');
  const auto answer = lab.ask("POST", "/api/v1/hosts/" + host + "/replace", R"({"id":")" + kFresh + R"(","curve_key":")" + key + "\"}");
  CHECK(answer.status == 200);
  const auto fresh = lab.one("hosts/" + host);
  CHECK(text(fresh, "id") == kFresh);
  CHECK(text(fresh, "state") == "new");
  CHECK(fresh.at("lost_at").is_null());
  check_problem(lab.ask("POST", "/api/v1/hosts/none/lost"), 404, "not-found");
  check_problem(lab.ask("POST", "/api/v1/hosts/pc-1/replace", R"({"id":"x","curve_key":"y","more":1})"), 400, "invalid-argument");
  check_problem(lab.ask("POST", "/api/v1/hosts/pc-1/replace", "{}"), 400, "invalid-argument");
}

TEST_CASE("recovery: a host's address is changed, and must be one that hosts can be reached by") {
  Lab lab;
  CHECK(lab.ask("PATCH", "/api/v1/hosts/pc-2", R"({"address":"10.9.8.7"})").status == 200);
  CHECK(text(lab.one("hosts/pc-2"), "address") == "10.9.8.7");
  for (const char* wrong : {"127.0.1.1", "224.0.0.5", "10.128.0.5", "10.0.0", "nowhere"}) {
    check_problem(lab.ask("PATCH", "/api/v1/hosts/pc-2", std::string(R"({"address":")") + wrong + "\"}"), 400, "invalid-argument");
  }
}

TEST_CASE("recovery: what is wrong with a host is its state, its reason and its conditions") {
  Lab lab;
  lab.api.act([](test::Campus& campus) {
    auto report = campus.report_of(campus.model.hosts.begin()->first);
    report.conditions = {{ConditionCode::no_space, "its disk is nearly full"}};
    report.capacity = {2, 8192, 100, true, 3};
    campus.tell(report);
  });
  const auto host = lab.one("hosts/pc-1");
  CHECK(text(host, "state") == "not-ready");
  CHECK(text(host, "reason") == "its disk is nearly full");
  REQUIRE(host.at("conditions").as_array().size() == 2);
  CHECK(host.at("conditions").at(0).at("code") == "no-space");
  CHECK(host.at("conditions").at(0).at("since").is_string());
  CHECK(host.at("conditions").at(1).at("code") == "capacity");
  CHECK(host.at("reported").at("disk_free_gib") == json::value(3));
  CHECK(host.at("allocatable").at("vcpus") == json::value(8));
}

TEST_CASE("recovery: what is wrong with a host and keeps no guests away is its reason all the same, while it is ready") {
  Lab lab;
  std::string since;
  lab.api.act([&](test::Campus& campus) {
    auto report = campus.report_of(campus.model.hosts.begin()->first);
    report.clock = campus.now + std::chrono::minutes(7);
    campus.tell(report);
    since = to_rfc3339(campus.now);
  });
  const auto host = lab.one("hosts/pc-1");
  CHECK(text(host, "state") == "ready");
  CHECK(text(host, "reason") == "its clock is 7 min ahead of the control node's, since " + since);
  lab.api.act([](test::Campus& campus) { campus.tell(campus.report_of(campus.model.hosts.begin()->first)); });
  CHECK(text(lab.one("hosts/pc-1"), "reason").empty());
  // Why it is given no node comes first.
  lab.api.act([](test::Campus& campus) {
    auto report = campus.report_of(campus.model.hosts.begin()->first);
    report.clock = campus.now + std::chrono::minutes(7);
    campus.tell(report);
  });
  CHECK(lab.ask("POST", "/api/v1/hosts/pc-1/cordon").status == 200);
  CHECK(text(lab.one("hosts/pc-1"), "reason") == "is cordoned");
}

TEST_CASE("recovery: a node is switched off, on, and off and on; what is neither is not there") {
  Lab lab;
  const std::string path = "/api/v1/clusters/demo/nodes/demo-w1/";
  CHECK(lab.ask("POST", path + "stop").status == 200);
  CHECK(text(lab.one("nodes/demo-w1"), "state") == "stopping");
  CHECK(text(lab.one("nodes/demo-w1"), "power") == "off");
  check_problem(lab.ask("POST", path + "reboot"), 409, "conflict");
  lab.api.act([](test::Campus& campus) { campus.report_all(); });
  CHECK(text(lab.one("nodes/demo-w1"), "state") == "stopped");
  CHECK(lab.ask("POST", path + "start").status == 200);
  CHECK(text(lab.one("nodes/demo-w1"), "power") == "on");
  check_problem(lab.ask("POST", path + "melt"), 404, "not-found");
  check_problem(lab.ask("POST", "/api/v1/clusters/demo/nodes/demo-w9/stop"), 404, "not-found");
  check_problem(lab.ask("POST", "/api/v1/clusters/none/nodes/demo-w1/stop"), 404, "not-found");
}

TEST_CASE("recovery: an operation is cancelled, once, and a creation answers with its cluster's deletion") {
  Lab lab;
  const auto made = ApiStand::json(lab.ask("POST", "/api/v1/clusters", R"({"name":"two","workers":0,"flavor":"small","image":"debian-13","key_pair":"me"})"));
  const auto path = "/api/v1/operations/" + text(made, "operation");
  const auto answer = lab.ask("POST", path + "/cancel");
  CHECK(answer.status == 202);
  CHECK(text(lab.one("operations/" + text(ApiStand::json(answer), "operation")), "kind") == "cluster-delete");
  CHECK(text(ApiStand::json(lab.ask("GET", path)), "state") == "cancelled");
  CHECK(lab.ask("POST", path + "/cancel").status == 200);
  check_problem(lab.ask("POST", "/api/v1/operations/none/cancel"), 404, "not-found");
  check_problem(lab.ask("POST", "/api/v1/operations/" + kFresh + "/cancel"), 404, "not-found");
  check_problem(lab.ask("POST", path + "/undo"), 404, "not-found");
}

TEST_CASE("recovery: operations come in pages, the newest first page, and no page is missed") {
  Lab lab;
  for (int i = 0; i < 6; ++i) {
    REQUIRE(lab.ask("POST", "/api/v1/clusters/demo/scale", R"({"workers":)" + std::to_string(2 + i % 2) + "}").status == 202);
  }
  const auto all = lab.one("operations").at("items").as_array();
  REQUIRE(all.size() == 7);
  std::vector<std::string> seen;
  std::string query = "?limit=3";
  for (int page = 0; page < 3; ++page) {
    const auto answer = lab.one("operations" + query);
    std::vector<std::string> ids;
    for (const auto& item : answer.at("items").as_array()) ids.push_back(text(item.as_object(), "id"));
    seen.insert(seen.begin(), ids.begin(), ids.end());
    if (answer.at("before").is_null()) break;
    query = "?limit=3&before=" + text(answer, "before");
  }
  REQUIRE(seen.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(seen[i] == text(all[i].as_object(), "id"));
  CHECK(lab.one("operations?cluster=none").at("items").as_array().empty());
  CHECK(lab.one("operations?cluster=demo&limit=2").at("items").as_array().size() == 2);
  for (const char* query_fault : {"?limit=0", "?limit=1001", "?before=x"}) {
    check_problem(lab.ask("GET", std::string("/api/v1/operations") + query_fault), 400, "invalid-argument");
  }
}

TEST_CASE("recovery: repair takes the word that silent hosts do not come back") {
  Lab lab;
  CHECK(lab.ask("POST", "/api/v1/clusters/demo/repair", R"({"lost":true})").status == 202);
  check_problem(lab.ask("POST", "/api/v1/clusters/demo/repair", R"({"lost":"yes"})"), 400, "invalid-argument");
}

}  // namespace dure::control
