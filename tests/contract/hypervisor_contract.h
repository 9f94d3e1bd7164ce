#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "hostagent/ports/hypervisor.h"

namespace dure::host::contract {

// What the suite needs beside the port: a world in which VMs can start.
struct HypervisorWorld {
  Hypervisor& hypervisor;
  VmSpec vm;  // generation 1; not there yet
  NetworkSpec network;
  VmPaths paths;
  std::function<void(const NodeId&)> switch_off;     // as a person would, behind our back
  std::function<void(const NodeId&)> pause;          // likewise
  std::function<void(const NodeId&)> place_foreign;  // defines a VM with this UUID that is not ours
  std::function<void(const NodeId&)> take_foreign_away;
};

inline OrderId order_number(std::uint8_t n) {
  OrderId order;
  order.uuid.bytes.fill(n);
  return order;
}

inline std::optional<ObservedVm> find_vm(Hypervisor& hypervisor, const NodeId& id) {
  const auto all = hypervisor.list();
  REQUIRE(all.ok());
  const auto found =
      std::find_if(all->begin(), all->end(), [&](const ObservedVm& vm) { return vm.id == id; });
  return found == all->end() ? std::nullopt : std::optional(*found);
}

inline std::vector<std::uint64_t> overlays_of(Hypervisor& hypervisor, const NodeId& id) {
  const auto all = hypervisor.volumes();
  REQUIRE(all.ok());
  std::vector<std::uint64_t> generations;
  for (const ObservedVmFiles& files : *all)
    if (files.id == id && files.overlay) generations.push_back(files.generation);
  std::sort(generations.begin(), generations.end());
  return generations;
}

inline void must_start(HypervisorWorld& world, const VmSpec& vm, const OrderId& order) {
  const auto started = world.hypervisor.start(vm, order, world.network, world.paths);
  REQUIRE_MESSAGE(started.ok(), started.error().message);
}

inline void started_is_seen(HypervisorWorld& world) {
  must_start(world, world.vm, order_number(1));
  const ObservedVm expected{world.vm.id,      1, order_number(1), world.network.id,
                            world.network.vni, VmState::running};
  CHECK(find_vm(world.hypervisor, world.vm.id) == expected);
  CHECK(overlays_of(world.hypervisor, world.vm.id) == std::vector<std::uint64_t>{1});

  INFO("again, under another order: success, and nothing changes");
  CHECK(world.hypervisor.start(world.vm, order_number(2), world.network, world.paths).ok());
  CHECK(find_vm(world.hypervisor, world.vm.id) == expected);
}

inline void generations_are_kept_apart(HypervisorWorld& world) {
  VmSpec newer = world.vm;
  newer.generation = 2;
  must_start(world, world.vm, order_number(1));
  const auto refused = world.hypervisor.start(newer, order_number(2), world.network, world.paths);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::conflict);

  REQUIRE(world.hypervisor.remove(world.vm.id, 1).ok());
  must_start(world, newer, order_number(2));
  const auto late = world.hypervisor.start(world.vm, order_number(1), world.network, world.paths);
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == Errc::already_exists);
  const auto late_removal = world.hypervisor.remove(world.vm.id, 1);
  REQUIRE_FALSE(late_removal.ok());
  CHECK(late_removal.error().code == Errc::superseded);
  const auto left = find_vm(world.hypervisor, world.vm.id);
  REQUIRE(left.has_value());
  CHECK(left->generation == 2);
  CHECK(left->state == VmState::running);
  CHECK(overlays_of(world.hypervisor, world.vm.id) == std::vector<std::uint64_t>{2});
}

inline void stopped_is_started_again(HypervisorWorld& world) {
  must_start(world, world.vm, order_number(1));
  world.switch_off(world.vm.id);
  const auto off = find_vm(world.hypervisor, world.vm.id);
  REQUIRE(off.has_value());
  CHECK(off->state == VmState::stopped);
  must_start(world, world.vm, order_number(3));
  const auto on = find_vm(world.hypervisor, world.vm.id);
  REQUIRE(on.has_value());
  CHECK(on->state == VmState::running);
  INFO("it is the same VM: its metadata still names the order that made it");
  CHECK(on->order == order_number(1));
}

