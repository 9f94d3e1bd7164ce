#include "hostagent/app/agent_loop.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/log.h"
#include "hostagent/edges/journal/sqlite_journal.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/envelope.h"
#include "tests/support/fake_blob_store.h"
#include "tests/support/fake_dataplane.h"
#include "tests/support/fake_guest_channels.h"
#include "tests/support/fake_hypervisor.h"
#include "tests/support/fake_journal.h"
#include "tests/support/fake_round_trips.h"
#include "tests/support/fake_seed_store.h"
#include "tests/support/fake_tunnels.h"
#include "tests/support/host_order_sample.h"
#include "tests/support/temp_dir.h"

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

// One agent over fakes; jobs run at once, their outcomes wait in a queue.
struct Bench : AgentInbox, TaskRunner, ControlLink, GuestListener, RoundTripListener, Clock {
  TimePoint time{1'000'000'000};
  std::deque<AgentEvent> queue;
  std::vector<wire::AgentMessage> sent;
  std::vector<std::size_t> handed_over;  // how many messages each time
  FakeHypervisor hypervisor;
  FakeDataplane dataplane;
  FakeFirewall firewall;
  FakeBlobStore blobs;
  FakeSeedStore seeds;
  FakeJournal journal;
  FakeGuestChannels guests{*this};
  FakeTunnels tunnels;
  FakeRoundTrips round_trips{*this};
  wire::SigningKey key = wire::SigningKey::from_bytes(std::string(32, 'k')).value();
  wire::VerifyingKey public_key = wire::VerifyingKey::from_bytes(key.public_key()).value();
  AgentLoop loop;
  std::uint64_t sequence = 0;

  Bench() : Bench(nullptr) {}
  explicit Bench(Journal* on_disk)
      : loop({*this, *this, *this, *this, on_disk ? *on_disk : journal, hypervisor, dataplane, firewall,
              blobs, seeds, guests, public_key, &tunnels, &round_trips},
             identity()) {
    const auto order = sample_order();
    blobs.serve(order.images[0].disk.digest, order.images[0].disk.size_bytes);
    blobs.serve(order.images[0].kernel.digest, order.images[0].kernel.size_bytes);
    REQUIRE(loop.start().ok());
    drain();
  }

  static AgentIdentity identity() {
    AgentIdentity made;
    made.system = SystemId{uuid_number(90)};
    made.host = sample_order().host;
    made.session = SessionId{uuid_number(91)};
    made.version = "test";
    made.channels_dir = "channels";
    return made;
  }

  HostOrder order() {
    auto made = sample_order();
    made.system = identity().system;
    made.session = identity().session;
    made.fence = {1, 1};
    made.sequence = ++sequence;
    return made;
  }
  void give(const HostOrder& order) {
    loop.handle(EnvelopeReceived{
        wire::seal(wire::EnvelopeKind::order, wire::encode(order), key).value()});
    drain();
  }
  void drain() {
    while (!queue.empty()) {
      auto event = std::move(queue.front());
      queue.pop_front();
      loop.handle(std::move(event));
    }
  }
  void pass(Duration by) {
    time = time + by;
    loop.handle(Tick{});
    drain();
  }
  OrderAck last_ack() const {
    for (auto it = sent.rbegin(); it != sent.rend(); ++it) {
      if (const auto* ack = std::get_if<OrderAck>(&*it)) return *ack;
    }
    return {};
  }
  HostReport last_report() const {
    for (auto it = sent.rbegin(); it != sent.rend(); ++it) {
      if (const auto* report = std::get_if<HostReport>(&*it)) return *report;
    }
    return {};
  }

  TimePoint now() override { return time; }
  void run(std::function<void()> job) override { job(); }
  void post(AgentEvent event) override { queue.push_back(std::move(event)); }
  Result<void> send(std::string bytes) override {
    sent.push_back(wire::decode_agent_message(bytes).value());
    return {};
  }
  std::size_t send_all(std::vector<std::string> messages) override {
    handed_over.push_back(messages.size());
    for (auto& bytes : messages) (void)send(std::move(bytes));
    return messages.size();
  }
  void on_guest_status(const NodeId& vm, GuestStatus status) override {
    post(GuestSpoke{vm, std::move(status)});
  }
  void on_round_trips(std::vector<MeasuredRoundTrip> measured) override {
    post(RoundTripsMeasured{std::move(measured)});
  }
};

}  // namespace

TEST_CASE("agent: an accepted order is journalled, acknowledged, carried out and reported") {
  Bench bench;
  bench.give(bench.order());
  CHECK(bench.last_ack().accepted);
  CHECK(bench.journal.accepted().value().generation == 1);
  CHECK(bench.hypervisor.starts() == 1);
  CHECK(bench.journal.obligations().value().size() == 2);
  const auto report = bench.last_report();
  CHECK(report.applied_generation == 1);
  REQUIRE(report.vms.size() == 1);
  CHECK(report.vms[0].state == VmState::running);
  REQUIRE(report.images.size() == 1);
  CHECK(report.images[0].complete);
}

