#include <doctest/doctest.h>

#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

using test::CliStand;
using test::contains;

constexpr const char* kId = "1b4e28ba-2fa1-4d2e-883f-0016d3cca427";

std::string node(const std::string& state, const std::string& reason = "") {
  return R"({"id":"n1","name":"demo-w1","cluster":"demo","cluster_id":"c1","state":")" + state + R"(","reason":")" + reason + "\"}";
}

TEST_CASE("host lost: one word, and what has become of the host is shown") {
  CliStand stand;
  stand.http.on("POST /api/v1/hosts/pc-02/lost", 200, R"({"id":"h","name":"pc-02"})");
  stand.http.on("GET /api/v1/hosts/pc-02", 200, R"({"id":"h","name":"pc-02","state":"lost","reason":"was given up"})");
  CHECK(stand.run({"host", "lost", "pc-02"}) == 0);
  CHECK(contains(stand.out.str(), "lost"));
  CHECK(contains(stand.out.str(), "was given up"));
  CHECK(stand.run({"host", "lost", "pc-02", "--yes", "-o", "name"}) == 0);
  CHECK(stand.out.str() == "pc-02\n");
  CHECK(stand.http.calls[0].body == R"({"force":false})");
  CHECK(stand.run({"host", "lost", "pc-02", "--force"}) == 0);
  CHECK(stand.http.calls[4].body == R"({"force":true})");
  CHECK(stand.run({"host", "lost", "pc-03"}) == 3);
  CHECK(stand.run({"host", "lost"}) == 2);
}

TEST_CASE("host replace: the new agent's id and key are wanted, its address only if it is another") {
  CliStand stand;
  const std::string key(40, 'k');
  stand.http.on("POST /api/v1/hosts/pc-02/replace", 200, R"({"id":"h","name":"pc-02"})");
  stand.http.on(std::string("GET /api/v1/hosts/") + kId, 200, R"({"id":"h","name":"pc-02","state":"new"})");
  CHECK(stand.run({"host", "replace", "pc-02", "--id", kId}) == 2);
  CHECK(stand.http.calls.empty());
  CHECK(stand.run({"host", "replace", "pc-02", "--id", kId, "--curve-key", key}) == 0);
  CHECK(stand.http.calls[0].body == std::string(R"({"id":")") + kId + R"(","curve_key":")" + key + "\"}");
  CHECK(stand.run({"host", "replace", "pc-02", "--id", kId, "--curve-key", key, "--address", "10.1.0.9"}) == 0);
  CHECK(contains(stand.http.calls[2].body, R"("address":"10.1.0.9")"));
}

TEST_CASE("host set: an address is a change") {
  CliStand stand;
  stand.http.on("PATCH /api/v1/hosts/pc-02", 200, R"({"id":"h","name":"pc-02"})");
  stand.http.on("GET /api/v1/hosts/pc-02", 200, R"({"id":"h","name":"pc-02"})");
  CHECK(stand.run({"host", "set", "pc-02", "--address", "10.1.0.9"}) == 0);
  CHECK(stand.http.calls[0].body == R"({"address":"10.1.0.9"})");
}

TEST_CASE("operation cancel: shows what has become of it, and what is to be waited for after it") {
  CliStand stand;
  const std::string path = std::string("/api/v1/operations/") + kId;
  stand.http.on("POST " + path + "/cancel", 202, R"({"id":"c","name":"demo","operation":"7a"})");
  stand.http.on("GET " + path, 200, R"({"id":"o","state":"cancelled","cluster":"demo"})");
  CHECK(stand.run({"operation", "cancel", kId}) == 0);
  CHECK(contains(stand.out.str(), "cancelled"));
  CHECK(stand.err.str() == "its cluster is being deleted: dure operation wait 7a\n");
}

TEST_CASE("operation wait: a cancelled one is no success, and a warning is said whatever the end") {
  CliStand stand;
  const std::string path = std::string("GET /api/v1/operations/") + kId;
  stand.http.on(path, 200, R"({"id":"o","state":"cancelled","error":"given up","warning":"pc-2 has not removed the VM of demo-w1"})");
  CHECK(stand.run({"operation", "wait", kId}) == 1);
  CHECK(contains(stand.err.str(), "was cancelled: given up"));
  CHECK(contains(stand.err.str(), "warning: pc-2 has not removed the VM of demo-w1"));
  CliStand other;
  other.http.on(path, 200, R"({"id":"o","state":"succeeded","warning":"pc-2 has not removed the VM of demo-w1"})");
  CHECK(other.run({"operation", "wait", kId}) == 0);
  CHECK(contains(other.err.str(), "warning: pc-2"));
}

