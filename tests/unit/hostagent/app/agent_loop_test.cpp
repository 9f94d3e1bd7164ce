#include "hostagent/app/agent_loop.h"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <vector>

#include "protocol/wire/codec.h"
#include "protocol/wire/envelope.h"
#include "tests/support/fake_blob_store.h"
#include "tests/support/fake_dataplane.h"
#include "tests/support/fake_guest_channels.h"
#include "tests/support/fake_hypervisor.h"
#include "tests/support/fake_journal.h"
#include "tests/support/fake_seed_store.h"
#include "tests/support/host_order_sample.h"

namespace dure::host {
namespace {

// One agent over fakes; jobs run at once, their outcomes wait in a queue.
struct Bench : AgentInbox, TaskRunner, ControlLink, GuestListener, Clock {
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
  wire::SigningKey key = wire::SigningKey::from_bytes(std::string(32, 'k')).value();
  wire::VerifyingKey public_key = wire::VerifyingKey::from_bytes(key.public_key()).value();
  AgentLoop loop;
  std::uint64_t sequence = 0;

  Bench() : loop({*this, *this, *this, *this, journal, hypervisor, dataplane, firewall, blobs, seeds,
                  guests, public_key},
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
