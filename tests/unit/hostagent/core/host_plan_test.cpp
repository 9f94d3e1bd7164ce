#include "hostagent/core/host_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/support/host_order_sample.h"

namespace dure::host {
namespace {

template <class Op>
std::size_t count(const HostPlan& plan) {
  return static_cast<std::size_t>(std::count_if(plan.ops.begin(), plan.ops.end(), [](const auto& op) {
    return std::holds_alternative<Op>(op);
  }));
}

Observed nothing() {
  Observed observed;
  observed.hypervisor_answers = true;
  return observed;
}

}  // namespace

TEST_CASE("host plan: an empty host first fetches blobs and makes the firewall, then the network") {
  const auto plan = host_plan(sample_order(), nothing(), {});
  CHECK(count<FetchBlob>(plan) == 2);
  CHECK(count<ApplyNetwork>(plan) == 0);
  CHECK(count<ApplyFirewall>(plan) == 1);
  CHECK(count<StartVm>(plan) == 0);
  CHECK_FALSE(plan.settled);
  // Rules of whomever let nobody through of whom they do not know.
  auto closed = nothing();
  closed.firewall = firewall_digest({}, {});
  CHECK(count<ApplyNetwork>(host_plan(sample_order(), closed, {})) == 1);
}

TEST_CASE("host plan: while something is done with the firewall or the network, nothing is made or started behind it") {
  const auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms.clear();
  PlanMemory memory;
  REQUIRE(count<StartVm>(host_plan(order, observed, memory)) == 1);
  memory.in_flight = {{ObjectKind::network, order.networks[0].id.uuid}};
  CHECK(host_plan(order, observed, memory).ops.empty());
  CHECK_FALSE(host_plan(order, observed, memory).settled);
  memory.in_flight = {key_of(RemoveFirewall{})};
  CHECK(host_plan(order, observed, memory).ops.empty());
  CHECK_FALSE(host_plan(order, observed, memory).settled);
  observed.networks.clear();
  CHECK(host_plan(order, observed, memory).ops.empty());
  memory.in_flight.clear();
  CHECK(count<ApplyNetwork>(host_plan(order, observed, memory)) == 1);
}

TEST_CASE("host plan: the firewall stays while something is done with a VM or network") {
  auto order = sample_order();
  order.vms.clear();
  order.networks.clear();
  auto observed = nothing();
  observed.firewall = firewall_digest({}, {});
  PlanMemory memory;
  memory.in_flight = {{ObjectKind::vm, uuid_number(66)}};
  CHECK(count<RemoveFirewall>(host_plan(order, observed, memory)) == 0);
  CHECK_FALSE(host_plan(order, observed, memory).settled);
  memory.in_flight.clear();
  CHECK(count<RemoveFirewall>(host_plan(order, observed, memory)) == 1);
}

TEST_CASE("host plan: a VM waits for each of its blobs, its network and the firewall") {
  const auto order = sample_order();
  auto ready = all_in_place(order);
  ready.vms.clear();
  ready.files.clear();
  REQUIRE(count<StartVm>(host_plan(order, ready, {})) == 1);
  auto blob = ready;
  blob.blobs[1].complete = false;
  CHECK(count<StartVm>(host_plan(order, blob, {})) == 0);
  auto network = ready;
  network.networks[0].complete = false;
  CHECK(count<StartVm>(host_plan(order, network, {})) == 0);
  auto stale = ready;
  stale.networks[0].spec.entries.clear();
  CHECK(count<StartVm>(host_plan(order, stale, {})) == 0);
  auto firewall = ready;
  firewall.firewall = Digest{};
  CHECK(count<StartVm>(host_plan(order, firewall, {})) == 0);
}

TEST_CASE("host plan: what is in place needs nothing") {
  const auto order = sample_order();
  const auto plan = host_plan(order, all_in_place(order), {});
  CHECK(plan.ops.empty());
  CHECK(plan.settled);
}

TEST_CASE("host plan: with a single op left and nothing to wait for it is not settled") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms.clear();
  observed.files.clear();
  const auto start = host_plan(order, observed, {});
  REQUIRE(start.ops.size() == 1);
  CHECK_FALSE(start.settled);
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  order.networks.clear();
  order.vms.clear();
  observed.firewall = firewall_digest({}, {});
  const auto removal = host_plan(order, observed, {});
  REQUIRE(removal.ops.size() == 1);
  CHECK_FALSE(removal.settled);
}

