#include <doctest/doctest.h>

#include "tests/unit/controlnode/cli/cli_stand.h"

using namespace dure;
using namespace dure::cli;
using namespace dure::cli::test;

namespace {

constexpr const char* kDecision =
    R"({"number":12,"at":"2026-03-01T09:00:00.000Z","kind":"create","cluster":"demo","cluster_id":"c-1","nodes":2,)"
    R"("outcome":"placed","summary":"","plan":[{"name":"demo-cp1","role":"control-plane","host":"pc-2","site":"east",)"
    R"("fitting_hosts":3,"why":"one that stays on, an anchor"}],"turns":[],"verdicts":{"chosen":1,"fits":1,"lacks":4},)"
    R"("hosts":[{"host":"pc-2","site":"east","room":"301","verdict":"chosen","nodes":["demo-cp1","demo-w1"],"lacks":[]},)"
    R"({"host":"pc-3","site":"east","room":"","verdict":"fits","nodes":[],"lacks":[]},)"
    R"({"host":"pc-4","site":"east","room":"","verdict":"lacks","nodes":[],"lacks":[)"
    R"({"node":"demo-cp1","role":"control-plane","dimension":"unusable","wanted":0,"free":0,"total":0,"detail":"is cordoned"},)"
    R"({"node":"demo-w1","role":"worker","dimension":"memory","wanted":1024,"free":512,"total":8192,"detail":""},)"
    R"({"node":"demo-w1","role":"worker","dimension":"disk","wanted":20,"free":1,"total":100,"detail":""}]}],)"
    R"("remedies":[],"replay":{"identical":true,"differences":[]}})";

constexpr const char* kRefused =
    R"({"number":13,"at":"x","kind":"scale","cluster":"demo","cluster_id":"c-1","nodes":1,"outcome":"refused",)"
    R"("summary":"1 of 1 node does not fit","plan":[],"turns":[],"verdicts":{"chosen":0,"fits":0,"lacks":0},"hosts":[],)"
    R"("remedies":[{"code":"uncordon","detail":"if pc-4 were uncordoned"}],)"
    R"("replay":{"identical":false,"differences":["placements","summary"]}})";

std::string list_of(const std::string& item) { return "{\"items\":[" + item + "]}"; }

}  // namespace

TEST_CASE("cluster explain: each node with its host and why, then each host with what it lacks, in words") {
  CliStand stand;
  stand.http.on("GET /api/v1/clusters/demo/placements?limit=1&hosts=20", 200, list_of(kDecision));
  CHECK(stand.run({"cluster", "explain", "demo"}) == 0);
  CHECK(stand.out.str() ==
        "decision 12: create demo, 2 nodes, placed at 2026-03-01T09:00:00.000Z\n"
        "\n"
        "NODE      ROLE           HOST  SITE  WHY\n"
        "demo-cp1  control-plane  pc-2  east  one that stays on, an anchor\n"
        "\n"
        "HOST  SITE  ROOM  VERDICT  DETAIL\n"
        "pc-2  east  301   chosen   demo-cp1,demo-w1\n"
        "pc-3  east  -     fits     -\n"
        "pc-4  east  -     lacks    for demo-cp1: is cordoned; for demo-w1: 512 of 8192 MiB memory free, 1024 wanted; "
        "1 of 100 GiB disk free, 20 wanted\n"
        "and 3 more; --hosts shows more of them\n");
  CHECK(stand.run({"cluster", "explain", "demo", "-o", "wide"}) == 0);
  CHECK(contains(stand.out.str(), "unusable,memory,disk"));
  CHECK(contains(stand.out.str(), "FITTING-HOSTS"));
  CHECK(stand.run({"cluster", "explain", "demo", "-o", "json"}) == 0);
  CHECK(contains(stand.out.str(), "\"dimension\": \"memory\""));
  CHECK(stand.run({"cluster", "explain", "demo", "-o", "name"}) == 0);
  CHECK(stand.out.str() == "demo-cp1\n");
}

