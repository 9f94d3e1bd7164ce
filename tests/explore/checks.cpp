#include "tests/explore/checks.h"

#include <algorithm>
#include <set>

#include "controlnode/core/lifecycle.h"
#include "controlnode/core/placement.h"
#include "tests/explore/agent.h"
#include "tests/explore/control_side.h"
#include "tests/explore/machine.h"

namespace dure::explore {
namespace {

using control::Model;

std::string name_of(const Model& model, const NodeId& id) {
  const auto node = model.nodes.find(id);
  return node == model.nodes.end() ? id.str() : node->second.name;
}

std::string name_of(const Pc& pc, std::size_t slot) { return "h" + std::to_string(slot + 1) + (pc.dead ? " (dead)" : ""); }

const control::Removal* removal_of(const Model& model, const HostId& host, const Uuid& object) {
  const auto found = model.removals.find(host);
  if (found == model.removals.end()) return nullptr;
  for (const auto& removal : found->second) {
    if (removal.object == object) return &removal;
  }
  return nullptr;
}

// The PC is one that the model knows and counts on.
bool counted(const State& state, const Pc& pc) {
  const auto* host = host_of(*state.control, pc);
  return host != nullptr && !host->lost_at && !pc.dead;
}

void check_identities(const State& state, Findings& findings) {
  std::set<NodeId> ids;
  std::set<Mac> macs;
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    const Pc& pc = *state.pcs[i];
    if (!counted(state, pc)) continue;
    for (const Domain& vm : pc.machine->vms) {
      if (vm.seen.state != VmState::running) continue;
      const bool alone = ids.insert(vm.seen.id).second;
      if (!alone || !macs.insert(vm.mac).second) {
        findings.push_back({"identity-twice", name_of(state.control->model, vm.seen.id) + " runs on " + name_of(pc, i) +
                                                  " and somewhere else, or another VM with its MAC does"});
      }
    }
  }
}

// Also of a node that its Kubernetes cluster has not let go: its address may still be routed to it.
void check_addresses(const Model& model, Findings& findings) {
  std::set<std::pair<ClusterId, Ipv4>> taken;
  std::set<std::pair<ClusterId, std::string>> names;
  const auto take = [&](const ClusterId& cluster, Ipv4 address, const std::string& name) {
    if (!taken.emplace(cluster, address).second) findings.push_back({"address-twice", "the address of " + name + " is another's as well"});
  };
  for (const auto& [id, node] : model.nodes) {
    take(node.cluster, node.address, node.name);
    names.emplace(node.cluster, node.name);
  }
  for (const auto& [id, cluster] : model.clusters) {
    for (const auto& departing : cluster.departing) {
      if (!names.contains({id, departing.name})) take(id, departing.address, departing.name);
    }
  }
}

void check_claims(const State& state, Findings& findings) {
  const Model& model = state.control->model;
  for (const auto& [id, host] : model.hosts) {
    control::Resources sum;
    for (const auto& [node, claim] : model.claims) {
      if (claim.host != id) continue;
      sum.vcpus += claim.amount.vcpus;
      sum.memory_mib += claim.amount.memory_mib;
      sum.disk_gib += claim.amount.disk_gib;
    }
    const auto most = control::allocatable(model, host);
    if (sum.vcpus > most.vcpus || sum.memory_mib > most.memory_mib || sum.disk_gib > most.disk_gib) {
      findings.push_back({"claims-above-capacity", "more is claimed on " + host.name + " than it has"});
    }
  }
}

void check_room(const State& state, std::size_t slot, Findings& findings) {
  const Pc& pc = *state.pcs[slot];
  const auto* host = host_of(*state.control, pc);
  const auto& flavor = state.control->model.flavors.begin()->second;
  const auto used = static_cast<std::int64_t>(pc.machine->vms.size()) * flavor.memory_mib;
  if (used > host->capacity.memory_mib) {
    findings.push_back({"vms-above-capacity", name_of(pc, slot) + " has " + std::to_string(pc.machine->vms.size()) +
                                                  " VMs, more than fit into it"});
  }
}

void check_filter(const Pc& pc, std::size_t slot, Findings& findings) {
  const bool guest = std::any_of(pc.machine->vms.begin(), pc.machine->vms.end(),
                                 [](const Domain& vm) { return active(vm.seen.state); });
  if (guest && pc.machine->firewall == Digest{}) {
    findings.push_back({"guest-without-filter", "a VM runs on " + name_of(pc, slot) + ", which has no packet filter"});
  } else if (!pc.machine->networks.empty() && pc.machine->firewall == Digest{}) {
    findings.push_back({"bridge-without-filter", "a network of ours is up on " + name_of(pc, slot) + ", which has no packet filter"});
  }
  // One that is to go may lose its bridge a moment before.
  const auto wanted = [&](const NodeId& id) {
    return pc.order && std::any_of(pc.order->vms.begin(), pc.order->vms.end(), [&](const VmSpec& vm) { return vm.id == id; });
  };
  for (const Domain& vm : pc.machine->vms) {
    if (vm.seen.state != VmState::running || !wanted(vm.seen.id)) continue;
    const bool there = std::any_of(pc.machine->networks.begin(), pc.machine->networks.end(),
                                   [&](const NetworkSpec& network) { return network.vni == vm.seen.vni; });
    if (!there) findings.push_back({"guest-without-network", "a VM runs on " + name_of(pc, slot) + " without its bridge"});
  }
}

// Whatever is there is somebody's, or is to go.
void check_strangers(const State& state, std::size_t slot, Findings& findings) {
  const Pc& pc = *state.pcs[slot];
  const Model& model = state.control->model;
  for (const Domain& vm : pc.machine->vms) {
    const auto node = model.nodes.find(vm.seen.id);
    const bool ours = node != model.nodes.end() && node->second.host == pc.id;
    if (ours || removal_of(model, pc.id, vm.seen.id.uuid) != nullptr) continue;
    findings.push_back({"stranger", "no row explains the VM " + vm.seen.id.str() + " on " + name_of(pc, slot)});
  }
  for (const NetworkSpec& network : pc.machine->networks) {
    const bool ours = std::any_of(model.nodes.begin(), model.nodes.end(), [&](const auto& entry) {
      const auto cluster = model.clusters.find(entry.second.cluster);
      return entry.second.host == pc.id && cluster != model.clusters.end() && cluster->second.network == network.id;
    });
    if (ours || removal_of(model, pc.id, network.id.uuid) != nullptr) continue;
    findings.push_back({"stranger", "no row explains the network " + std::to_string(network.vni) + " on " + name_of(pc, slot)});
  }
}

bool has_domain(const Machine& machine, const NodeId& id) {
  return std::any_of(machine.vms.begin(), machine.vms.end(), [&](const Domain& vm) { return vm.seen.id == id; });
}

bool vm_as_ordered(const VmSpec& wanted, const Machine& machine) {
  const auto vm = std::find_if(machine.vms.begin(), machine.vms.end(), [&](const Domain& each) { return each.seen.id == wanted.id; });
  if (vm == machine.vms.end()) return wanted.off;
  if (wanted.off) return !active(vm->seen.state);
  if (vm->seen.generation != wanted.generation || vm->seen.restart < wanted.restart) return false;
  // Its own guest may switch it off.
  return vm->seen.state == VmState::running || vm->seen.state == VmState::shut_down;
}

// Empty: it is so.
std::string not_as_ordered(const HostOrder& order, const Machine& machine) {
  for (const VmSpec& vm : order.vms) {
    if (!vm_as_ordered(vm, machine)) return "the VM " + vm.name;
  }
  for (const VmRemoval& removal : order.removed_vms) {
    const bool wanted = std::any_of(order.vms.begin(), order.vms.end(), [&](const VmSpec& vm) { return vm.id == removal.id; });
    if (!wanted && has_domain(machine, removal.id)) return "a VM that is to go";
  }
  for (const NetworkSpec& network : order.networks) {
    const auto remote = host::remote_part(network);
    if (std::find(machine.networks.begin(), machine.networks.end(), remote) == machine.networks.end()) return "a network";
  }
  for (const NetworkRemoval& removal : order.removed_networks) {
    const auto is = [&](const NetworkSpec& network) { return network.vni == removal.vni; };
    if (std::none_of(order.networks.begin(), order.networks.end(), is) &&
        std::any_of(machine.networks.begin(), machine.networks.end(), is)) {
      return "a network that is to go";
    }
  }
  if (!order.networks.empty() && machine.firewall != host::firewall_digest(order.networks, filter_rules())) return "the packet filter";
  return {};
}

// Whoever is to be off is, as far as his host hears of it.
void check_power(const Model& model, const Pc& pc, Findings& findings) {
  for (const Domain& vm : pc.machine->vms) {
    const auto node = model.nodes.find(vm.seen.id);
    if (node == model.nodes.end() || node->second.power == control::Power::on || !active(vm.seen.state)) continue;
    findings.push_back({"runs-although-off", node->second.name + " is to be switched off, and stays " + std::string(to_string(vm.seen.state))});
  }
}

bool absent(const Machine& machine, const control::Removal& removal) {
  if (removal.kind == ObjectKind::vm) return !has_domain(machine, NodeId{removal.object});
  return std::none_of(machine.networks.begin(), machine.networks.end(),
                      [&](const NetworkSpec& network) { return network.id.uuid == removal.object; });
}

void check_nodes_at_rest(const Model& model, Findings& findings) {
  for (const auto& [id, operation] : model.operations) {
    findings.push_back({"operation-without-end", std::string(control::to_string(operation.kind)) + " of " + operation.cluster_name +
                                                     " runs, and nothing will ever end it"});
  }
  for (const auto& [id, cluster] : model.clusters) {
    if (cluster.state != control::ClusterState::deleting) continue;
    findings.push_back({"name-held", cluster.name + " is being deleted, and nothing will ever end that"});
  }
  for (const auto& [id, node] : model.nodes) {
    if (!control::is_transitional(node.state)) continue;
    findings.push_back({"node-without-end", node.name + " is " + std::string(control::to_string(node.state)) +
                                                ", and nothing will ever end that"});
  }
  for (const auto& [id, claim] : model.claims) {
    if (!model.nodes.contains(id)) findings.push_back({"claim-without-node", "room is held for nobody"});
  }
}

}  // namespace

