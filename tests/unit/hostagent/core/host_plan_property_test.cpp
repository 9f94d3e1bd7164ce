#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "hostagent/core/host_plan.h"
#include "tests/support/host_order_sample.h"

namespace dure::host {
namespace {

// With all its local guests as ports.
ObservedNetwork attached(const NetworkSpec& network) {
  ObservedNetwork seen{remote_part(network), true};
  for (const auto& entry : network.entries) seen.guests.push_back(entry.mac);
  std::sort(seen.guests.begin(), seen.guests.end());
  return seen;
}

// What each op does to a host when it succeeds.
struct Carry {
  Observed& host;

  void operator()(const FetchBlob& op) const {
    std::erase_if(host.blobs, [&](const auto& blob) { return blob.digest == op.blob.digest; });
    host.blobs.push_back({op.blob.digest, op.blob.size_bytes, true});
  }
  void operator()(const ApplyNetwork& op) const {
    std::erase_if(host.networks, [&](const auto& n) { return n.spec.vni == op.network.vni; });
    host.networks.push_back(attached(op.network));
  }
  void operator()(const RemoveNetwork& op) const {
    std::erase_if(host.networks, [&](const auto& n) { return n.spec.vni == op.vni; });
  }
  void operator()(const ApplyFirewall& op) const { host.firewall = firewall_digest(op.networks, {}); }
  void operator()(const RemoveFirewall&) const { host.firewall = {}; }
  void operator()(const StopVm& op) const {
    for (auto& vm : host.vms) {
      if (vm.id == op.id && vm.generation == op.generation) vm.state = op.hard ? VmState::stopped : VmState::shut_down;
    }
  }
  void operator()(const RemoveBlob& op) const {
    std::erase_if(host.blobs, [&](const auto& blob) { return blob.digest == op.digest; });
  }
  void operator()(const StartVm& op) const {
    std::erase_if(host.vms, [&](const auto& vm) { return vm.id == op.vm.id; });
    host.vms.push_back({op.vm.id, op.vm.generation, op.order, op.network.id, op.network.vni,
                        VmState::running, op.vm.restart});
    std::erase_if(host.files, [&](const auto& f) {
      return f.id == op.vm.id && f.generation == op.vm.generation;
    });
    host.files.push_back({op.vm.id, op.vm.generation, true, true});
  }
  void operator()(const RemoveVm& op) const {
    const auto gone = [&](const auto& one) {
      return one.id == op.id && one.generation <= op.generation;
    };
    std::erase_if(host.vms, gone);
    std::erase_if(host.files, gone);
  }
};

std::uint8_t up_to(int bound) {
  return static_cast<std::uint8_t>(*rc::gen::inRange(0, bound));
}

// Orders and hosts over a small world of ids, so that they often speak of the same things.
HostOrder any_order() {
  auto order = sample_order();
  const auto vm = order.vms[0];
  const auto network = order.networks[0];
  order.vms.clear();
  order.networks.clear();
  for (std::uint8_t n = 0; n < 2; ++n) {
    auto made = network;
    made.id = NetworkId{uuid_number(static_cast<std::uint8_t>(50 + n))};
    made.vni = 100U + n;
    const bool wanted = up_to(3) > 0;
    if (wanted) order.networks.push_back(made);
    if (!wanted && up_to(2) == 0) order.removed_networks.push_back({made.id, made.vni});
    for (std::uint8_t i = 0; i < 3; ++i) {
      auto one = vm;
      one.id = NodeId{uuid_number(static_cast<std::uint8_t>(60 + n * 10 + i))};
      one.network = made.id;
      one.generation = 1U + up_to(3);
      one.restart = up_to(3);
      one.off = up_to(4) == 0;
      const auto fate = up_to(4);
      if (fate < 2 && wanted) order.vms.push_back(one);
      if (fate == 2 || !wanted) order.removed_vms.push_back({one.id, one.generation});
    }
  }
  return order;
}

Observed any_host() {
  Observed host;
  host.hypervisor_answers = true;
  const auto sample = sample_order();
  for (std::uint8_t n = 0; n < 2; ++n) {
    auto network = sample.networks[0];
    network.id = NetworkId{uuid_number(static_cast<std::uint8_t>(50 + n))};
    network.vni = 100U + n;
    const bool has_network = up_to(2) == 0;
    if (has_network) {
      host.networks.push_back(up_to(2) == 0 ? attached(network) : ObservedNetwork{remote_part(network), up_to(3) > 0});
    }
    for (std::uint8_t i = 0; i < 3; ++i) {
      const NodeId id{uuid_number(static_cast<std::uint8_t>(60 + n * 10 + i))};
      const std::uint64_t generation = 1U + up_to(3);
      if (up_to(2) == 0) host.files.push_back({id, generation, up_to(2) == 0, true});
      if (!has_network || up_to(2) == 0) continue;
      constexpr VmState kStates[] = {VmState::running, VmState::running, VmState::crashed,  VmState::stopped,
                                     VmState::paused,  VmState::creating, VmState::shut_down};
      host.vms.push_back({id, generation, sample.order, network.id, network.vni, kStates[up_to(7)], up_to(3)});
    }
  }
  return host;
}

}  // namespace

TEST_CASE("host plan property: carrying out plan after plan settles, and a settled plan is empty") {
  CHECK(rc::check([] {
    const auto order = any_order();
    auto host = any_host();
    HostPlan plan;
    for (int round = 0; round < 8; ++round) {
      plan = host_plan(order, host, {});
      if (plan.ops.empty()) break;
      for (const auto& op : plan.ops) std::visit(Carry{host}, op);
    }
    RC_ASSERT(plan.ops.empty());
    for (const auto& vm : order.vms) {
      const auto seen = std::find_if(host.vms.begin(), host.vms.end(), [&](const auto& one) { return one.id == vm.id; });
      const bool there = seen != host.vms.end();
      if (there && seen->generation > vm.generation) continue;
      const auto state = there ? seen->state : VmState::unknown;
      if (vm.off) {
        RC_ASSERT(state != VmState::running);
        continue;
      }
      RC_ASSERT(there);
      const bool as_ordered = seen->generation == vm.generation && seen->restart >= vm.restart;
      RC_ASSERT(as_ordered);
      const bool at_rest = state == VmState::running || state == VmState::shut_down;
      RC_ASSERT(at_rest);
    }
  }));
}

TEST_CASE("host plan property: whatever was carried out of the plans before, the firewall goes only from an empty host") {
  CHECK(rc::check([] {
    auto host = any_host();
    for (int orders = 0; orders < 3; ++orders) {
      const auto order = up_to(3) == 0 ? HostOrder{} : any_order();
      for (int round = 0; round < 4; ++round) {
        const auto plan = host_plan(order, host, {});
        for (const auto& op : plan.ops) {
          const bool empty = host.vms.empty() && host.networks.empty();
          if (std::holds_alternative<RemoveFirewall>(op)) RC_ASSERT(empty);
          if (const auto* start = std::get_if<StartVm>(&op)) {
            RC_ASSERT(host.firewall == firewall_digest(order.networks, {}));
            RC_ASSERT(!start->vm.off);
          }
        }
        for (const auto& op : plan.ops) {
          if (up_to(2) == 0) std::visit(Carry{host}, op);
        }
      }
    }
  }));
}

TEST_CASE("host plan property: no two ops of one plan are about the same object") {
  CHECK(rc::check([] {
    std::set<OpKey> keys;
    for (const auto& op : host_plan(any_order(), any_host(), {}).ops) {
      RC_ASSERT(keys.insert(key_of(op)).second);
    }
  }));
}

TEST_CASE("host plan property: nothing is removed that the order does not name") {
  CHECK(rc::check([] {
    const auto order = any_order();
    for (const auto& op : host_plan(order, any_host(), {}).ops) {
      if (const auto* vm = std::get_if<RemoveVm>(&op)) {
        const bool named = std::any_of(
            order.removed_vms.begin(), order.removed_vms.end(), [&](const auto& removal) {
              return removal.id == vm->id && removal.generation >= vm->generation;
            });
        // Making a VM anew names its older generations.
        const bool replaced = std::any_of(order.vms.begin(), order.vms.end(), [&](const auto& wanted) {
          return wanted.id == vm->id && wanted.generation > vm->generation;
        });
        RC_ASSERT(named || replaced);
      }
      if (const auto* network = std::get_if<RemoveNetwork>(&op)) {
        RC_ASSERT(std::any_of(order.removed_networks.begin(), order.removed_networks.end(),
                              [&](const auto& removal) { return removal.vni == network->vni; }));
      }
    }
  }));
}

}  // namespace dure::host
