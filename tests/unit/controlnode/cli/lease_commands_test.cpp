#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

namespace json = boost::json;
using test::CliStand;
using test::contains;

// The clock of the stand shows 2026-03-01T09:00:10Z.
std::vector<std::string> create_with(const std::vector<std::string>& more) {
  std::vector<std::string> all{"cluster", "create", "demo",    "--workers", "2",  "--flavor", "small",
                               "--image", "debian", "--keypair", "me",       "--no-wait"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

json::object posted(const CliStand& stand) { return json::parse(stand.http.calls.front().body).as_object(); }

TEST_CASE("cluster create: what is asked of hosts and of time goes to the API, and nothing that was not asked") {
  CliStand stand;
  stand.http.on("POST /api/v1/clusters", 202, R"({"id":"c","name":"demo","operation":"op-1","plan":[]})");
  REQUIRE(stand.run(create_with({"--strategy", "pack", "--apart", "--survive", "room", "--for", "90m", "--room", "301,302",
                                 "--label", "gpu=none", "--label", "os=", "--host-class", "scavenged",
                                 "--control-plane-class", "anchor", "--control-plane-room", "B-2"})) == 0);
  const auto body = posted(stand);
  CHECK(body.at("strategy") == "pack");
  CHECK(body.at("apart") == json::value(true));
  CHECK(body.at("survive") == "room");
  CHECK(body.at("until") == "2026-03-01T10:30:10.000Z");
  CHECK(body.at("worker_rules") == json::value{{"rooms", {"301", "302"}},
                                              {"labels", {{"gpu", "none"}, {"os", ""}}},
                                              {"classes", json::array{"scavenged"}}});
  CHECK(body.at("control_plane_rules") ==
        json::value{{"rooms", json::array{"B-2"}}, {"classes", json::array{"anchor"}}});
  stand.http.calls.clear();
  REQUIRE(stand.run(create_with({"--until", "2026-03-01T18:00:00+09:00"})) == 0);
  CHECK(posted(stand).at("until") == "2026-03-01T18:00:00+09:00");
  for (const char* member : {"strategy", "apart", "survive", "worker_rules", "control_plane_rules"}) {
    CHECK_FALSE(posted(stand).contains(member));
  }
}

TEST_CASE("cluster create: a time, a length, a label or a word that is none is exit 2 before anything is sent") {
  const auto says = [](const std::vector<std::string>& more, const std::string& part) {
    CliStand stand;
    CHECK(stand.run(create_with(more)) == 2);
    CHECK(contains(stand.err.str(), part));
    CHECK(stand.http.calls.empty());
  };
  says({"--until", "18:00"}, "2026-03-01T18:00:00+09:00");
  says({"--for", "soon"}, "3d");
  says({"--for", "3d", "--until", "2026-03-01T18:00:00Z"}, "--until");
  says({"--label", "gpu"}, "KEY=VALUE");
  says({"--survive", "campus"}, "campus");
  says({"--host-class", "immortal"}, "immortal");
}

TEST_CASE("cluster extend: one end, later, earlier or none") {
  CliStand stand;
  stand.http.on("PATCH /api/v1/clusters/demo", 200, R"({"id":"c","name":"demo"})");
  stand.http.on("GET /api/v1/clusters/demo", 200, R"({"id":"c","name":"demo","until":"2026-03-04T09:00:10.000Z"})");
  REQUIRE(stand.run({"cluster", "extend", "demo", "--for", "3d", "-o", "name"}) == 0);
  CHECK(stand.http.calls.front().body == R"({"until":"2026-03-04T09:00:10.000Z"})");
  CHECK(stand.out.str() == "demo\n");
  CHECK(stand.err.str() == "cluster 'demo' ends at 2026-03-04T09:00:10.000Z\n");
  stand.http.calls.clear();
  REQUIRE(stand.run({"cluster", "extend", "demo", "--no-end"}) == 0);
  CHECK(stand.http.calls.front().body == R"({"until":null})");
  stand.http.calls.clear();
  CHECK(stand.run({"cluster", "extend", "demo"}) == 2);
  CHECK(stand.run({"cluster", "extend", "demo", "--no-end", "--for", "3d"}) == 2);
  CHECK(stand.http.calls.empty());
}

TEST_CASE("cluster extend: a refusal names the host's time and what would fit") {
  CliStand stand;
  stand.http.on("PATCH /api/v1/clusters/demo", 409,
                R"({"code":"no-capacity","detail":"cluster 'demo' cannot stay so long: host pc-1 is needed","reasons":[
                    {"host":"pc-1","dimension":"busy","wanted":0,"free":0,"total":0,"detail":"is needed by its owner"}],
                    "remedies":[{"code":"shorter-lease","detail":"if it ends by 2026-03-02T00:00:00.000Z"}]})");
  CHECK(stand.run({"cluster", "extend", "demo", "--no-end"}) != 0);
  CHECK(contains(stand.err.str(), "cannot stay so long"));
  CHECK(contains(stand.err.str(), "if it ends by 2026-03-02T00:00:00.000Z"));
}

