// What the agent does after something has failed, hung or come to nothing (agent_loop.h, core/attempts.h).
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/hostagent/app/slow_looks.h"

namespace dure::host {
namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("agent: an op that fails once is tried again although every look takes longer than a step") {
  SlowLooks bench;
  int fetches_to_fail = 1;
  bench.blobs.fail = [&](const BlobRef&) {
    return fetches_to_fail-- > 0 ? std::optional(Error{Errc::unavailable, "closed port"}) : std::nullopt;
  };
  bench.give_slowly(bench.order());
  bench.run_for(5s);
  CHECK(bench.hypervisor.starts() == 1);
  CHECK(bench.last_report().failures.empty());
}

TEST_CASE("agent: an op that always fails does not hold up another order, and costs few wake-ups") {
  SlowLooks bench;
  bench.hypervisor.fail = [id = bench.order().vms[0].id](const std::string& call, const NodeId& vm) {
    return call == "start" && vm == id ? std::optional(Error{Errc::internal, "never"}) : std::nullopt;
  };
  auto order = bench.order();
  bench.give_slowly(order);
  bench.run_for(30s);
  CHECK(bench.hypervisor.starts() == 0);
  auto second = bench.order();
  second.generation = 2;
  auto vm = second.vms[0];
  vm.id = NodeId{uuid_number(66)};
  vm.mac.bytes[5] = 99;
  second.networks[0].entries.push_back({vm.mac, Ipv4{0x0a800063}, second.networks[0].local_vtep});
  second.vms.push_back(vm);
  bench.give_slowly(second);
  bench.run_for(2s);
  CHECK(bench.hypervisor.find(vm.id).has_value());
  REQUIRE(bench.last_report().failures.size() == 1);
  CHECK(bench.last_report().failures[0].message == "never");
  // Its removal does not wait for the failing one either.
  auto third = bench.order();
  third.generation = 3;
  third.removed_vms = {{vm.id, 1}};
  third.networks = second.networks;
  bench.give_slowly(third);
  bench.run_for(2s);
  CHECK_FALSE(bench.hypervisor.find(vm.id).has_value());
  const auto before = bench.slow_steps;
  bench.run_for(10min);
  CHECK((bench.slow_steps - before) / 600 < 3);
}

TEST_CASE("agent: a download that fails is told of each image that needs it, by the image's id") {
  SlowLooks bench;
  auto order = bench.order();
  auto other = order.images[0];
  other.id = ImageId{uuid_number(67)};
  order.images.push_back(other);
  bench.blobs.fail = [kernel = other.kernel](const BlobRef& blob) {
    return blob.digest == kernel.digest ? std::optional(Error{Errc::corrupt, "other bytes"}) : std::nullopt;
  };
  bench.give_slowly(order);
  bench.run_for(5s);
  const auto failures = bench.last_report().failures;
  REQUIRE(failures.size() == 2);
  for (std::size_t n = 0; n < 2; ++n) {
    CHECK(failures[n].kind == ObjectKind::image);
    CHECK(failures[n].object == order.images[n].id.uuid);
    CHECK(failures[n].code == FailureCode::image_digest);
    CHECK(failures[n].message == "other bytes");
  }
}

TEST_CASE("agent: every kind of op that fails once, then twice, is done in the end") {
  for (const int failures : {1, 2}) {
    for (const std::string what : {"fetch", "apply", "firewall", "start", "make"}) {
      CAPTURE(what);
      SlowLooks bench;
      int left = failures;
      const auto fails = [&](const std::string& call) {
        return call == what && left-- > 0 ? std::optional(Error{Errc::unavailable, "once more"}) : std::nullopt;
      };
      bench.blobs.fail = [&](const BlobRef&) { return fails("fetch"); };
      bench.dataplane.fail = fails;
      bench.firewall.fail = [&](const std::string& call) { return fails(call == "apply" ? "firewall" : ""); };
      bench.hypervisor.fail = [&](const std::string& call, const NodeId&) { return fails(call); };
      bench.seeds.fail = fails;
      bench.give_slowly(bench.order());
      bench.run_for(10s);
      CHECK(left < 0);
      CHECK(bench.hypervisor.starts() == 1);
      CHECK(bench.last_report().failures.empty());
    }
    for (const std::string what : {"remove", "remove network", "remove firewall", "stop"}) {
      CAPTURE(what);
      SlowLooks bench;
      const auto first = bench.order();
      bench.give_slowly(first);
      bench.run_for(5s);
      REQUIRE(bench.hypervisor.starts() == 1);
      int left = failures;
      const auto fails = [&](const std::string& call) {
        return call == what && left-- > 0 ? std::optional(Error{Errc::unavailable, "once more"}) : std::nullopt;
      };
      bench.dataplane.fail = [&](const std::string& call) { return fails(call + " network"); };
      bench.firewall.fail = [&](const std::string& call) { return fails(call + " firewall"); };
      bench.hypervisor.fail = [&](const std::string& call, const NodeId&) { return fails(call); };
      auto second = bench.order();
      second.generation = 2;
      if (what == "stop") {
        second.vms[0].off = true;
      } else {
        second.removed_vms = {{first.vms[0].id, 1}};
        second.removed_networks = {{first.networks[0].id, first.networks[0].vni}};
        second.vms.clear();
        second.networks.clear();
      }
      bench.give_slowly(second);
      bench.run_for(15s);
      CHECK(left < 0);
      CHECK(bench.last_report().failures.empty());
      CHECK(bench.last_report().applied_generation == 2);
      if (what == "stop") {
        CHECK(bench.hypervisor.find(first.vms[0].id)->seen.state == VmState::shut_down);
      } else {
        CHECK(bench.hypervisor.list().value().empty());
        CHECK(bench.dataplane.list().value().empty());
        CHECK_FALSE(bench.firewall.there());
      }
    }
  }
}

TEST_CASE("agent: an op that hangs is told as stuck, and others go on") {
  SlowLooks bench;
  bench.vms.takes = 10min;
  auto order = bench.order();
  bench.give_slowly(order);
  bench.run_for(115s);
  CHECK(bench.last_report().failures.empty());
  CHECK(bench.last_report().in_flight == std::vector<ObjectRef>{{ObjectKind::vm, order.vms[0].id.uuid}});
  bench.run_for(10s);
  REQUIRE(bench.last_report().failures.size() == 1);
  CHECK(bench.last_report().failures[0].code == FailureCode::stuck);
  CHECK(bench.last_report().failures[0].object == order.vms[0].id.uuid);
  bench.vms.takes = 1ms;
  auto second = bench.order();
  second.generation = 2;
  auto vm = order.vms[0];
  vm.id = NodeId{uuid_number(66)};
  vm.mac.bytes[5] = 99;
  second.networks[0].entries.push_back({vm.mac, Ipv4{0x0a800063}, second.networks[0].local_vtep});
  second.vms.push_back(vm);
  bench.give_slowly(second);
  bench.run_for(3s);
  CHECK(bench.hypervisor.find(vm.id).has_value());
  CHECK(bench.last_report().failures.size() == 1);
  bench.run_for(9min);
  CHECK(bench.last_report().failures.empty());
}

TEST_CASE("agent: of what is under way its report says that the lists prove nothing") {
  SlowLooks bench;
  auto order = bench.order();
  bench.give_slowly(order);
  bench.run_for(5s);
  CHECK(bench.last_report().in_flight.empty());
  SlowLooks held;
  REQUIRE(held.firewall.apply({}, firewall_digest({}, held.firewall.rules())).ok());
  held.hold_jobs = true;  // the network's
  held.give_slowly(held.order());
  held.run_for(1s);
  CHECK(held.last_report().in_flight == std::vector<ObjectRef>{{ObjectKind::network, order.networks[0].id.uuid}});
}

TEST_CASE("agent: while a look is made, its report says that what ended before it was not seen yet") {
  SlowLooks bench;
  bench.looks.takes = 5s;
  const auto order = bench.order();
  const ObjectRef vm{ObjectKind::vm, order.vms[0].id.uuid};
  bench.give_slowly(order);
  for (int i = 0; i < 200 && !bench.hypervisor.find(order.vms[0].id); ++i) bench.run_for(250ms);
  REQUIRE(bench.hypervisor.find(order.vms[0].id).has_value());
  bench.run_for(2s);
  CHECK(bench.last_report().vms.empty());
  CHECK(bench.last_report().in_flight == std::vector<ObjectRef>{vm});
  bench.run_for(10s);
  CHECK(bench.last_report().vms.size() == 1);
  CHECK(bench.last_report().in_flight.empty());
}

TEST_CASE("agent: a guest that does not stop when it is asked to is switched off") {
  AgentBench bench;
  auto order = bench.order();
  bench.give(order);
  bench.pass(1s);
  bench.hypervisor.deaf.insert(order.vms[0].id);
  auto off = bench.order();
  off.generation = 2;
  off.vms[0].off = true;
  bench.give(off);
  bench.pass(30s);
  CHECK(bench.hypervisor.find(order.vms[0].id)->seen.state == VmState::running);
  bench.pass(60s);
  CHECK(bench.hypervisor.find(order.vms[0].id)->seen.state == VmState::stopped);
  auto on = bench.order();
  on.generation = 3;
  on.vms[0].restart = 1;
  bench.give(on);
  bench.pass(1s);
  CHECK(bench.hypervisor.find(order.vms[0].id)->seen.state == VmState::running);
  CHECK(bench.last_report().vms.at(0).restart == 1);
}

TEST_CASE("agent: an order that it cannot read or journal is told with its reason until one is accepted") {
  AgentBench bench;
  bench.journal.fail_writes(Errc::no_space);
  auto order = bench.order();
  bench.give(order);
  REQUIRE(bench.last_report().refused.has_value());
  CHECK(bench.last_report().refused->generation == 1);
  CHECK(bench.last_report().refused->reason.find("journal") != std::string::npos);
  bench.journal.fail_writes(std::nullopt);
  bench.give(bench.order());
  CHECK_FALSE(bench.last_report().refused.has_value());
  bench.post(EnvelopeReceived{wire::seal(wire::EnvelopeKind::order, "no protobuf", bench.key).value()});
  bench.drain();
  REQUIRE(bench.last_report().refused.has_value());
  CHECK(bench.last_report().refused->order.is_nil());
  // One that was meant for another process is nobody's loss.
  bench.give(bench.order());
  auto stale = bench.order();
  stale.session = SessionId{uuid_number(92)};
  bench.give(stale);
  CHECK_FALSE(bench.last_report().refused.has_value());
}

TEST_CASE("agent: the fence that it has accepted is told with the proof that came with it") {
  FakeJournal journal;
  {
    AgentBench bench(&journal);
    auto order = bench.order();
    order.fence_proof = std::string(64, 'p');
    bench.give(order);
    CHECK(bench.last_report().highest_fence == Fence{1, 1});
    CHECK(bench.last_report().fence_proof == order.fence_proof);
  }
  AgentBench again(&journal);
  CHECK(again.last_report().fence_proof == std::string(64, 'p'));
}

TEST_CASE("agent: an image that no order names goes after its time, and one that is named again does not") {
  AgentBench bench;
  auto order = bench.order();
  bench.give(order);
  bench.pass(1s);
  auto none = bench.order();
  none.generation = 2;
  none.removed_vms = {{order.vms[0].id, 1}};
  none.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  none.vms.clear();
  none.networks.clear();
  none.images.clear();
  bench.give(none);
  bench.pass(23h);
  CHECK(bench.blobs.list().value().size() == 2);
  auto again = bench.order();
  again.generation = 3;
  bench.give(again);
  bench.pass(2h);
  CHECK(bench.blobs.list().value().size() == 2);
  none.generation = 4;
  none.sequence = bench.order().sequence;
  bench.give(none);
  bench.pass(23h);
  CHECK(bench.blobs.list().value().size() == 2);
  bench.pass(2h);
  CHECK(bench.blobs.list().value().empty());
}

TEST_CASE("agent: guests are told the control node's date") {
  AgentBench bench;
  auto order = bench.order();
  order.issued_at = TimePoint{1'800'000'000'000'000};
  bench.give(order);
  CHECK(bench.guests.date() == order.issued_at);
  CHECK(bench.last_report().clock == bench.clock.time);
}

}  // namespace dure::host
