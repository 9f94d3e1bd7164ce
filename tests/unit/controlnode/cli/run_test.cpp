#include "controlnode/cli/run.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "common/files.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

namespace json = boost::json;
using test::CliStand;
using test::contains;

const std::vector<std::string> kCreate{"cluster", "create", "demo",    "--workers", "2", "--flavor",
                                       "small",   "--image", "debian", "--keypair", "me"};

std::vector<std::string> create_with(const std::vector<std::string>& more) {
  auto all = kCreate;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

void prepare_create(CliStand& stand) {
  stand.http.on("POST /api/v1/clusters", 202,
                R"({"id":"c","name":"demo","operation":"op-1","plan":[
                    {"name":"demo-cp1","role":"control-plane","host":"pc-1","site":"east"},
                    {"name":"demo-w1","role":"worker","host":"pc-2","site":"west"}]})");
  stand.http.on("GET /api/v1/operations/op-1", 200, R"({"id":"op-1","state":"succeeded","steps":[]})");
  stand.http.on("GET /api/v1/clusters/demo", 200, R"({"id":"c","name":"demo","state":"ready"})");
  stand.http.on("GET /api/v1/nodes?cluster=c", 200,
                R"({"items":[{"name":"demo-w1","state":"ready","stages":[{"name":"booted","at_ms":1200}]}]})");
}

TEST_CASE("dure: alone it explains itself") {
  CliStand stand;
  CHECK(stand.run({}) == 0);
  CHECK(contains(stand.out.str(), "Usage: dure"));
  CHECK(contains(stand.out.str(), "cluster"));
}

TEST_CASE("dure: every command has help that names it in full, and none talks to a server for it") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"cluster", "create"}, {"cluster", "scale"}, {"cluster", "delete"},
        {"cluster", "show"}, {"cluster", "kubeconfig"}, {"cluster", "access", "list"},
        {"cluster", "access", "revoke"}, {"cluster", "extend"}, {"host", "busy"}, {"host", "add"}, {"host", "cordon"}, {"host", "uncordon"},
        {"image", "import"}, {"keypair", "create"}, {"flavor", "create"}, {"site", "create"},
        {"node", "list"}, {"operation", "wait"}, {"event", "list"}, {"version"}}) {
    CliStand stand;
    auto arguments = words;
    arguments.emplace_back("--help");
    std::string called = "dure";
    for (const auto& word : words) called += " " + word;
    CAPTURE(called);
    CHECK(stand.run(arguments) == 0);
    CHECK(contains(stand.out.str(), called + " "));
    arguments = words;
    arguments.insert(arguments.begin(), "help");
    CHECK(stand.run(arguments) == 0);
    CHECK(contains(stand.out.str(), "Usage: " + called + " "));
    CHECK(stand.http.calls.empty());
    CHECK(stand.err.str().empty());
  }
}