TEST_CASE("agent: streams may go to the VMs of an accepted order, and of no other") {
  Bench bench;
  auto refused = bench.order();
  refused.session = SessionId{uuid_number(92)};
  const auto node = refused.vms.at(0).id;
  bench.give(refused);
  CHECK(!bench.tunnels.lets_through_to(node));
  auto order = bench.order();
  bench.give(order);
  CHECK(bench.tunnels.lets_through_to(node));
  order = bench.order();
  ++order.generation;
  order.vms.clear();
  bench.give(order);
  CHECK(!bench.tunnels.lets_through_to(node));
}

TEST_CASE("agent: the targets of the newest accepted order are measured, and told with the round's number") {
  const SiteId near{uuid_number(81)}, far{uuid_number(82)};
  const Ipv4 first{0x0a000001}, second{0x0a000002};
  Bench bench;
  bench.round_trips.answers(first, 700);
  const auto measure = [&] {
    bench.round_trips.round();
    bench.drain();
    return bench.last_report().round_trips;
  };
  auto refused = bench.order();
  refused.session = SessionId{uuid_number(92)};
  refused.round_trip_targets = {{near, first}};
  bench.give(refused);
  CHECK(bench.round_trips.targets().empty());

  auto order = bench.order();
  order.round_trip_targets = {{near, first}, {far, second}};
  bench.give(order);
  CHECK(bench.last_report().round_trips.empty());
  CHECK(measure() == std::vector<SiteRoundTrip>{{near, 1, 5, 5, 700, 700}, {far, 1, 5, 0, 0, 0}});
  CHECK(measure().at(0).round == 2);

  // Under the same generation, as when other hosts are asked.
  order = bench.order();
  order.round_trip_targets = {{far, second}};
  bench.give(order);
  CHECK(bench.last_ack().accepted);
  CHECK(bench.round_trips.targets() == order.round_trip_targets);
  bench.pass(std::chrono::seconds(6));
  CHECK(bench.last_report().round_trips == std::vector<SiteRoundTrip>{{far, 2, 5, 0, 0, 0}});
  // Of the list before, and late.
  bench.loop.handle(RoundTripsMeasured{{{near, 5, 5, 1, 1}}});
  bench.pass(std::chrono::seconds(6));
  CHECK(bench.last_report().round_trips == std::vector<SiteRoundTrip>{{far, 2, 5, 0, 0, 0}});
  bench.give(bench.order());
  bench.pass(std::chrono::seconds(6));
  CHECK(bench.last_report().round_trips.empty());
  CHECK(bench.round_trips.targets().empty());
}

TEST_CASE("agent: orders that came together are answered in order, a few at a time") {
  Bench bench;
  std::vector<AgentEvent> events;
  for (std::uint64_t generation = 1; generation <= AgentLoop::kAcknowledgementsTogether + 2; ++generation) {
    auto order = bench.order();
    order.generation = generation;
    events.push_back(EnvelopeReceived{
        wire::seal(wire::EnvelopeKind::order, wire::encode(order), bench.key).value()});
  }
  bench.sent.clear();
  bench.loop.handle_all(std::move(events));
  CHECK(bench.handed_over == std::vector<std::size_t>{AgentLoop::kAcknowledgementsTogether, 2});
  for (std::size_t i = 0; i < AgentLoop::kAcknowledgementsTogether + 2; ++i) {
    REQUIRE(std::holds_alternative<OrderAck>(bench.sent.at(i)));
    CHECK(std::get<OrderAck>(bench.sent[i]).generation == i + 1);
  }
}

TEST_CASE("agent: nothing is done for an order that is not for it, or not signed by its control node") {
  Bench bench;
  const auto refused = [&](HostOrder order) {
    const auto before = bench.sent.size();
    bench.give(order);
    CHECK(bench.hypervisor.starts() == 0);
    CHECK(bench.dataplane.applied == 0);
    CHECK(bench.journal.accepted().value().generation == 0);
    return bench.sent.size() > before && !bench.last_ack().accepted;
  };
  auto order = bench.order();
  order.host = HostId{uuid_number(77)};
  CHECK(refused(order));
  order = bench.order();
  order.session = SessionId{uuid_number(77)};
  CHECK(refused(order));
  order = bench.order();
  order.system = SystemId{uuid_number(77)};
  CHECK(refused(order));
  order = bench.order();
  order.fence.delegation = 2;
  CHECK(refused(order));
  const auto thief = wire::SigningKey::from_bytes(std::string(32, 't')).value();
  const auto sent = bench.sent.size();
  bench.loop.handle(EnvelopeReceived{
      wire::seal(wire::EnvelopeKind::order, wire::encode(bench.order()), thief).value()});
  bench.drain();
  // Whoever cannot sign gets no answer either.
  CHECK(bench.sent.size() == sent);
  CHECK(bench.hypervisor.starts() == 0);
}

TEST_CASE("agent: a replayed order is refused and changes nothing") {
  Bench bench;
  const auto first = bench.order();
  bench.give(first);
  auto second = bench.order();
  second.generation = 2;
  second.vms.clear();
  second.removed_vms = {{first.vms[0].id, 1}};
  bench.give(second);
  REQUIRE(bench.hypervisor.list().value().empty());
  bench.give(first);
  CHECK_FALSE(bench.last_ack().accepted);
  CHECK(bench.last_ack().refusal == "superseded");
  CHECK(bench.hypervisor.list().value().empty());
}

