#include "controlnode/edges/http/placement_routes.h"

#include <doctest/doctest.h>

#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

namespace json = boost::json;
using test::ApiStand;
using test::RawAnswer;

void furnish(ApiStand& stand) {
  stand.api.act([](test::Campus& campus) {
    campus.site("east");
    for (const auto* host : {"pc-1", "pc-2", "pc-3"}) campus.host(host, "east");
    campus.catalog();
  });
}

Reply create(ApiStand& stand, const std::string& name, std::uint32_t workers) {
  std::optional<Reply> reply;
  stand.api.act([&](test::Campus& campus) { reply = campus.create(name, 1, workers); });
  return *reply;
}

json::object get(ApiStand& stand, const std::string& path) {
  const auto answer = stand.ask("GET", "/api/v1" + path);
  CAPTURE(path);
  CAPTURE(answer.body);
  REQUIRE(answer.status == 200);
  return ApiStand::json(answer);
}

const json::array& items(const json::object& answer) { return answer.at("items").as_array(); }

std::string code(const RawAnswer& answer) {
  const auto body = ApiStand::json(answer);
  const auto* found = body.if_contains("code");
  return found == nullptr ? std::string() : std::string(found->as_string());
}

TEST_CASE("placements: a cluster's newest decision says where each node is and why, and what each host said") {
  ApiStand stand;
  furnish(stand);
  REQUIRE(test::accepted(create(stand, "demo", 1)));
  const auto answer = get(stand, "/clusters/demo/placements");
  REQUIRE(items(answer).size() == 1);
  const auto& decision = items(answer)[0].as_object();
  CHECK(decision.at("number") == 1);
  CHECK(decision.at("kind") == "create");
  CHECK(decision.at("cluster") == "demo");
  CHECK(decision.at("outcome") == "placed");
  CHECK(decision.at("at") == "2023-11-14T22:13:20.000Z");
  REQUIRE(decision.at("plan").as_array().size() == 2);
  const auto& choice = decision.at("plan").as_array()[0].as_object();
  CHECK(choice.at("name") == "demo-cp1");
  CHECK(choice.at("role") == "control-plane");
  CHECK(choice.at("site") == "east");
  CHECK(choice.at("fitting_hosts") == 3);
  CHECK(decision.at("verdicts") == (json::object{{"chosen", 2}, {"fits", 1}, {"lacks", 0}}));
  REQUIRE(decision.at("hosts").as_array().size() == 3);
  CHECK(decision.at("hosts").as_array()[0].at("host") == choice.at("host"));
  CHECK(decision.at("hosts").as_array()[0].at("nodes") == json::array{"demo-cp1"});
  CHECK(decision.at("hosts").as_array()[2].at("verdict") == "fits");
  CHECK(decision.at("replay") == (json::object{{"identical", true}, {"differences", json::array{}}}));
}

TEST_CASE("placements: a refusal is found by the name that the cluster was to have, with numbers and ways out") {
  ApiStand stand;
  furnish(stand);
  REQUIRE_FALSE(test::accepted(create(stand, "big", 40)));
  const auto answer = get(stand, "/clusters/big/placements");
  const auto& decision = items(answer).at(0).as_object();
  CHECK(decision.at("outcome") == "refused");
  CHECK(decision.at("plan").as_array().empty());
  CHECK_FALSE(decision.at("remedies").as_array().empty());
  const auto& lack = decision.at("hosts").as_array().at(0).at("lacks").as_array().at(0).as_object();
  CHECK(lack.at("dimension") == "memory");
  CHECK(lack.at("wanted") == 1024);
  CHECK(lack.at("free") == 0);
  CHECK(lack.at("total") == 8192);
  CHECK(decision.at("replay").at("identical") == true);
  CHECK(code(stand.ask("GET", "/api/v1/clusters/none/placements")) == "not-found");
}