TEST_CASE("dure: help about exit codes and environment") {
  CliStand stand;
  CHECK(stand.run({"help", "exit-codes"}) == 0);
  for (const auto* code : {"0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "130 "}) {
    CHECK(contains(stand.out.str(), code));
  }
  CHECK(stand.run({"help", "environment"}) == 0);
  CHECK(contains(stand.out.str(), "DURE_TOKEN_FILE"));
  CHECK(stand.run({"help"}) == 0);
  CHECK(contains(stand.out.str(), "Usage: dure "));
  CHECK(stand.run({"help", "nonsense"}) == 2);
}

TEST_CASE("dure: what is misspelt is exit 2 with what may have been meant") {
  const auto says = [](const std::vector<std::string>& arguments, const std::string& part) {
    CliStand stand;
    CHECK(stand.run(arguments) == 2);
    CHECK(contains(stand.err.str(), part));
    CHECK(stand.out.str().empty());
    CHECK(stand.http.calls.empty());
  };
  says({"clutser", "list"}, "did you mean 'cluster'?");
  says({"cluster", "lsit"}, "did you mean 'list'?");
  says({"cluster", "create", "demo", "--wokers", "2"}, "did you mean '--workers'?");
  says({"cluster", "create", "demo", "--wokers=2"}, "did you mean '--workers'?");
  says({"cluster", "create"}, "see 'dure cluster create --help'");
  says({"cluster"}, "list");
  says({"cluster", "show", "a", "b"}, "'b'");
  says({"host", "list", "-o", "jsn"}, "jsn");
  says(create_with({"--wait-timeout", "soon"}), "soon");
  says(create_with({"--idempotency-key", "a b"}), "printable");
  says({"cluster", "scale", "demo", "--workers", "-1"}, "-1");
  says({"event", "list", "--limit", "0"}, "--limit");
}

TEST_CASE("dure: names of commands are also names of things") {
  CliStand stand;
  stand.http.on("GET /api/v1/hosts/list", 200, R"({"name":"list"})");
  CHECK(stand.run({"host", "show", "list", "-o", "name"}) == 0);
  CHECK(stand.out.str() == "list\n");
}

TEST_CASE("dure: options of dure itself may come before or after the command") {
  CliStand stand;
  stand.http.on("GET /api/v1/sites", 200, R"({"items":[]})");
  CHECK(stand.run({"--addr", "http://one:1", "site", "list"}) == 0);
  CHECK(stand.endpoint.address == "http://one:1");
  CHECK(stand.run({"sites", "list", "--addr", "http://two:2"}) == 0);
  CHECK(stand.endpoint.address == "http://two:2");
}

TEST_CASE("dure: a token file that cannot be read is exit 4 before anything is sent") {
  CliStand stand;
  CHECK(stand.run({"site", "list", "--token-file", "/nowhere/token"}) == 4);
  CHECK(stand.http.calls.empty());
}

TEST_CASE("cluster create: waits, and stdout has the cluster alone") {
  CliStand stand;
  prepare_create(stand);
  CHECK(stand.run(create_with({"--sites", "east,west", "--control-planes", "3", "-o", "json"})) == 0);
  CHECK(json::parse(stand.out.str()).at("state") == "ready");
  const auto& post = stand.http.calls.front();
  CHECK(json::parse(post.body) == json::value{{"name", "demo"},
                                              {"workers", 2},
                                              {"control_planes", 3},
                                              {"flavor", "small"},
                                              {"image", "debian"},
                                              {"key_pair", "me"},
                                              {"sites", json::array{"east", "west"}}});
  REQUIRE(post.headers.size() == 1);
  CHECK(post.headers[0].first == "Idempotency-Key");
  CHECK(post.headers[0].second.size() == 36);
}

TEST_CASE("cluster create: each run has its own key unless one is given") {
  CliStand stand;
  prepare_create(stand);
  REQUIRE(stand.run(kCreate) == 0);
  const auto first = stand.http.calls.front().headers[0].second;
  stand.http.calls.clear();
  REQUIRE(stand.run(kCreate) == 0);
  CHECK(stand.http.calls.front().headers[0].second != first);
  stand.http.calls.clear();
  REQUIRE(stand.run(create_with({"--idempotency-key", "mine"})) == 0);
  CHECK(stand.http.calls.front().headers[0].second == "mine");
}

TEST_CASE("cluster create: as a table the cluster, its nodes and their stages") {
  CliStand stand;
  prepare_create(stand);
  CHECK(stand.run(kCreate) == 0);
  CHECK(contains(stand.out.str(), "name   demo\n"));
  CHECK(contains(stand.out.str(), "NODE     BOOTED  NETWORK"));
  CHECK(contains(stand.out.str(), "demo-w1  1.2s    -"));
}

TEST_CASE("cluster create --cni: is sent when it is given, and is native or none") {
  CliStand stand;
  prepare_create(stand);
  CHECK(stand.run(create_with({"--cni", "none", "--no-wait"})) == 0);
  CHECK(json::parse(stand.http.calls.front().body).at("cni") == "none");
  CHECK(stand.run(create_with({"--cni", "calico"})) == 2);
  CHECK(contains(stand.err.str(), "calico"));
}

TEST_CASE("cluster create --no-wait: stdout is the operation's id") {
  CliStand stand;
  prepare_create(stand);
  CHECK(stand.run(create_with({"--no-wait"})) == 0);
  CHECK(stand.out.str() == "op-1\n");
  CHECK(stand.http.calls.size() == 1);
}

TEST_CASE("cluster create --dry-run: shows where the nodes would go and waits for nothing") {
  CliStand stand;
  prepare_create(stand);
  CHECK(stand.run(create_with({"--dry-run"})) == 0);
  CHECK(stand.out.str() ==
        "NODE      ROLE           HOST  SITE\n"
        "demo-cp1  control-plane  pc-1  east\n"
        "demo-w1   worker         pc-2  west\n");
  CHECK(json::parse(stand.http.calls.front().body).at("dry_run") == json::value(true));
  CHECK(stand.http.calls.size() == 1);
}

TEST_CASE("cluster create: no capacity is exit 6 with the table of hosts on stderr") {
  CliStand stand;
  stand.http.on("POST /api/v1/clusters", 409,
                R"({"code":"no-capacity","detail":"does not fit","reasons":[
                    {"host":"pc-1","dimension":"memory","wanted":2048,"free":1,"total":8192,"detail":""}]})");
  CHECK(stand.run(kCreate) == 6);
  CHECK(contains(stand.err.str(), "pc-1  memory     2048    1     8192"));
  CHECK(stand.out.str().empty());
}

