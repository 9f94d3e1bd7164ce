#include "controlnode/edges/http/read_placement.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

using Pointers = std::vector<std::string>;
using test::ApiStand;
using test::RawAnswer;
namespace json = boost::json;

template <class T>
Pointers pointers(const ReadResult<T>& read) {
  Pointers result;
  if (const auto* faults = std::get_if<std::vector<Fault>>(&read)) {
    for (const auto& fault : *faults) result.push_back(fault.pointer);
  }
  std::sort(result.begin(), result.end());
  return result;
}

ReadResult<CreateCluster> create_with(const std::string& members) {
  return read_create_cluster(R"({"name":"d","workers":1,"flavor":"s","image":"i","key_pair":"k",)" + members + "}");
}

// The stand's routes ask the real clock for what is over.
TimePoint stand_time() {
  static const TimePoint now{SystemClock().now().us / 1'000'000 * 1'000'000};
  return now;
}

void furnish(ApiStand& stand) {
  stand.api.act([](test::Campus& campus) {
    campus.now = stand_time();
    campus.site("east");
    campus.host("pc-1", "east");
    campus.catalog();
  });
}

json::object item(ApiStand& stand, const std::string& path) { return ApiStand::json(stand.ask("GET", path)); }

TEST_CASE("create cluster: what is asked of its hosts and its end is read; without it nothing is asked") {
  const auto full = create_with(
      R"("strategy":"pack","apart":true,"survive":"room","until":"2026-03-01T18:00:00+09:00",
         "worker_rules":{"rooms":["301","B-2"],"labels":{"gpu":"none","os":""},"classes":["scavenged"]},
         "control_plane_rules":{"classes":["anchor"]})");
  REQUIRE(std::holds_alternative<CreateCluster>(full));
  const auto& wanted = std::get<CreateCluster>(full);
  CHECK(wanted.layout == Layout{Strategy::pack, true, Survive::room});
  CHECK(wanted.until == TimePoint{1'772'355'600'000'000});
  CHECK(wanted.worker_rules == HostRules{{"301", "B-2"}, {"gpu=none", "os="}, {HostClass::scavenged}});
  CHECK(wanted.control_plane_rules == HostRules{{}, {}, {HostClass::anchor}});
  const auto brief = create_with(R"("until":null,"survive":null,"worker_rules":null)");
  REQUIRE(std::holds_alternative<CreateCluster>(brief));
  CHECK(std::get<CreateCluster>(brief).layout == Layout{});
  CHECK_FALSE(std::get<CreateCluster>(brief).until.has_value());
  CHECK(std::get<CreateCluster>(brief).worker_rules == HostRules{});
}

TEST_CASE("create cluster: every fault of what is asked of its hosts is found at its place") {
  CHECK(pointers(create_with(
            R"("strategy":"random","apart":"yes","survive":"campus","until":"tomorrow",
               "worker_rules":{"rooms":["3/1"],"labels":{"Gpu":"x"},"classes":["immortal"],"hosts":[]},
               "control_plane_rules":[])")) ==
        Pointers{"/apart", "/control_plane_rules", "/strategy", "/survive", "/until", "/worker_rules/classes",
                 "/worker_rules/hosts", "/worker_rules/labels", "/worker_rules/rooms"});
  for (const std::string until : {"1", R"("")", R"("2026-03-01")", R"("2026-03-01T18:00:00")", "{}"}) {
    CAPTURE(until);
    CHECK(pointers(create_with(R"("until":)" + until)) == Pointers{"/until"});
  }
  std::string rooms = R"("1")";
  for (int i = 0; i < 64; ++i) rooms += R"(,"1")";
  CHECK(pointers(create_with(R"("worker_rules":{"rooms":[)" + rooms + "]}")) == Pointers{"/worker_rules/rooms"});
}

TEST_CASE("update host: busy times have a beginning before their end, each fault at its place") {
  const auto good = read_update_host(
      "pc-1", R"({"busy":[{"from":"2026-03-02T09:00:00Z","until":"2026-03-02T18:00:00Z"}],"more_busy":[]})");
  REQUIRE(std::holds_alternative<UpdateHost>(good));
  CHECK(std::get<UpdateHost>(good).busy->size() == 1);
  CHECK_FALSE(std::get<UpdateHost>(read_update_host("pc-1", R"({"room":"1"})")).busy.has_value());
  CHECK(std::get<UpdateHost>(read_update_host("pc-1", R"({"busy":[]})")).busy->empty());
  CHECK(pointers(read_update_host(
            "pc-1", R"({"busy":[{"from":"2026-03-02T09:00:00Z"},7,{"from":"x","until":"2026-03-02T18:00:00Z","why":1},
                                {"from":"2026-03-02T09:00:00Z","until":"2026-03-02T09:00:00Z"}],"more_busy":{}})")) ==
        Pointers{"/busy/0/until", "/busy/1", "/busy/2/from", "/busy/2/why", "/busy/3/until", "/more_busy"});
}

TEST_CASE("update host: an overcommit is a whole percentage, null takes it away, and left out it stays") {
  const auto read = [](const std::string& value) {
    return read_update_host("pc-1", R"({"room":"1","vcpu_overcommit_percent":)" + value + "}");
  };
  CHECK(std::get<UpdateHost>(read("150")).vcpu_overcommit_percent == std::optional<std::int64_t>(150));
  const auto taken = std::get<UpdateHost>(read("null")).vcpu_overcommit_percent;
  REQUIRE(taken.has_value());
  CHECK_FALSE(taken->has_value());
  CHECK_FALSE(std::get<UpdateHost>(read_update_host("pc-1", R"({"room":"1"})")).vcpu_overcommit_percent.has_value());
  for (const std::string wrong : {"99", "6401", "1.5", R"("150")", "[]"}) {
    CAPTURE(wrong);
    CHECK(pointers(read(wrong)) == Pointers{"/vcpu_overcommit_percent"});
  }
}

TEST_CASE("extend: a time or null, and never by leaving it out") {
  CHECK(std::get<ExtendCluster>(read_extend_cluster("demo", R"({"until":"2026-03-01T09:00:00Z"})")).until.has_value());
  const auto none = read_extend_cluster("demo", R"({"until":null})");
  REQUIRE(std::holds_alternative<ExtendCluster>(none));
  CHECK_FALSE(std::get<ExtendCluster>(none).until.has_value());
  CHECK(pointers(read_extend_cluster("demo", "{}")) == Pointers{"/until"});
  CHECK(pointers(read_extend_cluster("demo", R"({"until":5,"workers":2})")) == Pointers{"/until", "/workers"});
  CHECK(pointers(read_extend_cluster("demo", "")) == Pointers{"", "/until"});
}

TEST_CASE("api: a lease that crosses a class is refused as busy with a remedy; a shorter one is created and shown") {
  ApiStand stand;
  furnish(stand);
  const auto at = [](std::int64_t hours) { return to_rfc3339(stand_time() + std::chrono::hours(hours)); };
  const auto create = [&](const std::string& until) {
    return stand.ask("POST", "/api/v1/clusters",
                     R"({"name":"demo","workers":1,"flavor":"small","image":"debian-13","key_pair":"me",
                         "strategy":"pack","worker_rules":{"labels":{}},"until":")" + until + "\"}");
  };
  REQUIRE(stand.ask("PATCH", "/api/v1/hosts/pc-1",
                    R"({"room":"301","busy":[{"from":")" + at(4) + R"(","until":")" + at(6) + "\"}]}").status == 200);
  CHECK(item(stand, "/api/v1/hosts/pc-1").at("busy") == json::value(json::array{json::object{{"from", at(4)}, {"until", at(6)}}}));
  const RawAnswer refused = create(at(5));
  CHECK(refused.status == 409);
  const auto told = ApiStand::json(refused);
  CHECK(told.at("reasons").at(0).at("dimension") == "busy");
  bool shorter = false, later = false;
  for (const auto& remedy : told.at("remedies").get_array()) {
    shorter = shorter || (remedy.at("code") == "shorter-lease" && remedy.at("detail") == json::value("if it ends by " + at(4)));
    later = later || remedy.at("code") == "later";
  }
  CHECK(shorter);
  CHECK(later);
  REQUIRE(create(at(4)).status == 202);
  const auto cluster = item(stand, "/api/v1/clusters/demo");
  CHECK(cluster.at("until") == json::value(at(4)));
  CHECK(cluster.at("strategy") == "pack");
  CHECK(cluster.at("survive") == "nothing");
  CHECK(cluster.at("worker_rules") == json::value{{"rooms", json::array{}}, {"labels", json::object{}},
                                                 {"classes", json::array{}}});

  const std::string one = "/api/v1/clusters/demo";
  CHECK(stand.ask("PATCH", one, R"({"until":")" + at(7) + "\"}").status == 409);
  CHECK(stand.ask("PATCH", one, R"({"until":null})").status == 409);
  CHECK(stand.ask("PATCH", one, "{}").status == 400);
  CHECK(stand.ask("PATCH", one, R"({"until":"2020-01-01T00:00:00Z"})").status == 400);
  CHECK(stand.ask("PATCH", "/api/v1/clusters/none", R"({"until":null})").status == 404);
  CHECK(stand.ask("PATCH", one, R"({"until":")" + at(3) + "\"}").status == 200);
  CHECK(item(stand, one).at("until") == json::value(at(3)));
}

}  // namespace
}  // namespace dure::control
