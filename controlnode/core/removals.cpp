#include "controlnode/core/removals.h"

#include <algorithm>
#include <tuple>

namespace dure::control {
namespace {

std::vector<Removal> removals_of(const Model& model, const HostId& host) {
  const auto found = model.removals.find(host);
  return found == model.removals.end() ? std::vector<Removal>{} : found->second;
}

auto key(const Removal& removal) { return std::tie(removal.kind, removal.object); }

// A removal that is listed already stays as it is: its first order counts.
void add(Deciding& deciding, Removal removal) {
  auto list = removals_of(deciding.model, removal.host);
  const auto at = std::lower_bound(list.begin(), list.end(), removal,
                                   [](const Removal& a, const Removal& b) { return key(a) < key(b); });
  if (at != list.end() && key(*at) == key(removal)) return;
  removal.ordered_at = deciding.next_generation(removal.host);
  list.insert(at, removal);
  deciding.touch(removal.host);
  deciding.put(PutRemovals{removal.host, std::move(list)});
}

bool listed(const HostReport& report, const Removal& removal) {
  switch (removal.kind) {
    case ObjectKind::vm:
      return std::any_of(report.vms.begin(), report.vms.end(),
                         [&](const VmReport& vm) { return vm.id.uuid == removal.object; });
    case ObjectKind::network:
      return std::any_of(report.networks.begin(), report.networks.end(),
                         [&](const NetworkReport& network) {
                           return network.vni == removal.number ||
                                  network.id.uuid == removal.object;
                         });
    case ObjectKind::host:
    case ObjectKind::image: return true;
  }
  return true;
}

void drop(Deciding& deciding, const Removal& removal) {
  if (removal.kind == ObjectKind::network) {
    const auto network = deciding.model.networks.find(NetworkId{removal.object});
    if (network != deciding.model.networks.end()) {
      deciding.unsettled.insert(network->second.cluster);
    }
    return;
  }
  const NodeId id{removal.object};
  const auto found = deciding.model.nodes.find(id);
  if (found == deciding.model.nodes.end() || found->second.state != NodeState::deleting) return;
  const Node node = found->second;
  deciding.put(DropClaim{id});
  deciding.put(DropNode{id});
  deciding.unsettled.insert(node.cluster);
  deciding.event("node.gone", id.uuid, node.name,
                 node.name + " is gone from " + host_name(deciding.model, node.host));
}

}  // namespace

void order_removal(Deciding& deciding, const Node& node) {
  add(deciding, {node.host, ObjectKind::vm, node.id.uuid, node.generation, 0});
  const auto members = deciding.index().nodes_of(node.cluster);
  const bool needed = std::any_of(members.begin(), members.end(), [&](const Node* other) {
    return other->host == node.host && other->id != node.id && other->state != NodeState::deleting;
  });
  const auto cluster = deciding.model.clusters.find(node.cluster);
  if (needed || cluster == deciding.model.clusters.end()) return;
  const auto network = deciding.model.networks.find(cluster->second.network);
  if (network == deciding.model.networks.end()) return;
  add(deciding,
      {node.host, ObjectKind::network, network->first.uuid, network->second.vni, 0});
}

void keep_network(Deciding& deciding, const HostId& host, const NetworkId& network) {
  auto list = removals_of(deciding.model, host);
  const auto erased = std::erase_if(list, [&](const Removal& removal) {
    return removal.kind == ObjectKind::network && removal.object == network.uuid;
  });
  if (erased == 0) return;
  deciding.touch(host);
  deciding.put(PutRemovals{host, std::move(list)});
}

void confirm_removals(Deciding& deciding, const HostReport& report) {
  if (!report.observed) return;
  const auto list = removals_of(deciding.model, report.host);
  std::vector<Removal> left, gone;
  for (const Removal& removal : list) {
    const bool confirmed = report.applied_generation >= removal.ordered_at &&
                           report.accepted_generation >= removal.ordered_at &&
                           !listed(report, removal);
    (confirmed ? gone : left).push_back(removal);
  }
  if (gone.empty()) return;
  deciding.put(PutRemovals{report.host, std::move(left)});
  for (const Removal& removal : gone) drop(deciding, removal);
}

bool silent(const Model& model, const HostId& host, TimePoint now) {
  const auto seen = model.observations.find(host);
  return seen == model.observations.end() ||
         now - seen->second.seen_at >= Duration{model.settings.silent_after_s * 1'000'000};
}

std::string name_hosts(const Model& model, const std::set<HostId>& hosts, TimePoint now) {
  std::set<std::string> names;
  for (const HostId& host : hosts) {
    names.insert(host_name(model, host) + (silent(model, host, now) ? " (silent)" : ""));
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace dure::control
