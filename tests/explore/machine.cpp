#include "tests/explore/machine.h"

#include <algorithm>

namespace dure::explore {
namespace {

struct Effect {
  Machine& machine;

  // False: refused, as libvirt, the kernel or the file system would.
  bool operator()(const host::FetchBlob&) { return machine.image = true; }
  bool operator()(const host::RemoveBlob&) { return !(machine.image = false); }
  bool operator()(const host::ApplyNetwork& op) {
    const auto at = std::lower_bound(machine.networks.begin(), machine.networks.end(), op.network.vni,
                                     [](const NetworkSpec& network, std::uint32_t vni) { return network.vni < vni; });
    auto remote = host::remote_part(op.network);
    if (at == machine.networks.end() || at->vni != op.network.vni) {
      machine.networks.insert(at, std::move(remote));
    } else if (at->id != op.network.id) {
      return false;
    } else {
      *at = std::move(remote);
    }
    return true;
  }
  bool operator()(const host::RemoveNetwork& op) {
    std::erase_if(machine.networks, [&](const NetworkSpec& network) { return network.vni == op.vni; });
    return true;
  }
  bool operator()(const host::ApplyFirewall& op) {
    machine.firewall = host::firewall_digest(op.networks, filter_rules());
    return true;
  }
  bool operator()(const host::RemoveFirewall&) {
    machine.firewall = {};
    return true;
  }
  bool operator()(const host::StartVm& op) {
    const auto at = place(op.vm.id);
    const bool bridge = std::any_of(machine.networks.begin(), machine.networks.end(),
                                    [&](const NetworkSpec& network) { return network.vni == op.network.vni; });
    if (!bridge) return false;
    if (at == machine.vms.end() || at->seen.id != op.vm.id) {
      Domain made;
      made.seen = {op.vm.id, op.vm.generation, op.order, op.network.id, op.network.vni, VmState::running, op.vm.restart};
      made.mac = op.vm.mac;
      machine.vms.insert(at, made);
      const std::pair<NodeId, std::uint64_t> overlay{op.vm.id, op.vm.generation};
      const auto file = std::lower_bound(machine.overlays.begin(), machine.overlays.end(), overlay);
      if (file == machine.overlays.end() || file->first != op.vm.id) machine.overlays.insert(file, overlay);
      return true;
    }
    if (at->seen.generation != op.vm.generation) return false;
    if (at->seen.state == VmState::running) return true;
    if (at->seen.state != VmState::paused) {
      ++at->boot;
      at->guest = Guest::booting;
    }
    at->attached = true;
    at->seen.state = VmState::running;
    at->seen.restart = op.vm.restart;
    return true;
  }
  bool operator()(const host::StopVm& op) {
    const auto at = place(op.id);
    if (at == machine.vms.end() || at->seen.id != op.id || at->seen.generation != op.generation) return true;
    if (active(at->seen.state)) at->seen.state = op.hard ? VmState::stopped : VmState::shut_down;
    return true;
  }
  bool operator()(const host::RemoveVm& op) {
    const auto at = place(op.id);
    if (at != machine.vms.end() && at->seen.id == op.id) {
      if (at->seen.generation > op.generation) return false;
      machine.vms.erase(at);
    }
    std::erase_if(machine.overlays, [&](const auto& file) { return file.first == op.id && file.second <= op.generation; });
    return true;
  }

  std::vector<Domain>::iterator place(const NodeId& id) {
    return std::lower_bound(machine.vms.begin(), machine.vms.end(), id,
                            [](const Domain& vm, const NodeId& other) { return vm.seen.id < other; });
  }
};

void hash_network(Hasher& hasher, const NetworkSpec& network) {
  hasher.add(network.id);
  hasher.add(network.vni);
  hasher.add(network.peers.size());
  for (const auto& peer : network.peers) hasher.add(peer.vtep.value);
  hasher.add(network.entries.size());
  for (const auto& entry : network.entries) {
    hasher.add(entry.address.value);
    hasher.add(entry.vtep.value);
  }
}

Hash hash_of(const Machine& machine) {
  Hasher hasher;
  hasher.add(machine.image);
  hasher.add(machine.firewall);
  hasher.add(machine.vms.size());
  for (const Domain& vm : machine.vms) {
    hasher.add(vm.seen.id);
    hasher.add(vm.seen.generation);
    hasher.add(vm.seen.restart << 16 | static_cast<std::uint64_t>(vm.boot) << 8 | static_cast<std::uint64_t>(vm.attached));
    hasher.add(static_cast<std::uint64_t>(vm.seen.state) << 8 | static_cast<std::uint64_t>(vm.guest));
  }
  hasher.add(machine.overlays.size());
  for (const auto& [id, generation] : machine.overlays) {
    hasher.add(id);
    hasher.add(generation);
  }
  hasher.add(machine.networks.size());
  for (const NetworkSpec& network : machine.networks) hash_network(hasher, network);
  return hasher.finish();
}

}  // namespace

Digest filter_rules() {
  Digest rules;
  rules.bytes[0] = 1;
  return rules;
}

bool active(VmState state) { return state == VmState::running || state == VmState::paused || state == VmState::creating; }

MachineRef make_machine(Machine machine) {
  host::Observed& seen = machine.observed;
  seen = {};
  seen.hypervisor_answers = true;
  seen.hardware_virtualisation = true;
  seen.firewall = machine.firewall;
  if (machine.image) seen.blobs.push_back({Digest{}, 1, true});
  for (const Domain& vm : machine.vms) seen.vms.push_back(vm.seen);
  for (const auto& [id, generation] : machine.overlays) seen.files.push_back({id, generation, true, true});
  for (const NetworkSpec& network : machine.networks) {
    host::ObservedNetwork there{network, true, {}};
    for (const Domain& vm : machine.vms) {
      if (vm.seen.vni == network.vni && vm.attached && active(vm.seen.state)) there.guests.push_back(vm.mac);
    }
    std::sort(there.guests.begin(), there.guests.end());
    seen.networks.push_back(std::move(there));
  }
  machine.hash = hash_of(machine);
  return std::make_shared<const Machine>(std::move(machine));
}

std::optional<Machine> effect_of(const host::HostOp& op, const Machine& before) {
  Machine after = before;
  if (!std::visit(Effect{after}, op)) return std::nullopt;
  return after;
}

host::Observed observed(const Look& look) {
  host::Observed seen = look.machine->observed;
  if (!look.blind) return seen;
  seen.hypervisor_answers = false;
  seen.vms.clear();
  seen.files.clear();
  note(seen, ConditionCode::hypervisor_away, "does not answer");
  return seen;
}

}  // namespace dure::explore