TEST_CASE("cluster explain: a refusal has its summary and its ways out; an older decision is chosen by number") {
  CliStand stand;
  stand.http.on("GET /api/v1/placements/13?hosts=5", 200, kRefused);
  CHECK(stand.run({"cluster", "explain", "demo", "--decision", "13", "--hosts", "5"}) == 0);
  CHECK(contains(stand.out.str(), "1 of 1 node does not fit\n"));
  CHECK(contains(stand.out.str(), "It would fit\n  if pc-4 were uncordoned\n"));
  CHECK(stand.run({"cluster", "explain", "other", "--decision", "13", "--hosts", "5"}) == 3);
  CHECK(contains(stand.err.str(), "decision 13 is about cluster 'demo'"));
  CHECK(stand.run({"cluster", "explain", "none"}) == 3);
  stand.http.on("GET /api/v1/clusters/old/placements?limit=1&hosts=20", 200, R"({"items":[]})");
  CHECK(stand.run({"cluster", "explain", "old"}) == 3);
  CHECK(contains(stand.err.str(), "is kept any more"));
  CHECK(stand.run({"cluster", "explain"}) == 2);
}

TEST_CASE("plan replay: the exit code says whether it came out the same") {
  CliStand stand;
  stand.http.on("GET /api/v1/placements/12?hosts=1", 200, kDecision);
  stand.http.on("GET /api/v1/placements/13?hosts=1", 200, kRefused);
  CHECK(stand.run({"plan", "replay", "12"}) == 0);
  CHECK(contains(stand.out.str(), "\nidentical: "));
  CHECK(stand.run({"plan", "replay", "13"}) == 1);
  CHECK(contains(stand.out.str(), "\ndifferent: placements,summary\n"));
  CHECK(stand.run({"plan", "replay", "13", "-o", "json"}) == 1);
  CHECK(contains(stand.out.str(), "\"identical\": false"));
  CHECK(stand.run({"plan", "replay", "99"}) == 3);
  CHECK(stand.run({"plan", "replay", "x"}) == 2);
}

TEST_CASE("plan decisions: newest first, refusals too") {
  CliStand stand;
  stand.http.on("GET /api/v1/placements?limit=50", 200, list_of(std::string(kRefused) + "," + kDecision));
  CHECK(stand.run({"plan", "decisions"}) == 0);
  CHECK(contains(stand.out.str(), "13      x                         scale   demo     1      refused"));
  stand.http.on("GET /api/v1/placements?limit=7&before=13", 200, list_of(kDecision));
  CHECK(stand.run({"plan", "decisions", "--limit", "7", "--before", "13", "-o", "name"}) == 0);
  CHECK(stand.out.str() == "12\n");
}

TEST_CASE("plan what-if: sends the changes, and shows the plan or the refusal as a creation does") {
  CliStand stand;
  stand.http.on("POST /api/v1/plan/what-if", 200,
                R"({"plan":[{"name":"what-if-cp1","role":"control-plane","host":"added-1","site":"east"}]})");
  const std::vector<std::string> command{"plan", "what-if", "--workers", "2", "--flavor", "small", "--image", "debian-13"};
  const auto with = [&](std::vector<std::string> more) {
    auto all = command;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  CHECK(stand.run(with({"--site", "east", "--add-host", "site=east,room=301,vcpus=8,memory=16384,disk=200,count=2",
                        "--remove-host", "pc-1", "--uncordon", "pc-2"})) == 0);
  CHECK(stand.http.calls.front().body ==
        R"({"workers":2,"control_planes":1,"flavor":"small","image":"debian-13","sites":["east"],)"
        R"("add":[{"site":"east","room":"301","vcpus":8,"memory_mib":16384,"disk_gib":200,"count":2}],)"
        R"("remove":["pc-1"],"uncordon":["pc-2"]})");
  CHECK(contains(stand.out.str(), "what-if-cp1  control-plane  added-1  east"));
  CHECK(stand.run(with({"-o", "name"})) == 0);
  CHECK(stand.out.str() == "what-if-cp1\n");
  for (const char* wrong : {"", "site=east", "site=east,vcpus=8,memory=1,disk=x", "site=east,vcpus=8,memory=1,disk=1,color=red",
                            "site=east,site=west,vcpus=8,memory=1,disk=1", "site=east,vcpus=8,memory=1,disk=1,"}) {
    CAPTURE(wrong);
    CHECK(stand.run(with({"--add-host", wrong})) == 2);
  }
  stand.http.on("POST /api/v1/plan/what-if", 409,
                R"({"code":"no-capacity","detail":"1 of 3 nodes does not fit","remedies":[{"code":"uncordon","detail":"if pc-2 were uncordoned"}]})");
  CHECK(stand.run(command) == 0);  // the answer before
  CHECK(stand.run(command) == 6);
  CHECK(contains(stand.err.str(), "if pc-2 were uncordoned"));
}