bool hangs(const Pc& pc) {
  return std::any_of(pc.running.begin(), pc.running.end(), [](const Running& each) { return each.hangs; });
}

void check_state(const State& state, Findings& findings) {
  check_identities(state, findings);
  check_claims(state, findings);
  check_addresses(state.control->model, findings);
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    if (state.pcs[i]->dead) continue;
    check_filter(*state.pcs[i], i, findings);
    if (!counted(state, *state.pcs[i])) continue;
    check_room(state, i, findings);
    check_strangers(state, i, findings);
  }
}

void check_look(const Pc& pc, Findings& findings) {
  if (!pc.order || pc.seen->blind || pc.seen->machine->hash != pc.machine->hash || !pc.running.empty()) return;
  if (!pc.attempts.in_flight().empty() || !pc.ghosts.empty()) return;
  const auto what = not_as_ordered(*pc.order, *pc.machine);
  if (!what.empty()) findings.push_back({"nothing-planned", "the agent has nothing to do although " + what + " is not as it was ordered"});
}

void check_report(const State& after, std::size_t slot, Findings& findings) {
  const Pc& pc = *after.pcs[slot];
  const auto found = after.control->model.removals.find(pc.id);
  if (found == after.control->model.removals.end() || !pc.order || !pc.seen || pc.seen->blind) return;
  for (const auto& removal : found->second) {
    const bool knows = pc.order->generation >= removal.ordered_at;
    const bool seen_gone = absent(*pc.machine, removal) && absent(*pc.seen->machine, removal);
    if (!knows || !seen_gone || in_flight(pc, {removal.kind, removal.object})) continue;
    findings.push_back({"gone-and-waited-for", name_of(pc, slot) + " has removed " +
                                                   (removal.kind == ObjectKind::vm ? "the VM of " : "the network of ") + removal.name +
                                                   " and said so, and is waited for all the same"});
  }
}