TEST_CASE("host busy: shows, adds and clears") {
  CliStand stand;
  stand.http.on("PATCH /api/v1/hosts/pc-1", 200, R"({"id":"h","name":"pc-1"})");
  stand.http.on("GET /api/v1/hosts/pc-1", 200,
                R"({"name":"pc-1","busy":[{"from":"2026-03-02T00:00:00.000Z","until":"2026-03-02T09:00:00.000Z"}]})");
  REQUIRE(stand.run({"host", "busy", "pc-1"}) == 0);
  CHECK(stand.http.calls.size() == 1);
  CHECK(stand.out.str() == "FROM                      UNTIL\n2026-03-02T00:00:00.000Z  2026-03-02T09:00:00.000Z\n");
  stand.http.calls.clear();
  const std::string window = "2026-03-02T09:00:00+09:00/2026-03-02T18:00:00+09:00";
  const std::string item = R"([{"from":"2026-03-02T09:00:00+09:00","until":"2026-03-02T18:00:00+09:00"}])";
  REQUIRE(stand.run({"host", "busy", "pc-1", "--add", window}) == 0);
  CHECK(stand.http.calls.front().body == "{\"more_busy\":" + item + "}");
  stand.http.calls.clear();
  REQUIRE(stand.run({"host", "busy", "pc-1", "--clear", "--add", window}) == 0);
  CHECK(stand.http.calls.front().body == "{\"busy\":" + item + "}");
  stand.http.calls.clear();
  REQUIRE(stand.run({"host", "busy", "pc-1", "--clear"}) == 0);
  CHECK(stand.http.calls.front().body == R"({"busy":[]})");
  stand.http.calls.clear();
  for (const std::string wrong : {"2026-03-02T09:00:00Z", "/", "2026-03-02T09:00:00Z/2026-03-02T09:00:00Z"}) {
    CHECK(stand.run({"host", "busy", "pc-1", "--add", wrong}) == 2);
  }
  CHECK(stand.http.calls.empty());
}

TEST_CASE("lists: -o wide shows the end of a lease, the rules and a host's times") {
  CliStand stand;
  stand.http.on("GET /api/v1/clusters", 200,
                R"({"items":[{"name":"demo","until":"2026-03-04T09:00:10.000Z","strategy":"pack","apart":true,
                    "survive":"nothing","worker_rules":{"rooms":["301","302"],"labels":{"gpu":"none"},"classes":[]},
                    "control_plane_rules":{"rooms":[],"labels":{},"classes":["anchor"]}}]})");
  REQUIRE(stand.run({"cluster", "list", "--columns", "UNTIL,STRATEGY,APART,CONTROL-PLANE-HOSTS,WORKER-HOSTS",
                     "--no-headers"}) == 0);
  CHECK(stand.out.str() == "2026-03-04T09:00:10.000Z  pack  yes  anchor  room 301,302 gpu=none\n");
  REQUIRE(stand.run({"cluster", "list", "-o", "wide"}) == 0);
  CHECK(contains(stand.out.str(), "WORKER-HOSTS"));
  stand.http.on("GET /api/v1/hosts", 200,
                R"({"items":[{"name":"pc-1","busy":[{"from":"a","until":"b"},{"from":"c","until":"d"}]}]})");
  REQUIRE(stand.run({"host", "list", "--columns", "NAME,BUSY", "--no-headers"}) == 0);
  CHECK(stand.out.str() == "pc-1  a/b, c/d\n");
}

}  // namespace
}  // namespace dure::cli