TEST_CASE("host plan: what does not run is begun again, but for what its guest has switched off and what is not known") {
  const auto order = sample_order();
  for (const auto& [state, starts] :
       {std::pair{VmState::stopped, 1U}, std::pair{VmState::crashed, 1U}, std::pair{VmState::running, 0U},
        std::pair{VmState::paused, 1U}, std::pair{VmState::unknown, 0U}, std::pair{VmState::creating, 1U},
        std::pair{VmState::shut_down, 0U}}) {
    auto observed = all_in_place(order);
    observed.vms[0].state = state;
    const auto name = std::string(to_string(state));
    INFO(name);
    const auto plan = host_plan(order, observed, {});
    CHECK(count<StartVm>(plan) == starts);
    CHECK(plan.ops.size() == starts);
    CHECK(plan.settled == (state == VmState::running || state == VmState::shut_down));
  }
}

TEST_CASE("host plan: what a full disk has paused waits for room") {
  const auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms[0].state = VmState::paused;
  note(observed, ConditionCode::no_space, "full");
  CHECK(host_plan(order, observed, {}).ops.empty());
  CHECK_FALSE(host_plan(order, observed, {}).settled);
  observed.conditions.clear();
  CHECK(count<StartVm>(host_plan(order, observed, {})) == 1);
}

TEST_CASE("host plan: a VM that is wanted off is asked to stop, then switched off, and not begun again") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  order.vms[0].off = true;
  PlanMemory memory;
  const auto asked = host_plan(order, observed, memory);
  REQUIRE(asked.ops.size() == 1);
  CHECK(asked.ops[0] == HostOp{StopVm{order.vms[0].id, 1, false}});
  memory.asked_to_stop.insert(order.vms[0].id);
  CHECK(host_plan(order, observed, memory).ops.at(0) == HostOp{StopVm{order.vms[0].id, 1, true}});
  for (const auto state : {VmState::stopped, VmState::shut_down, VmState::crashed}) {
    observed.vms[0].state = state;
    CHECK(host_plan(order, observed, {}).ops.empty());
    CHECK(host_plan(order, observed, {}).settled);
  }
  // One that was never made is not made to be off.
  observed.vms.clear();
  observed.files.clear();
  CHECK(host_plan(order, observed, {}).settled);
}

TEST_CASE("host plan: a VM under a lower restart than ordered is stopped, and then begun under the new one") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  order.vms[0].restart = 2;
  observed.vms[0].restart = 1;
  CHECK(count<StopVm>(host_plan(order, observed, {})) == 1);
  CHECK(count<StartVm>(host_plan(order, observed, {})) == 0);
  observed.vms[0].state = VmState::shut_down;
  CHECK(count<StartVm>(host_plan(order, observed, {})) == 1);
  observed.vms[0].state = VmState::running;
  observed.vms[0].restart = 2;
  CHECK(host_plan(order, observed, {}).settled);
  // Who has switched itself off since stays off.
  observed.vms[0].state = VmState::shut_down;
  CHECK(host_plan(order, observed, {}).settled);
}

TEST_CASE("host plan: a running VM whose tap has lost its bridge gets its network once more") {
  const auto order = sample_order();
  auto observed = all_in_place(order);
  observed.networks[0].guests.clear();
  CHECK(count<ApplyNetwork>(host_plan(order, observed, {})) == 1);
  observed.vms[0].state = VmState::stopped;
  CHECK(count<ApplyNetwork>(host_plan(order, observed, {})) == 0);
}

TEST_CASE("host plan: the firewall never opens while a guest, a device or a doubt is left, and goes with the last") {
  auto order = sample_order();
  const auto full = all_in_place(order);
  order.removed_vms = {{order.vms[0].id, 1}};
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  order.vms.clear();
  order.networks.clear();
  const auto closes = [&](const Observed& observed) {
    const auto plan = host_plan(order, observed, {});
    CHECK(count<RemoveFirewall>(plan) == 0);
    return std::find(plan.ops.begin(), plan.ops.end(), HostOp{ApplyFirewall{{}}}) != plan.ops.end();
  };
  CHECK(closes(full));
  auto no_vm = full;
  no_vm.vms.clear();
  no_vm.files.clear();
  CHECK(closes(no_vm));
  auto silent = no_vm;
  silent.networks.clear();
  silent.hypervisor_answers = false;
  CHECK(closes(silent));
  // Rules of no network are in place: they stay.
  silent.firewall = firewall_digest({}, {});
  CHECK_FALSE(closes(silent));
  auto unread = silent;
  unread.hypervisor_answers = true;
  note(unread, ConditionCode::network, "netlink");
  CHECK_FALSE(closes(unread));
  unread.conditions.clear();
  CHECK(count<RemoveFirewall>(host_plan(order, unread, {})) == 1);
  unread.firewall = Digest{};
  CHECK(host_plan(order, unread, {}).settled);
}