void check_rest(const State& state, Findings& findings) {
  const Control& control = *state.control;
  check_nodes_at_rest(control.model, findings);
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    const Pc& pc = *state.pcs[i];
    if (!speaks(control, pc) || hangs(pc)) continue;
    const auto generation = host_of(control, pc)->generation;
    if (generation != (pc.order ? pc.order->generation : 0)) {
      findings.push_back({"order-not-taken", name_of(pc, i) + " does not get its newest order"});
    } else if (pc.order) {
      const auto what = not_as_ordered(*pc.order, *pc.machine);
      if (!what.empty()) findings.push_back({"not-as-ordered", what + " on " + name_of(pc, i) + " stays other than it was ordered"});
    }
    check_power(control.model, pc, findings);
    if (control.model.removals.contains(pc.id)) {
      findings.push_back({"debt-for-ever", name_of(pc, i) + " goes on owing what it has removed, or does not remove it"});
    }
  }
}

void check_empty(const State& state, Findings& findings) {
  const Control& control = *state.control;
  const Model& model = control.model;
  check_rest(state, findings);
  if (!model.clusters.empty() || !model.nodes.empty() || !model.claims.empty() || !model.networks.empty()) {
    findings.push_back({"not-deleted", "rows of deleted clusters are left"});
  }
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    const Pc& pc = *state.pcs[i];
    if (!speaks(control, pc) || hangs(pc)) continue;
    const Machine& machine = *pc.machine;
    if (machine.vms.empty() && machine.overlays.empty() && machine.networks.empty() && machine.firewall == Digest{}) continue;
    findings.push_back({"left-behind", "something of deleted clusters is left on " + name_of(pc, i)});
  }
}

}  // namespace dure::explore