TEST_CASE("node stop, start, reboot: waits for what it is to be, by the node's own cluster") {
  CliStand stand;
  stand.http.on("GET /api/v1/nodes/demo-w1", 200, node("ready"));
  stand.http.on("POST /api/v1/clusters/c1/nodes/demo-w1/stop", 200, R"({"id":"n1","name":"demo-w1"})");
  stand.http.on("GET /api/v1/nodes/n1", 200, node("stopping"));
  stand.http.on("GET /api/v1/nodes/n1", 200, node("stopping"));
  stand.http.on("GET /api/v1/nodes/n1", 200, node("stopped", "switched off by its user"));
  CHECK(stand.run({"node", "stop", "demo-w1"}) == 0);
  CHECK(contains(stand.out.str(), "stopped"));
  CHECK(stand.patience.pauses.size() == 2);

  CliStand starts;
  starts.http.on("GET /api/v1/nodes/demo-w1", 200, node("stopped"));
  starts.http.on("POST /api/v1/clusters/c1/nodes/demo-w1/start", 200, R"({"id":"n1","name":"demo-w1"})");
  starts.http.on("GET /api/v1/nodes/n1", 200, node("creating"));
  starts.http.away("GET /api/v1/nodes/n1");
  starts.http.on("GET /api/v1/nodes/n1", 200, node("failed", "timed out"));
  CHECK(starts.run({"node", "start", "demo-w1"}) == 1);
  CHECK(contains(starts.err.str(), "'demo-w1' is failed: timed out"));
  CHECK(contains(starts.err.str(), "to try again: dure cluster repair demo\n"));

  CliStand stops;
  stops.http.on("GET /api/v1/nodes/demo-w1", 200, node("ready"));
  stops.http.on("POST /api/v1/clusters/c1/nodes/demo-w1/stop", 200, R"({"id":"n1","name":"demo-w1"})");
  stops.http.on("GET /api/v1/nodes/n1", 200, node("failed", "its VM is not switched off on pc-1"));
  CHECK(stops.run({"node", "stop", "demo-w1"}) == 1);
  CHECK(contains(stops.err.str(), "to try again: dure node stop demo-w1\n"));

  CliStand reboots;
  reboots.http.on("GET /api/v1/nodes/demo-w1", 200, node("ready"));
  reboots.http.on("POST /api/v1/clusters/c1/nodes/demo-w1/reboot", 200, R"({"id":"n1","name":"demo-w1"})");
  reboots.http.on("GET /api/v1/nodes/n1", 200, node("booting"));
  CHECK(reboots.run({"node", "reboot", "demo-w1", "--wait-timeout", "3s"}) == 7);
  CHECK(contains(reboots.err.str(), "dure node show demo-w1"));
  CHECK(reboots.run({"node", "reboot", "demo-w1", "--no-wait"}) == 0);
  reboots.patience.interrupt_after = reboots.patience.pauses.size() + 1;
  CHECK(reboots.run({"node", "reboot", "demo-w1"}) == 130);
}

TEST_CASE("node stop: where several projects have a node of that name, the project says which, and else it is refused") {
  CliStand stand;
  stand.http.on("GET /api/v1/nodes/lab-w1", 409, R"({"code":"conflict","detail":"node 'lab-w1' exists in several projects: give its id"})");
  stand.http.on("GET /api/v1/nodes", 200,
                R"({"items":[{"id":"n1","name":"lab-w1","project":"default","cluster_id":"c1"},)"
                R"({"id":"n2","name":"lab-w1","project":"physics","cluster_id":"c2"}]})");
  stand.http.on("POST /api/v1/clusters/c2/nodes/lab-w1/stop", 200, R"({"id":"n2","name":"lab-w1"})");
  stand.http.on("GET /api/v1/nodes/n2", 200, R"({"id":"n2","name":"lab-w1","cluster_id":"c2","state":"stopped"})");
  CHECK(stand.run({"node", "stop", "lab-w1"}) == 5);
  CHECK(contains(stand.err.str(), "give its id"));
  CHECK(stand.run({"node", "stop", "lab-w1", "--project", "physics", "-o", "name"}) == 0);
  CHECK(stand.run({"node", "stop", "n2", "-o", "name"}) == 0);
  CHECK(stand.run({"node", "stop", "lab-w1", "--project", "chemistry"}) == 3);
  CHECK(contains(stand.err.str(), "project 'chemistry' has no node 'lab-w1'"));
}

}  // namespace
}  // namespace dure::cli