TEST_CASE("host plan: other rules for the same networks are written anew") {
  const auto order = sample_order();
  PlanMemory memory;
  memory.firewall_rules = Digest{{1}};
  CHECK(count<ApplyFirewall>(host_plan(order, all_in_place(order), memory)) == 1);
}

TEST_CASE("host plan: a blob that nobody needs goes when its time has come and everything here is explained") {
  const auto order = sample_order();
  auto observed = all_in_place(order);
  const Digest old{{9}}, needed = order.images[0].disk.digest;
  observed.blobs.push_back({old, 5, true});
  CHECK(host_plan(order, observed, {}).ops.empty());
  PlanMemory memory;
  memory.unneeded_blobs = {old, needed};
  const auto plan = host_plan(order, observed, memory);
  REQUIRE(plan.ops.size() == 1);
  CHECK(plan.ops[0] == HostOp{RemoveBlob{old}});
  auto stranger = observed;
  stranger.vms.push_back({NodeId{uuid_number(88)}, 1, {}, {}, 7, VmState::running});
  CHECK(host_plan(order, stranger, memory).ops.empty());
  auto leftover = observed;
  leftover.files.push_back({NodeId{uuid_number(88)}, 1, true, false});
  CHECK(host_plan(order, leftover, memory).ops.empty());
  observed.hypervisor_answers = false;
  CHECK(host_plan(order, observed, memory).ops.empty());
}

TEST_CASE("host plan: a VM that the order does not mention is left alone") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  order.vms.clear();
  const auto plan = host_plan(order, observed, {});
  CHECK(plan.ops.empty());
  CHECK(plan.settled);
}

TEST_CASE("host plan: a named removal takes the VM, and its files when the domain is gone already") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  order.removed_vms = {{order.vms[0].id, 1}};
  order.vms.clear();
  CHECK(count<RemoveVm>(host_plan(order, observed, {})) == 1);
  observed.vms.clear();
  CHECK(count<RemoveVm>(host_plan(order, observed, {})) == 1);
  observed.files.clear();
  const auto plan = host_plan(order, observed, {});
  CHECK(plan.ops.empty());
  CHECK(plan.settled);
}

TEST_CASE("host plan: a removal of an older generation leaves the newer VM") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms[0].generation = 3;
  observed.files[0].generation = 3;
  order.removed_vms = {{order.vms[0].id, 2}};
  order.vms.clear();
  CHECK(host_plan(order, observed, {}).ops.empty());
}

TEST_CASE("host plan: a VM of an older generation is removed before the new one starts") {
  auto order = sample_order();
  const auto observed = all_in_place(order);
  order.vms[0].generation = 2;
  const auto first = host_plan(order, observed, {});
  REQUIRE(count<RemoveVm>(first) == 1);
  CHECK(count<StartVm>(first) == 0);
  auto later = observed;
  later.vms.clear();
  later.files.clear();
  CHECK(count<StartVm>(host_plan(order, later, {})) == 1);
}

TEST_CASE("host plan: a VM of a newer generation than ordered is left alone") {
  const auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms[0].generation = 9;
  CHECK(host_plan(order, observed, {}).ops.empty());
}

TEST_CASE("host plan: while libvirt is silent no VM is touched and nothing counts as settled") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  observed.hypervisor_answers = false;
  observed.vms.clear();
  CHECK(host_plan(order, observed, {}).ops.empty());
  CHECK_FALSE(host_plan(order, observed, {}).settled);
  order.removed_vms = {{order.vms[0].id, 1}};
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  order.vms.clear();
  order.networks.clear();
  observed.firewall = firewall_digest({}, {});
  CHECK(host_plan(order, observed, {}).ops.empty());
  CHECK_FALSE(host_plan(order, observed, {}).settled);
}

TEST_CASE("host plan: a network goes only when no VM is on it") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  order.networks.clear();
  order.vms.clear();
  auto plan = host_plan(order, observed, {});
  CHECK(count<RemoveNetwork>(plan) == 0);
  CHECK_FALSE(plan.settled);
  observed.vms.clear();
  observed.files.clear();
  CHECK(count<RemoveNetwork>(host_plan(order, observed, {})) == 1);
}

TEST_CASE("host plan: a network that is wanted again is not removed") {
  auto order = sample_order();
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  const auto plan = host_plan(order, all_in_place(order), {});
  CHECK(plan.ops.empty());
}

TEST_CASE("host plan: a VM without its image or network in the order is never started") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms.clear();
  observed.files.clear();
  auto no_image = order;
  no_image.images.clear();
  CHECK(count<StartVm>(host_plan(no_image, observed, {})) == 0);
  auto no_network = order;
  no_network.networks.clear();
  CHECK(count<StartVm>(host_plan(no_network, observed, {})) == 0);
}

}  // namespace dure::host
