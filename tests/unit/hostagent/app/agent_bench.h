#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "hostagent/app/agent_loop.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/envelope.h"
#include "tests/support/fake_blob_store.h"
#include "tests/support/fake_dataplane.h"
#include "tests/support/fake_guest_channels.h"
#include "tests/support/fake_hypervisor.h"
#include "tests/support/fake_journal.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_round_trips.h"
#include "tests/support/fake_seed_store.h"
#include "tests/support/fake_tunnels.h"
#include "tests/support/host_order_sample.h"

namespace dure::host {

// Clocks that stand still between the steps of a test.
struct BenchSteadyClock : SteadyClock {
  SteadyPoint time{1'000'000'000};
  SteadyPoint now() override { return time; }
};
struct BenchClock : Clock {
  TimePoint time{1'700'000'000'000'000};
  TimePoint now() override { return time; }
};

// One agent over fakes, driven as production drives it: it is called with what waits, and when it asked to be. Jobs run
// when they are started, unless they are held; their outcomes wait in a queue.
struct AgentBench : AgentInbox, TaskRunner, ControlLink, GuestListener, RoundTripListener {
  BenchSteadyClock steady;
  BenchClock clock;
  SteadyPoint wake;
  std::size_t steps = 0;
  bool hold_jobs = false;  // they wait in `held`
  std::deque<std::function<void()>> held;
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
  FakeMachine machine;
  wire::SigningKey key = wire::SigningKey::from_bytes(std::string(32, 'k')).value();
  wire::VerifyingKey public_key = wire::VerifyingKey::from_bytes(key.public_key()).value();
  AgentLoop loop;
  std::uint64_t sequence = 0;

  AgentBench() : AgentBench(nullptr) {}
  explicit AgentBench(Journal* on_disk)
      : loop({steady, clock, {*this, *this, *this, *this, *this}, *this, *this, on_disk ? *on_disk : journal, hypervisor,
              dataplane, firewall, blobs, seeds, guests, machine, public_key, &tunnels, &round_trips},
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
    post(EnvelopeReceived{wire::seal(wire::EnvelopeKind::order, wire::encode(order), key).value()});
    drain();
  }
  void step() {
    std::vector<AgentEvent> events(std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
    queue.clear();
    wake = loop.step(std::move(events));
    ++steps;
  }
  // Until nothing happens any more for a moment: longer than looks and reports lie apart, shorter than a retry.
  void drain() { pass(kMoment); }
  // Lets time pass as the agent's driver would.
  void pass(Duration by) {
    const auto end = steady.time + by;
    do {
      step();
      if (queue.empty()) steady.time = std::min(std::max(wake, steady.time), end);
    } while (steady.time < end || !queue.empty());
    step();
  }
  // Jobs that were held are done, one after the other, with what follows from each.
  void release_jobs() {
    hold_jobs = false;
    while (!held.empty()) {
      auto job = std::move(held.front());
      held.pop_front();
      job();
      drain();
    }
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

  static constexpr Duration kMoment = std::chrono::milliseconds(400);
  void run(std::function<void()> job) override {
    if (hold_jobs) return held.push_back(std::move(job));
    job();
  }
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

}  // namespace dure::host
