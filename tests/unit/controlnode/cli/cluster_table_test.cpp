#include <doctest/doctest.h>

#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

using test::contains;

void prepare(test::CliStand& stand, const std::string& kubernetes, const std::string& nodes) {
  stand.http.on("GET /api/v1/clusters/demo", 200, R"({"name":"demo","kubernetes":)" + kubernetes + "}");
  stand.http.on("GET /api/v1/nodes?cluster=demo", 200, R"({"items":[)" + nodes + "]}");
}

const std::string kStarted =
    R"({"name":"booted","at_ms":12100},{"name":"network","at_ms":13000},{"name":"configured","at_ms":14200},)"
    R"({"name":"containerd","at_ms":16900})";

TEST_CASE("cluster show: draws the stages of Kubernetes nodes, what each is at, and its pods") {
  test::CliStand stand;
  prepare(stand, R"({"version":"v1.32.13","pods":"10.64.0.0/12"})",
          R"({"name":"demo-cp1","state":"ready","pods":"10.64.1.0/24","stages":[)" + kStarted +
              R"(,{"name":"init","at_ms":95100},{"name":"ready","at_ms":101200}]},)"
              R"({"name":"demo-w1","state":"booting","pods":"10.64.2.0/24","stages":[)" + kStarted +
              R"(]},{"name":"demo-w2","state":"pending","pods":null,"stages":[]})");
  CHECK(stand.run({"cluster", "show", "demo"}) == 0);
  CHECK(contains(stand.out.str(), "kubernetes.version  v1.32.13\n"));
  CHECK(contains(stand.out.str(), "kubernetes.pods     10.64.0.0/12\n"));
  CHECK(contains(stand.out.str(),
                 "\nNODE      PODS          BOOTED  NETWORK  CONFIGURED  CONTAINERD  INIT|JOIN   READY\n"
                 "demo-cp1  10.64.1.0/24  12.1s   13.0s    14.2s       16.9s       init 95.1s  101.2s\n"
                 "demo-w1   10.64.2.0/24  12.1s   13.0s    14.2s       16.9s       …           -\n"
                 "demo-w2   -             -       -        -           -           -           -\n"));
}

TEST_CASE("cluster show: plain nodes have their four stages, an unknown one is shown behind, a reason last") {
  test::CliStand stand;
  prepare(stand, "null",
          R"({"name":"demo-w1","state":"failed","reason":"disk full","stages":[{"name":"booted","at_ms":900},)"
          R"({"name":"odd","at_ms":1000}]})");
  CHECK(stand.run({"cluster", "show", "demo"}) == 0);
  CHECK(contains(stand.out.str(),
                 "\nNODE     BOOTED  NETWORK  CONFIGURED  READY  ODD   REASON\n"
                 "demo-w1  0.9s    -        -           -      1.0s  disk full\n"));
}

TEST_CASE("list -o wide: versions of clusters and images") {
  test::CliStand stand;
  stand.http.on("GET /api/v1/clusters", 200,
                R"({"items":[{"name":"demo","kubernetes":{"version":"v1.32.13","cni":"none","pods":"10.64.0.0/12"}},
                             {"name":"plain","kubernetes":null}]})");
  CHECK(stand.run({"cluster", "list", "-o", "wide"}) == 0);
  CHECK(contains(stand.out.str(), "v1.32.13    none  10.64.0.0/12"));
  CHECK(stand.run({"cluster", "list", "--columns", "name,kubernetes"}) == 0);
  CHECK(stand.out.str() == "NAME   KUBERNETES\ndemo   v1.32.13\nplain  -\n");
  stand.http.on("GET /api/v1/images", 200, R"({"items":[{"name":"i","kubernetes":"v1.32.13"}]})");
  CHECK(stand.run({"image", "list", "-o", "wide"}) == 0);
  CHECK(contains(stand.out.str(), "v1.32.13"));
}

}  // namespace
}  // namespace dure::cli
