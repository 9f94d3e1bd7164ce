#include "hostagent/app/agent_loop.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/hostagent/app/agent_bench.h"

namespace dure::host {

TEST_CASE("agent: an accepted order is journalled, acknowledged, carried out and reported") {
  AgentBench bench;
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
  AgentBench bench;
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
  AgentBench bench;
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
  bench.post(RoundTripsMeasured{{{near, 5, 5, 1, 1}}});
  bench.pass(std::chrono::seconds(6));
  CHECK(bench.last_report().round_trips == std::vector<SiteRoundTrip>{{far, 2, 5, 0, 0, 0}});
  bench.give(bench.order());
  bench.pass(std::chrono::seconds(6));
  CHECK(bench.last_report().round_trips.empty());
  CHECK(bench.round_trips.targets().empty());
}

TEST_CASE("agent: orders that came together are answered in order, a few at a time") {
  AgentBench bench;
  for (std::uint64_t generation = 1; generation <= AgentLoop::kAcknowledgementsTogether + 2; ++generation) {
    auto order = bench.order();
    order.generation = generation;
    bench.post(EnvelopeReceived{
        wire::seal(wire::EnvelopeKind::order, wire::encode(order), bench.key).value()});
  }
  bench.sent.clear();
  bench.handed_over.clear();
  bench.step();
  CHECK(bench.handed_over == std::vector<std::size_t>{AgentLoop::kAcknowledgementsTogether, 2});
  for (std::size_t i = 0; i < AgentLoop::kAcknowledgementsTogether + 2; ++i) {
    REQUIRE(std::holds_alternative<OrderAck>(bench.sent.at(i)));
    CHECK(std::get<OrderAck>(bench.sent[i]).generation == i + 1);
  }
}

TEST_CASE("agent: nothing is done for an order that is not for it, or not signed by its control node") {
  AgentBench bench;
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
  bench.post(EnvelopeReceived{
      wire::seal(wire::EnvelopeKind::order, wire::encode(bench.order()), thief).value()});
  bench.drain();
  // Whoever cannot sign gets no answer either.
  CHECK(bench.sent.size() == sent);
  CHECK(bench.hypervisor.starts() == 0);
}

TEST_CASE("agent: a replayed order is refused and changes nothing") {
  AgentBench bench;
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
  AgentBench bench;
  bench.journal.fail_writes(Errc::no_space);
  bench.give(bench.order());
  CHECK_FALSE(bench.last_ack().accepted);
  CHECK(bench.last_ack().refusal == "no-space");
  CHECK(bench.hypervisor.starts() == 0);
  CHECK(bench.dataplane.applied == 0);
}

TEST_CASE("agent: a failed op is reported with its reason, tried again later, and its success ends it") {
  AgentBench bench;
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
  CHECK(bench.hypervisor.starts() == 0);
  bench.pass(std::chrono::seconds(1));
  CHECK(bench.hypervisor.starts() == 1);
  CHECK(bench.last_report().failures.empty());
}

TEST_CASE("agent: a seed that cannot be made or removed is told as that, and a journal that refuses as the agent's own failure") {
  AgentBench bench;
  const auto told = [&] {
    const auto failures = bench.last_report().failures;
    REQUIRE(failures.size() == 1);
    return failures[0].code;
  };
  std::string failing = "make";
  bench.seeds.fail = [&](const std::string& call) {
    return call == failing ? std::optional(Error{Errc::internal, "no"}) : std::nullopt;
  };
  auto order = bench.order();
  bench.give(order);
  CHECK(told() == FailureCode::seed);
  failing = "remove";
  bench.pass(std::chrono::seconds(2));
  REQUIRE(bench.hypervisor.starts() == 1);
  auto none = bench.order();
  none.generation = 2;
  none.removed_vms = {{none.vms[0].id, 1}};
  none.vms.clear();
  bench.give(none);
  CHECK(told() == FailureCode::seed);
  failing.clear();
  bench.pass(std::chrono::seconds(2));
  // What it accepts it can note, and what it is about to make not.
  auto again = bench.order();
  again.generation = 3;
  again.vms[0].generation = 2;
  bench.post(EnvelopeReceived{wire::seal(wire::EnvelopeKind::order, wire::encode(again), bench.key).value()});
  bench.step();
  bench.journal.fail_writes(Errc::unavailable);
  bench.drain();
  CHECK(told() == FailureCode::internal);
  CHECK(bench.hypervisor.starts() == 1);
}

TEST_CASE("agent: whoever asks again and again for something of his own has nothing of others tried sooner") {
  using namespace std::chrono_literals;
  AgentBench bench;
  auto order = bench.order();
  auto second = order.vms[0];
  second.id = NodeId{uuid_number(66)};
  second.mac.bytes[5] = 99;
  order.networks[0].entries.push_back({second.mac, Ipv4{0x0a800063}, order.networks[0].local_vtep});
  order.vms.push_back(second);
  const auto failing = order.vms[0].id;
  int begun = 0;
  bench.hypervisor.fail = [&](const std::string& call, const NodeId& vm) {
    if (call != "start" || vm != failing) return std::optional<Error>();
    ++begun;
    return std::optional(Error{Errc::internal, "never"});
  };
  bench.give(order);
  bench.pass(10s);
  REQUIRE(bench.hypervisor.find(second.id).has_value());
  // It has failed so often that it is tried eight seconds after the last time, and these orders take one.
  const int before = begun;
  for (int n = 0; n < 20; ++n) {
    order.sequence = bench.order().sequence;
    ++order.generation;
    ++order.vms[1].restart;
    bench.post(EnvelopeReceived{wire::seal(wire::EnvelopeKind::order, wire::encode(order), bench.key).value()});
    bench.pass(50ms);
  }
  CHECK(bench.last_ack().generation == 21);
  CHECK(begun == before);
  order.sequence = bench.order().sequence;
  ++order.generation;
  ++order.vms[0].restart;
  bench.give(order);
  CHECK(begun == before + 1);
}

TEST_CASE("agent: while libvirt is silent the report says that it has not looked") {
  AgentBench bench;
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
  AgentBench bench;
  const auto before = bench.last_report().sequence;
  const auto count = bench.sent.size();
  bench.pass(std::chrono::seconds(1));
  CHECK(bench.sent.size() == count);
  bench.pass(std::chrono::seconds(5));
  CHECK(bench.sent.size() == count + 1);
  CHECK(bench.last_report().sequence > before);
}

TEST_CASE("agent: an obligation that a killed agent has left behind is discharged when nothing is there") {
  FakeJournal journal;
  REQUIRE(journal.oblige({ObjectKind::vm, uuid_number(99), 1, {}}).ok());
  REQUIRE(journal.oblige({ObjectKind::network, uuid_number(98), 7, {}}).ok());
  AgentBench bench(&journal);
  bench.give(bench.order());
  // What the earlier process had begun may still get through, and is no proven absence until then.
  const auto told = [&] { return bench.last_report().in_flight; };
  CHECK(told() == std::vector<ObjectRef>{{ObjectKind::network, uuid_number(98)}, {ObjectKind::vm, uuid_number(99)}});
  CHECK(journal.obligations().value().size() == 4);
  bench.pass(std::chrono::seconds(75));
  CHECK(told().empty());
  CHECK(journal.obligations().value().size() == 2);
  for (const auto& left : journal.obligations().value()) {
    CHECK(left.object != uuid_number(99));
    CHECK(left.object != uuid_number(98));
  }
}

}  // namespace dure::host