TEST_CASE("cluster create: the end of the wait is exit 7, Ctrl-C 130, and both say how to come back") {
  for (const bool interrupt : {false, true}) {
    CliStand stand;
    stand.http.on("POST /api/v1/clusters", 202, R"({"operation":"op-1"})");
    stand.http.on("GET /api/v1/operations/op-1", 200, R"({"state":"running","steps":[]})");
    if (interrupt) stand.patience.interrupt_after = 3;
    CHECK(stand.run(create_with({"--wait-timeout", "5s"})) == (interrupt ? 130 : 7));
    CHECK(contains(stand.err.str(), "still running: op-1"));
    CHECK(contains(stand.err.str(), "dure operation wait op-1"));
    CHECK(stand.out.str().empty());
  }
}

TEST_CASE("cluster scale and delete go to their routes") {
  CliStand stand;
  prepare_create(stand);
  stand.http.on("POST /api/v1/clusters/demo/scale", 202, R"({"operation":"op-1"})");
  stand.http.on("DELETE /api/v1/clusters/demo", 202, R"({"operation":"op-1"})");
  CHECK(stand.run({"cluster", "scale", "demo", "--workers", "3", "-o", "name"}) == 0);
  CHECK(stand.out.str() == "demo\n");
  CHECK(stand.http.calls.front().body == R"({"workers":3})");
  stand.http.calls.clear();
  CHECK(stand.run({"cluster", "delete", "demo", "--yes"}) == 0);
  CHECK(stand.out.str().empty());
  CHECK(contains(stand.err.str(), "deleted"));
  CHECK(stand.http.calls.front().headers.size() == 1);
  CHECK(stand.run({"cluster", "delete", "none"}) == 3);
}

TEST_CASE("host label sets and takes away, host set names the room") {
  CliStand stand;
  stand.http.on("PATCH /api/v1/hosts/pc-01", 200, R"({"id":"1"})");
  stand.http.on("GET /api/v1/hosts/pc-01", 200, R"({"id":"1","name":"pc-01"})");
  CHECK(stand.run({"host", "label", "pc-01", "gpu=none", "old-"}) == 0);
  CHECK(stand.http.calls.front().body == R"({"labels":{"gpu":"none","old":null}})");
  CHECK(stand.run({"host", "set", "pc-01", "--room", "301"}) == 0);
  CHECK(stand.run({"host", "label", "pc-01", "gpu"}) == 2);
  CHECK(stand.run({"host", "set", "pc-01"}) == 2);
  stand.http.calls.clear();
  CHECK(stand.run({"host", "set", "pc-01", "--room", ""}) == 0);
  CHECK(stand.http.calls.front().body == R"({"room":""})");
  const auto sent = [&](const std::string& ratio) {
    stand.http.calls.clear();
    CHECK(stand.run({"host", "set", "pc-01", "--vcpu-overcommit", ratio}) == 0);
    return stand.http.calls.empty() ? std::string() : stand.http.calls.front().body;
  };
  CHECK(sent("1.5") == R"({"vcpu_overcommit_percent":150})");
  CHECK(sent("64") == R"({"vcpu_overcommit_percent":6400})");
  CHECK(sent("1.05") == R"({"vcpu_overcommit_percent":105})");
  CHECK(sent("none") == R"({"vcpu_overcommit_percent":null})");
  for (const std::string wrong : {"", "0.9", "64.1", "1.", ".5", "1.555", "x", "-2", "1.-5", "+2", "2.0x", "128"}) {
    CAPTURE(wrong);
    stand.http.calls.clear();
    CHECK(stand.run({"host", "set", "pc-01", "--vcpu-overcommit=" + wrong}) == 2);
    CHECK(stand.http.calls.empty());
  }
}

