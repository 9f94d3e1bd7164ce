// What the agent does with what guests are given and say (agent_guests.cpp, core/agent_report.h).
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/log.h"
#include "hostagent/edges/journal/sqlite_journal.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/hostagent/app/agent_bench.h"

namespace dure::host {
namespace {

// Everything that is logged while it lives goes to this file.
class LogFile {
 public:
  explicit LogFile(const std::string& path) : kept_(::dup(STDERR_FILENO)) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(::dup2(file, STDERR_FILENO) == STDERR_FILENO);
    ::close(file);
    log::set_level("debug");
  }
  ~LogFile() {
    log::set_level("info");
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

 private:
  int kept_;
};

}  // namespace

TEST_CASE("agent: what guests say is reported, and forgotten with the VM") {
  AgentBench bench;
  auto order = bench.order();
  bench.give(order);
  GuestStatus status;
  status.stages = {{"booted", 100}};
  REQUIRE(bench.guests.say("channels/" + order.vms[0].id.str() + ".sock", status));
  bench.drain();
  REQUIRE(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().vms[0].stages == status.stages);
  bench.hypervisor.crash(order.vms[0].id);
  bench.post(HypervisorChanged{});
  bench.pass(std::chrono::seconds(1));
  // Started again: what the earlier boot had reached counts no more until the guest says it anew.
  CHECK(bench.hypervisor.starts() == 2);
  REQUIRE(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().vms[0].state == VmState::running);
  CHECK(bench.last_report().vms[0].stages.empty());
}

TEST_CASE("agent: a guest is given the document of its own id and generation, and every new one") {
  AgentBench bench;
  const auto documents = [&] {
    std::vector<std::string> all;
    for (const auto& guest : bench.guests.watched()) all.push_back(guest.bootstrap);
    return all;
  };
  auto order = bench.order();
  order.vms[0].bootstrap = R"({"v":1})";
  bench.give(order);
  CHECK(documents() == std::vector<std::string>{R"({"v":1})"});
  // Made anew with every order: also where nothing else has changed.
  auto again = bench.order();
  again.vms[0].bootstrap = R"({"v":2})";
  bench.give(again);
  CHECK(documents() == std::vector<std::string>{R"({"v":2})"});
  CHECK(bench.hypervisor.starts() == 1);
  // Its successor's keys are not for the VM that still runs.
  bench.hypervisor.fail = [](const std::string& call, const NodeId&) {
    return call == "remove" ? std::optional(Error{Errc::internal, "no"}) : std::nullopt;
  };
  auto successor = bench.order();
  successor.generation = 2;
  successor.vms[0].generation = 2;
  successor.vms[0].bootstrap = R"({"v":3})";
  bench.give(successor);
  CHECK(documents() == std::vector<std::string>{""});
  bench.hypervisor.fail = nullptr;
  bench.pass(std::chrono::seconds(60));
  CHECK(documents() == std::vector<std::string>{R"({"v":3})"});
}

TEST_CASE("agent: nodes that a guest has taken out of its cluster are reported while it runs") {
  AgentBench bench;
  const auto order = bench.order();
  bench.give(order);
  GuestStatus status;
  status.departed = {"demo-w3"};
  REQUIRE(bench.guests.say("channels/" + order.vms[0].id.str() + ".sock", status));
  bench.drain();
  REQUIRE(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().vms[0].departed == status.departed);
  bench.hypervisor.crash(order.vms[0].id);
  bench.post(HypervisorChanged{});
  bench.pass(std::chrono::seconds(1));
  REQUIRE(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().vms[0].departed.empty());
}

TEST_CASE("agent: nothing of a guest's document is in a file of the journal, nor in what it reports or does") {
  const std::string canary = "canary-of-a-private-key";
  const TempDir folder;
  const LogFile log(folder.path() + "/log");
  auto journal = SqliteJournal::open(folder.path() + "/journal.db");
  REQUIRE(journal.ok());
  AgentBench bench(journal->get());
  auto order = bench.order();
  order.vms[0].bootstrap = R"({"key":")" + canary + "\"}";
  bench.hypervisor.fail = [](const std::string& call, const NodeId&) {
    return call == "start" ? std::optional(Error{Errc::internal, "no"}) : std::nullopt;
  };
  bench.give(order);
  REQUIRE(bench.last_ack().accepted);
  REQUIRE((*journal)->accepted().value().generation == 1);
  REQUIRE(bench.last_report().failures.size() == 1);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    CAPTURE(entry.path().string());
    CHECK(read_file(entry.path().string(), 8 << 20).value().find(canary) == std::string::npos);
    ++files;
  }
  CHECK(files >= 4);  // the database, its WAL, its lock, and what was logged
  CHECK(read_file(folder.path() + "/log", 1 << 20).value().find("order accepted") != std::string::npos);
  for (const auto& message : bench.sent) CHECK(wire::encode(message).find(canary) == std::string::npos);
  CHECK(describe(StartVm{order.vms[0], {}, {}, {}}).find(canary) == std::string::npos);
}

}  // namespace dure::host
