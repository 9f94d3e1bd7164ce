#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/unit/controlnode/core/scenario_run.h"

using namespace dure::control::test;

namespace {

const std::string kFolder = "tests/unit/controlnode/core/scenarios/";

std::vector<std::filesystem::path> scenario_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(DURE_SOURCE_DIR "/" + kFolder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Two hosts and room on both; the lines of a test follow from line 5 on.
std::vector<std::string> findings(const std::string& lines) {
  return run_scenario("x.txt",
                      "# a scenario within a test\n"
                      "site a\n"
                      "host h1 site a\n"
                      "flavor small 1 1024 10\n" +
                          lines)
      .findings;
}

using Findings = std::vector<std::string>;

}  // namespace

TEST_CASE("scenario files hold") {
  const auto files = scenario_files();
  REQUIRE(files.size() >= 10);
  for (const auto& path : files) {
    const std::string name = path.filename().string();
    SUBCASE(name.c_str()) {
      const ScenarioRun run = run_scenario(kFolder + name, text_of(path));
      CHECK_MESSAGE(!run.title.empty(), name);
      for (const std::string& finding : run.findings) FAIL_CHECK(finding);
    }
  }
}

TEST_CASE("scenarios: a wrong expectation is found, with its line, what was expected and seen") {
  CHECK(findings("> create demo\nexpect accepted demo-cp1@h1\n") == Findings{});
  CHECK(findings("> create demo workers 1\nexpect accepted demo-cp1@h1\n") ==
        Findings{"x.txt:6: expected accepted demo-cp1@h1, saw accepted demo-cp1@h1 demo-w1@h1"});
  CHECK(findings("> create demo\nexpect node demo-cp1 ready\nexpect node demo-cp1 gone\n"
                 "expect cluster demo creating\nexpect claims h1 none\n") ==
        Findings{"x.txt:6: expected node demo-cp1 ready, saw node demo-cp1 creating",
                 "x.txt:7: expected node demo-cp1 gone, saw node demo-cp1 creating",
                 "x.txt:9: expected claims h1 none, saw claims h1 demo-cp1"});
  CHECK(findings("> create demo\nexpect no-orders\nexpect order h1 generation 2 vms none\n") ==
        Findings{"x.txt:6: expected no-orders, saw orders h1",
                 "x.txt:7: expected order h1 generation 2 vms none, "
                 "saw order h1 generation 1 vms demo-cp1"});
  CHECK(findings("> create demo\nexpect refused no-capacity says 9\nexpect no-changes\n").size() ==
        2);
  CHECK(findings("> create demo\nexpect operation cluster-create succeeded\n"
                 "expect step booted done\nexpect nothing-left\nexpect strangers h1 demo-cp1\n")
            .size() == 4);
  CHECK(findings("> create demo\nexpect node demo-cp1 creating says no such text\n").size() == 1);
}

TEST_CASE("scenarios: an unknown word is an error that names file and line") {
  const auto first = [](const std::string& lines) { return findings(lines).at(0); };
  CHECK(first("rack r1\n") == "x.txt:5: unknown word 'rack': it is no line of a scenario");
  CHECK(first("> explode h1\n") == "x.txt:5: unknown word 'explode': it is no event");
  CHECK(first("> create demo worker 2\n") == "x.txt:5: unknown word 'worker'");
  CHECK(first("> wait 0s\n") == "x.txt:5: a wait is 1s to 1000000s");
  CHECK(first("host h1 site a\n") == "x.txt:5: there is a host 'h1' already");
  CHECK(first("> wait 5m\n") == "x.txt:5: unknown word '5m': it is no duration");
  CHECK(first("> create demo\nexpect joy\n") ==
        "x.txt:6: unknown word 'joy': it is no expectation");
  CHECK(first("> create demo\nexpect no-orders at all\n") == "x.txt:6: unknown word 'at'");
  CHECK(first("> create demo\nexpect node demo-cp1 happy\n") ==
        "x.txt:6: unknown word 'happy': it is no state of a node");
  CHECK(first("> create demo\nexpect refused often\n") ==
        "x.txt:6: unknown word 'often': it is no code");
  CHECK(first("> confirm h9\n") == "x.txt:5: there is no host 'h9'");
  CHECK(first("> report h1 running demo-w7\n") == "x.txt:5: there never was a node 'demo-w7'");
  CHECK(first("host h2 site z\n") == "x.txt:5: there is no site 'z'");
  CHECK(first("> scale demo many\n") == "x.txt:5: 'many' is no number of workers");
  CHECK(first("settings silent-after 60s patience 3s\n") == "x.txt:5: unknown word 'patience'");
  CHECK(first("> report h1 in-flight demo\n") == "x.txt:5: there never was a node or cluster 'demo'");
  CHECK(first("> report h1 networks demo\n") == "x.txt:5: there never was a cluster 'demo'");
  CHECK(first("> report h1 accepted 9\n") == "x.txt:5: the host was sent no such order");
}

TEST_CASE("scenarios: what a host says of itself and its VMs is said in words") {
  const std::string created = "> create demo\nexpect accepted demo-cp1@h1\n";
  const std::string deleted = created + "> confirm h1\nexpect node demo-cp1 ready\n> delete demo\nexpect node demo-cp1 deleting\n";
  // A network that is there, or in flight, holds up the cluster; so does a VM.
  CHECK(findings(deleted + "> report h1\nexpect nothing-left\n") == Findings{});
  for (const std::string held : {"networks demo", "in-flight demo", "in-flight demo-cp1", "unobserved"}) {
    CAPTURE(held);
    CHECK(findings(deleted + "> report h1 " + held + "\nexpect cluster demo deleting\n") == Findings{});
  }
  // Of which boot a guest speaks, and how long it has not.
  const std::string ready = created + "> report h1 running demo-cp1 boot 0 stages booted,network,configured,ready\nexpect node demo-cp1 ready\n";
  CHECK(findings(ready + "> report h1 session 2 running demo-cp1 boot 1 stages booted\nexpect node demo-cp1 booting\n") == Findings{});
  CHECK(findings(ready + "> report h1 running demo-cp1 boot 0 silent 90s stages booted,network,configured,ready\n"
                         "expect node demo-cp1 unknown says its guest has been silent\n") == Findings{});
  CHECK(findings(ready + "> reboot demo demo-cp1\nexpect node demo-cp1 booting\n"
                         "> report h1 running demo-cp1 boot 1 stages booted,network,configured,ready\nexpect node demo-cp1 booting\n"
                         "> report h1 running demo-cp1 restart 1 boot 1 stages booted,network,configured,ready\nexpect node demo-cp1 ready\n") ==
        Findings{});
}

TEST_CASE("scenarios: settings, silent hosts and a new leader are said in words") {
  const std::string two = "host h2 site a\nsettings silent-after 60s missing-after 600s node-deadline 120s\n> create demo workers 1\n"
                          "expect accepted demo-cp1@h1 demo-w1@h2\n";
  const std::string ready = two + "> confirm h1,h2\nexpect cluster demo ready\n";
  CHECK(findings(ready + "> silence h1,h2 55s\nexpect node demo-w1 ready\n> silence h2 10s\nexpect node demo-w1 unknown\n"
                         "expect node demo-cp1 ready\n") == Findings{});
  CHECK(findings(two + "> wait 120s\nexpect node demo-w1 failed\n") == Findings{});
  // Who begins to lead gives everybody a while before he counts as silent.
  CHECK(findings(ready + "> silence h1,h2 55s\nexpect node demo-w1 ready\n> new-leader\nexpect node demo-w1 ready\n> silence h1,h2 55s\n"
                         "expect node demo-w1 ready\n> silence h1,h2 10s\nexpect node demo-w1 unknown\n") == Findings{});
}

TEST_CASE("scenarios: one that expects nothing, or nothing of its last event, fails") {
  CHECK(findings("> create demo\n") ==
        Findings{"x.txt:5: a scenario without expect shows nothing"});
  CHECK(findings("> create demo\nexpect accepted\n> delete demo\n") ==
        Findings{"x.txt:7: nothing is expected of the last event"});
  CHECK(run_scenario("x.txt", "site a\n").findings ==
        Findings{"x.txt:1: the first line is '# ' and what it shows"});
  CHECK(run_scenario("x.txt", "").findings.size() == 1);
}