TEST_CASE("plan capacity is a table, plan rebalance says what the moves gain") {
  CliStand stand;
  stand.http.on("GET /api/v1/plan/capacity?hours=24", 200, R"({"at":"x","until":"z",
    "items":[{"site":"east","flavor":"large","fits":1,"hosts":1},{"site":"east","flavor":"small","fits":7,"hosts":2}],
    "later":[{"at":"y","items":[{"site":"east","flavor":"large","fits":1,"hosts":1},{"site":"east","flavor":"small","fits":9,"hosts":3}]}]})");
  CHECK(stand.run({"plan", "capacity"}) == 0);
  CHECK(stand.out.str() == "FROM  SITE  FLAVOR  FITS  HOSTS\n"
                           "now   east  large   1     1\n"
                           "now   east  small   7     2\n"
                           "y     east  small   9     3\n");
  stand.http.on("GET /api/v1/plan/capacity?hours=2&stay_s=5400", 200, R"({"at":"x","items":[],"later":[],"until":"z"})");
  CHECK(stand.run({"plan", "capacity", "--hours", "2", "--for", "90m", "-o", "json"}) == 0);
  CHECK(contains(stand.out.str(), "\"until\": \"z\""));
  CHECK(stand.run({"plan", "capacity", "--hours", "169"}) == 2);
  CHECK(stand.run({"plan", "capacity", "--for", "soon"}) == 2);
  stand.http.on("GET /api/v1/plan/rebalance?flavor=small&moves=3", 200,
                R"({"fits_before":1,"fits_after":4,"emptied":["pc-1"],"items":[{"node":"demo-w1","from":"pc-1","to":"pc-2"}]})");
  CHECK(stand.run({"plan", "rebalance", "--flavor", "small", "--moves", "3"}) == 0);
  CHECK(contains(stand.out.str(), "demo-w1"));
  CHECK(stand.run({"plan", "rebalance"}) == 2);
}

TEST_CASE("cluster replace names the worker") {
  CliStand stand;
  prepare_create(stand);
  stand.http.on("POST /api/v1/clusters/demo/replace", 202, R"({"operation":"op-1"})");
  CHECK(stand.run({"cluster", "replace", "demo", "demo-w1", "-o", "name"}) == 0);
  CHECK(stand.http.calls.front().body == R"({"node":"demo-w1"})");
  CHECK(stand.run({"cluster", "replace", "demo"}) == 2);
}

TEST_CASE("cluster repair asks for nothing but the cluster") {
  CliStand stand;
  prepare_create(stand);
  stand.http.on("POST /api/v1/clusters/demo/repair", 202, R"({"operation":"op-1"})");
  CHECK(stand.run({"cluster", "repair", "demo", "-o", "name"}) == 0);
  CHECK(stand.http.calls.front().body == "{}");
  CHECK(stand.run({"cluster", "repair"}) == 2);
}

TEST_CASE("node list, cluster show: of the cluster with that id, whoever else has one of that name") {
  CliStand stand;
  stand.http.on("GET /api/v1/clusters/c7", 200, R"({"id":"c7","name":"demo","state":"ready"})");
  stand.http.on("GET /api/v1/nodes?cluster=c7", 200, R"({"items":[{"name":"demo-w1","state":"ready"}]})");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"node", "list", "--cluster", "c7"}, {"cluster", "show", "c7"}}) {
    CHECK(stand.run(words) == 0);
    CHECK(contains(stand.out.str(), "demo-w1"));
  }
}

TEST_CASE("node list: of a cluster that is not there is exit 3, not an empty list") {
  CliStand stand;
  stand.http.on("GET /api/v1/nodes?cluster=none", 200, R"({"items":[]})");
  CHECK(stand.run({"node", "list", "--cluster", "none"}) == 3);
}

