#include <doctest/doctest.h>

#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

using test::CliStand;
using test::contains;

constexpr const char* kProject =
    R"({"id":"1","name":"lab","quota":{"vcpus":32,"memory_mib":null,"disk_gib":null,"nodes":20,"clusters":5},)"
    R"("usage":{"vcpus":8,"memory_mib":4096,"disk_gib":40,"nodes":4,"clusters":2}})";

}  // namespace

TEST_CASE("project create takes a quota as people write it, and shows what is held beside it") {
  CliStand stand;
  stand.http.on("POST /api/v1/projects", 200, R"({"id":"1"})");
  stand.http.on("GET /api/v1/projects/lab", 200, kProject);
  CHECK(stand.run({"project", "create", "lab", "--quota", "vcpus=32,memory=64GiB,disk=2TiB,nodes=20,clusters=5"}) == 0);
  CHECK(stand.http.calls.front().body ==
        R"({"name":"lab","quota":{"vcpus":32,"memory_mib":65536,"disk_gib":2048,"nodes":20,"clusters":5}})");
  CHECK(contains(stand.out.str(), "8/32"));
  CHECK(contains(stand.out.str(), "4/20"));
  CHECK(contains(stand.out.str(), "4096 "));
}

TEST_CASE("project set changes parts of a quota, or takes all of it away") {
  CliStand stand;
  stand.http.on("PATCH /api/v1/projects/lab", 200, R"({"id":"1"})");
  stand.http.on("GET /api/v1/projects/lab", 200, kProject);
  CHECK(stand.run({"project", "set", "lab", "--quota", "memory=512MiB,clusters=none"}) == 0);
  CHECK(stand.http.calls.front().body == R"({"quota":{"memory_mib":512,"clusters":null}})");
  CHECK(stand.run({"project", "set", "lab", "--no-quota"}) == 0);
  CHECK(stand.http.calls.at(2).body == R"({"quota":null})");
  for (const std::string wrong : {"gpus=1", "vcpus", "vcpus=many", "memory=64", "disk=1MiB", "nodes=-1", "vcpus=1GiB",
                                  "memory=9999999999999TiB"}) {
    CAPTURE(wrong);
    CHECK(stand.run({"project", "set", "lab", "--quota", wrong}) == 2);
  }
  CHECK(stand.run({"project", "set", "lab"}) == 2);
  CHECK(stand.run({"project", "set", "lab", "--no-quota", "--quota", "vcpus=1"}) == 2);
}

TEST_CASE("a quota that is used up has the exit code of no capacity") {
  CliStand stand;
  stand.http.on("POST /api/v1/clusters", 409,
                R"({"status":409,"code":"quota","detail":"the quota of project 'lab' does not allow it",)"
                R"("remedies":[{"code":"fewer-workers","detail":"with 1 worker instead of 3"}]})");
  CHECK(stand.run({"cluster", "create", "demo", "--workers", "3", "--flavor", "small", "--image", "debian", "--keypair",
                   "me"}) == 6);
  CHECK(contains(stand.err.str(), "with 1 worker instead of 3"));
}

}  // namespace dure::cli