TEST_CASE("agent: without its journal it accepts nothing and does nothing") {
  Bench bench;
  bench.journal.fail_writes(Errc::no_space);
  bench.give(bench.order());
  CHECK_FALSE(bench.last_ack().accepted);
  CHECK(bench.last_ack().refusal == "no-space");
  CHECK(bench.hypervisor.starts() == 0);
  CHECK(bench.dataplane.applied == 0);
}

TEST_CASE("agent: a failed op is reported with its reason, tried again later, and its success ends it") {
  Bench bench;
  bench.hypervisor.fail = [](const std::string& call, const NodeId&) {
    return call == "start" ? std::optional(Error{Errc::no_space, "disk full"}) : std::nullopt;
  };
  bench.give(bench.order());
  auto report = bench.last_report();
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].code == FailureCode::no_space);
  CHECK(report.failures[0].kind == ObjectKind::vm);
  CHECK(report.failures[0].message == "disk full");
  // Everything else is done: a removal would not wait for the failing VM.
  CHECK(report.applied_generation == 1);
  bench.hypervisor.fail = nullptr;
  bench.pass(std::chrono::milliseconds(1));
  CHECK(bench.hypervisor.starts() == 0);
  bench.pass(std::chrono::seconds(1));
  CHECK(bench.hypervisor.starts() == 1);
  CHECK(bench.last_report().failures.empty());
}

TEST_CASE("agent: while libvirt is silent the report says that it has not looked") {
  Bench bench;
  bench.give(bench.order());
  REQUIRE(bench.last_report().observed);
  bench.hypervisor.fail = [](const std::string&, const NodeId&) {
    return std::optional(Error{Errc::unavailable, "away"});
  };
  bench.pass(std::chrono::seconds(20));
  CHECK_FALSE(bench.last_report().observed);
  bench.hypervisor.fail = nullptr;
  bench.pass(std::chrono::seconds(20));
  CHECK(bench.last_report().observed);
  CHECK(bench.hypervisor.starts() == 1);
}

TEST_CASE("agent: a heartbeat goes out when nothing happens, and its sequence rises") {
  Bench bench;
  const auto before = bench.last_report().sequence;
  const auto count = bench.sent.size();
  bench.pass(std::chrono::seconds(1));
  CHECK(bench.sent.size() == count);
  bench.pass(std::chrono::seconds(5));
  CHECK(bench.sent.size() == count + 1);
  CHECK(bench.last_report().sequence > before);
}

TEST_CASE("agent: what guests say is reported, and forgotten with the VM") {
  Bench bench;
  auto order = bench.order();
  bench.give(order);
  GuestStatus status;
  status.stages = {{"booted", 100}};
  REQUIRE(bench.guests.say("channels/" + order.vms[0].id.str() + ".sock", status));
  bench.drain();
  REQUIRE(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().vms[0].stages == status.stages);
  bench.hypervisor.crash(order.vms[0].id);
  bench.loop.handle(HypervisorChanged{});
  bench.drain();
  // Started again: what the earlier boot had reached counts no more until the guest says it anew.
  CHECK(bench.hypervisor.starts() == 2);
  REQUIRE(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().vms[0].state == VmState::running);
  CHECK(bench.last_report().vms[0].stages.empty());
}

TEST_CASE("agent: a guest is given the document of its own id and generation, and every new one") {
  Bench bench;
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
  Bench bench;
  const auto order = bench.order();
  bench.give(order);
  GuestStatus status;
  status.departed = {"demo-w3"};
  REQUIRE(bench.guests.say("channels/" + order.vms[0].id.str() + ".sock", status));
  bench.drain();
  REQUIRE(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().vms[0].departed == status.departed);
  bench.hypervisor.crash(order.vms[0].id);
  bench.loop.handle(HypervisorChanged{});
  bench.drain();
  REQUIRE(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().vms[0].departed.empty());
}

TEST_CASE("agent: nothing of a guest's document is in a file of the journal, nor in what it reports or does") {
  const std::string canary = "canary-of-a-private-key";
  const TempDir folder;
  const LogFile log(folder.path() + "/log");
  auto journal = SqliteJournal::open(folder.path() + "/journal.db");
  REQUIRE(journal.ok());
  Bench bench(journal->get());
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

TEST_CASE("agent: an obligation that a killed agent has left behind is discharged when nothing is there") {
  Bench bench;
  REQUIRE(bench.journal.oblige({ObjectKind::vm, uuid_number(99), 1, {}}).ok());
  REQUIRE(bench.journal.oblige({ObjectKind::network, uuid_number(98), 7, {}}).ok());
  bench.give(bench.order());
  for (const auto& left : bench.journal.obligations().value()) {
    CHECK(left.object != uuid_number(99));
    CHECK(left.object != uuid_number(98));
  }
}

}  // namespace dure::host