TEST_CASE("host add: sends what it was given") {
  CliStand stand;
  stand.http.on("POST /api/v1/hosts", 200, R"({"id":"h","name":"pc-1"})");
  stand.http.on("GET /api/v1/hosts/pc-1", 200, R"({"id":"h","name":"pc-1"})");
  CHECK(stand.run({"host", "add", "pc-1", "--site", "east", "--id", "uuid", "--address", "10.0.0.1",
                   "--curve-key", "key", "--vcpus", "8", "--memory-mib", "16384", "--disk-gib", "200",
                   "--reserve-memory-mib", "4096", "--class", "anchor", "--vcpu-overcommit", "2", "-o", "name"}) == 0);
  CHECK(stand.out.str() == "pc-1\n");
  CHECK(json::parse(stand.http.calls.front().body) ==
        json::value{{"name", "pc-1"},
                    {"site", "east"},
                    {"id", "uuid"},
                    {"address", "10.0.0.1"},
                    {"curve_key", "key"},
                    {"class", "anchor"},
                    {"capacity", {{"vcpus", 8}, {"memory_mib", 16384}, {"disk_gib", 200}}},
                    {"reserve", {{"vcpus", 0}, {"memory_mib", 4096}, {"disk_gib", 0}}},
                    {"vcpu_overcommit_percent", 200}});
  stand.http.calls.clear();
  for (const std::string wrong : {"0.5", "none", "x"}) {
    CHECK(stand.run({"host", "add", "pc-1", "--site", "east", "--id", "uuid", "--address", "10.0.0.1", "--curve-key", "key", "--vcpus",
                     "8", "--memory-mib", "16384", "--disk-gib", "200", "--vcpu-overcommit", wrong}) == 2);
  }
  CHECK(stand.run({"host", "add", "pc-1", "--site", "east", "--id", "uuid", "--address", "10.0.0.1", "--curve-key", "key", "--vcpus",
                   "8", "--memory-mib", "16384", "--disk-gib", "200", "--vcpu-overcommit", ""}) == 2);
  CHECK(stand.http.calls.empty());
}

TEST_CASE("keypair create: a private key is never sent") {
  CliStand stand;
  const TempDir directory;
  const auto file = directory.path() + "/key";
  REQUIRE(write_file_durably(file, "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", 0600).ok());
  CHECK(stand.run({"keypair", "create", "me", "--public-key-file", file}) == 2);
  CHECK(stand.http.calls.empty());
  REQUIRE(write_file_durably(file, "ssh-ed25519 AAAA me@pc\n", 0600).ok());
  stand.http.on("POST /api/v1/keypairs", 200, "{}");
  stand.http.on("GET /api/v1/keypairs/me", 200, R"({"name":"me","public_key":"ssh-ed25519 AAAA"})");
  CHECK(stand.run({"keypair", "create", "me", "--public-key-file", file}) == 0);
  CHECK(json::parse(stand.http.calls.front().body).at("public_key") == "ssh-ed25519 AAAA me@pc");
}

TEST_CASE("things are deleted without output on stdout") {
  for (const std::string noun : {"site", "host", "image", "flavor", "keypair"}) {
    CliStand stand;
    stand.http.on("DELETE /api/v1/" + noun + "s/x", 200, "{}");
    CHECK(stand.run({noun, "delete", "x"}) == 0);
    CHECK(stand.out.str().empty());
    CHECK(stand.run({noun, "delete", "y"}) == 3);
  }
}

TEST_CASE("event list --follow: goes on where it was, over a time without control node, until Ctrl-C") {
  CliStand stand;
  stand.http.on("GET /api/v1/events?tail=100", 200, R"({"items":[{"number":7,"message":"seven"}],"last":7})");
  stand.http.away("GET /api/v1/events?limit=1000&after=7", 2);
  stand.http.on("GET /api/v1/events?limit=1000&after=7", 200,
                R"({"items":[{"number":8,"message":"eight"}],"last":8})");
  stand.http.on("GET /api/v1/events?limit=1000&after=8", 200, R"({"items":[],"last":8})");
  stand.patience.interrupt_after = 6;
  CHECK(stand.run({"event", "list", "--follow", "-o", "json"}) == 130);
  CHECK(stand.out.str() == "{\"number\":7,\"message\":\"seven\"}\n{\"number\":8,\"message\":\"eight\"}\n");
  CHECK(contains(stand.err.str(), "does not answer"));
}

TEST_CASE("dure --version: its own, from nobody else") {
  CliStand stand;
  CHECK(stand.run({"--version"}) == 0);
  CHECK(stand.out.str() == std::string("dure ") + DURE_VERSION + "\n");
  CHECK(stand.http.calls.empty());
  CHECK(stand.err.str().empty());
}

TEST_CASE("version: works without a control node") {
  CliStand stand;
  stand.http.away("GET /api/v1/version");
  CHECK(stand.run({"version"}) == 0);
  CHECK(contains(stand.out.str(), "dure "));
  CHECK(stand.run({"version", "-o", "json"}) == 0);
  CHECK(json::parse(stand.out.str()).at("server").is_null());
}

}  // namespace
}  // namespace dure::cli