TEST_CASE("placements: lists are newest first and in parts, and what is asked wrongly is said") {
  ApiStand stand;
  furnish(stand);
  for (const auto* name : {"a", "b", "c"}) REQUIRE(test::accepted(create(stand, name, 0)));
  REQUIRE_FALSE(test::accepted(create(stand, "big", 50)));
  const auto all = get(stand, "/placements");
  REQUIRE(items(all).size() == 4);
  CHECK(items(all)[0].at("outcome") == "refused");
  CHECK_FALSE(items(all)[0].at("summary").as_string().empty());
  CHECK(items(all)[3].at("cluster") == "a");
  CHECK(items(get(stand, "/placements?limit=2&before=4")).at(1).at("number") == 2);
  CHECK(items(get(stand, "/placements?before=1")).empty());
  CHECK(items(get(stand, "/clusters/a/placements?before=1")).empty());
  for (const auto* wrong : {"/placements?limit=0", "/placements?limit=1001", "/placements?before=x",
                            "/clusters/a/placements?limit=11", "/placements/1?hosts=0"}) {
    CAPTURE(wrong);
    CHECK(stand.ask("GET", std::string("/api/v1") + wrong).status == 400);
  }
  for (const auto* missing : {"/placements/99", "/placements/x", "/placements/18446744073709551615", "/placements/1/2"}) {
    CAPTURE(missing);
    CHECK(code(stand.ask("GET", std::string("/api/v1") + missing)) == "not-found");
  }
}

TEST_CASE("placements: hosts are shown as many as were asked for, the chosen ones first") {
  ApiStand stand;
  furnish(stand);
  REQUIRE(test::accepted(create(stand, "demo", 0)));
  const auto decision = get(stand, "/placements/1?hosts=1");
  REQUIRE(decision.at("hosts").as_array().size() == 1);
  CHECK(decision.at("hosts").as_array()[0].at("verdict") == "chosen");
  CHECK(decision.at("verdicts").at("fits") == 2);
}

TEST_CASE("placements: a record whose answer is not what comes out is said to be different") {
  ApiStand stand;
  furnish(stand);
  REQUIRE(test::accepted(create(stand, "demo", 0)));
  stand.api.tamper([](PlacementRecord& record) {
    for (const Candidate& host : record.fleet.changed) {
      if (host.host != record.placed[0].host) {
        record.placed[0].host = host.host;
        return;
      }
    }
  });
  const auto replay = get(stand, "/placements/1").at("replay").as_object();
  CHECK(replay.at("identical") == false);
  CHECK(replay.at("differences") == json::array{"placements"});
}

TEST_CASE("placements: without a database they are unavailable") {
  ApiStand stand;
  furnish(stand);
  stand.api.set_away(true);
  for (const auto* path : {"/placements", "/placements/1", "/clusters/demo/placements"}) {
    CHECK(stand.ask("GET", std::string("/api/v1") + path).status == 503);
  }
}

TEST_CASE("what-if: a fleet that is changed for the answer alone, and every fault of the question at once") {
  ApiStand stand;
  furnish(stand);
  const std::string path = "/api/v1/plan/what-if";
  json::object body{{"workers", 30}, {"flavor", "small"}, {"image", "debian-13"}};
  const auto refused = stand.ask("POST", path, json::serialize(body));
  CHECK(refused.status == 409);
  CHECK(code(refused) == "no-capacity");
  CHECK_FALSE(ApiStand::json(refused).at("remedies").as_array().empty());
  body["add"] = json::array{
      json::object{{"site", "east"}, {"vcpus", 16}, {"memory_mib", 8192}, {"disk_gib", 100}, {"count", 2}}};
  const auto placed = stand.ask("POST", path, json::serialize(body));
  REQUIRE(placed.status == 200);
  CHECK(ApiStand::json(placed).at("plan").as_array().size() == 31);
  CHECK(items(get(stand, "/hosts")).size() == 3);
  CHECK(items(get(stand, "/placements")).empty());
  body["remove"] = json::array{"pc-9"};
  CHECK(code(stand.ask("POST", path, json::serialize(body))) == "not-found");
  const auto wrong = stand.ask("POST", path, R"({"workers":1,"flavor":"small","add":[{"site":"east","vcpus":0}],"name":"x"})");
  CHECK(wrong.status == 400);
  CHECK(ApiStand::json(wrong).at("errors").as_array().size() == 5);
}

}  // namespace
}  // namespace dure::control