inline VmState state_of(HypervisorWorld& world) {
  const auto seen = find_vm(world.hypervisor, world.vm.id);
  return seen ? seen->state : VmState::unknown;
}

inline void switched_off_and_on(HypervisorWorld& world) {
  INFO("absent is success");
  CHECK(world.hypervisor.stop(world.vm.id, 1, true).ok());
  must_start(world, world.vm, order_number(1));
  INFO("of another generation: left alone");
  CHECK(world.hypervisor.stop(world.vm.id, 2, true).ok());
  CHECK(state_of(world) == VmState::running);
  REQUIRE(world.hypervisor.stop(world.vm.id, 1, true).ok());
  CHECK(state_of(world) == VmState::stopped);
  CHECK(world.hypervisor.stop(world.vm.id, 1, true).ok());
  CHECK(world.hypervisor.stop(world.vm.id, 1, false).ok());
  INFO("on again under a higher restart, which is read back; the disk is the same");
  VmSpec again = world.vm;
  again.restart = 3;
  must_start(world, again, order_number(2));
  const auto on = find_vm(world.hypervisor, world.vm.id);
  REQUIRE(on.has_value());
  CHECK(on->state == VmState::running);
  CHECK(on->restart == 3);
  CHECK(overlays_of(world.hypervisor, world.vm.id) == std::vector<std::uint64_t>{1});
}

inline void paused_goes_on(HypervisorWorld& world) {
  must_start(world, world.vm, order_number(1));
  world.pause(world.vm.id);
  REQUIRE(state_of(world) == VmState::paused);
  must_start(world, world.vm, order_number(1));
  CHECK(state_of(world) == VmState::running);
}

inline void removed_leaves_nothing(HypervisorWorld& world) {
  INFO("absent is success");
  CHECK(world.hypervisor.remove(world.vm.id, 7).ok());
  must_start(world, world.vm, order_number(1));
  REQUIRE(world.hypervisor.remove(world.vm.id, 1).ok());
  CHECK_FALSE(find_vm(world.hypervisor, world.vm.id).has_value());
  CHECK(overlays_of(world.hypervisor, world.vm.id).empty());
  CHECK(world.hypervisor.remove(world.vm.id, 1).ok());

  INFO("a domain that is off goes as well");
  must_start(world, world.vm, order_number(1));
  world.switch_off(world.vm.id);
  REQUIRE(world.hypervisor.remove(world.vm.id, 5).ok());
  CHECK_FALSE(find_vm(world.hypervisor, world.vm.id).has_value());
  CHECK(overlays_of(world.hypervisor, world.vm.id).empty());
}

inline void foreign_is_left_alone(HypervisorWorld& world) {
  world.place_foreign(world.vm.id);
  CHECK_FALSE(find_vm(world.hypervisor, world.vm.id).has_value());
  const auto refused = world.hypervisor.start(world.vm, order_number(1), world.network, world.paths);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::already_exists);
  const auto removal = world.hypervisor.remove(world.vm.id, 9);
  REQUIRE_FALSE(removal.ok());
  CHECK(removal.error().code == Errc::already_exists);
  world.take_foreign_away(world.vm.id);
  CHECK(world.hypervisor.start(world.vm, order_number(1), world.network, world.paths).ok());
}

// Each subcase begins in an empty world; the caller makes it anew each time.
inline void hypervisor_contract(HypervisorWorld& world) {
  SUBCASE("a started VM is seen running, and starting it again changes nothing") {
    started_is_seen(world);
  }
  SUBCASE("only the generation that is there can be started or removed") {
    generations_are_kept_apart(world);
  }
  SUBCASE("a VM that was switched off is started again") { stopped_is_started_again(world); }
  SUBCASE("a VM is switched off and on, under a number that is read back") { switched_off_and_on(world); }
  SUBCASE("a paused VM goes on when it is started") { paused_goes_on(world); }
  SUBCASE("a removed VM leaves neither domain nor overlay") { removed_leaves_nothing(world); }
  SUBCASE("a VM that is not ours is neither seen nor touched") { foreign_is_left_alone(world); }
}

}  // namespace dure::host::contract
