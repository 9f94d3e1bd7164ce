#include "controlnode/core/removals.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "common/planted.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/silence.h"

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

// An agent that does not tell its date is of a version that does not tell this either: of its word only what it has
// applied in whole counts.
bool in_flight(const HostReport& report, const Removal& removal) {
  if (report.clock == TimePoint{} || planted(Bug::removal_by_applied)) return report.applied_generation < removal.ordered_at;
  return std::binary_search(report.in_flight.begin(), report.in_flight.end(), ObjectRef{removal.kind, removal.object});
}

std::string of_kind(const Removal& removal) {
  return (removal.kind == ObjectKind::network ? "the network of " : "the VM of ") + removal.name;
}

// The node that the removal is of, while it is still somebody's.
const Node* leaving_node(const Deciding& deciding, const Removal& removal) {
  if (removal.kind != ObjectKind::vm) return nullptr;
  const auto found = deciding.model.nodes.find(NodeId{removal.object});
  const bool leaves = found != deciding.model.nodes.end() && found->second.state == NodeState::deleting &&
                      found->second.host == removal.host;
  return leaves ? &found->second : nullptr;
}

// The cluster that waits for the removal; none: nobody does.
std::optional<ClusterId> cluster_of(const Deciding& deciding, const Removal& removal) {
  if (const Node* node = leaving_node(deciding, removal)) return node->cluster;
  if (removal.kind != ObjectKind::network) return std::nullopt;
  const auto network = deciding.model.networks.find(NetworkId{removal.object});
  if (network == deciding.model.networks.end()) return std::nullopt;
  return network->second.cluster;
}

void drop_node(Deciding& deciding, const Node& gone) {
  const Node node = gone;
  note_departing(deciding, node);
  deciding.put(DropClaim{node.id});
  deciding.put(DropNode{node.id});
}

void drop(Deciding& deciding, const Removal& removal) {
  if (removal.owed) {
    deciding.event("host.settled", removal.host.uuid, host_name(deciding.model, removal.host),
                   host_name(deciding.model, removal.host) + " has removed " + of_kind(removal) + ", which it owed");
    return;
  }
  if (const auto cluster = cluster_of(deciding, removal)) deciding.unsettled.insert(*cluster);
  if (const Node* node = leaving_node(deciding, removal)) {
    const std::string name = node->name;
    drop_node(deciding, *node);
    deciding.event("node.gone", removal.object, name, name + " is gone from " + host_name(deciding.model, removal.host));
  }
}

// What keeps the host from removing, for people: of what it has to remove, or of itself. Empty: nothing that it told.
std::string hindrance(const Model& model, const HostId& host) {
  const auto seen = model.observations.find(host);
  const auto removals = model.removals.find(host);
  if (seen == model.observations.end()) return {};
  for (const ObjectFailure& failure : seen->second.failures) {
    const bool of_these = removals != model.removals.end() &&
                          std::any_of(removals->second.begin(), removals->second.end(),
                                      [&](const Removal& removal) { return removal.object == failure.object; });
    if (of_these) return std::string(to_string(failure.code)) + ": " + failure.message;
  }
  for (const SeenCondition& each : seen->second.conditions) {
    if (each.condition.code == ConditionCode::order_refused || each.condition.code == ConditionCode::hypervisor_away) {
      return each.condition.message;
    }
  }
  return {};
}

// The cluster of the removal goes on without it; what its host has not done stands in its operation's warning.
void owe(Deciding& deciding, Removal& removal) {
  removal.owed = true;
  const std::string host = host_name(deciding.model, removal.host);
  const std::string why = hindrance(deciding.model, removal.host);
  const std::string text = host + " has not removed " + of_kind(removal) + (why.empty() ? "" : " (" + why + ")");
  if (const auto cluster = cluster_of(deciding, removal)) {
    deciding.unsettled.insert(*cluster);
    const auto row = deciding.model.clusters.find(*cluster);
    if (row != deciding.model.clusters.end() && row->second.operation) warn_operation(deciding, *row->second.operation, text);
  }
  if (const Node* node = leaving_node(deciding, removal)) drop_node(deciding, *node);
  deciding.event("host.owes", removal.host.uuid, host,
                 text + ": nobody waits for it any longer, and the host is given nothing new before it has");
}

template <class Due>
void owe_those(Deciding& deciding, const HostId& host, const Due& due) {
  if (planted(Bug::nothing_owed)) return;
  auto list = removals_of(deciding.model, host);
  bool any = false;
  // VMs are behind networks, and tell more.
  for (auto removal = list.rbegin(); removal != list.rend(); ++removal) {
    if (removal->owed || !due(*removal)) continue;
    any = true;
    owe(deciding, *removal);
  }
  if (any) deciding.put(PutRemovals{host, std::move(list)});
}

}  // namespace

void order_removal(Deciding& deciding, const Node& node) {
  const auto due = deciding.steady + kRemovalLasts;
  add(deciding, {node.host, ObjectKind::vm, node.id.uuid, node.generation, 0, node.name, due});
  const auto members = deciding.index().nodes_of(node.cluster);
  const bool needed = std::any_of(members.begin(), members.end(), [&](const Node* other) {
    return other->host == node.host && other->id != node.id && other->state != NodeState::deleting;
  });
  const auto cluster = deciding.model.clusters.find(node.cluster);
  if (needed || cluster == deciding.model.clusters.end()) return;
  const auto network = deciding.model.networks.find(cluster->second.network);
  if (network == deciding.model.networks.end()) return;
  add(deciding, {node.host, ObjectKind::network, network->first.uuid, network->second.vni, 0, cluster->second.name, due});
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
    const bool confirmed = report.accepted_generation >= removal.ordered_at && !listed(report, removal) && !in_flight(report, removal);
    (confirmed ? gone : left).push_back(removal);
  }
  if (gone.empty()) return;
  deciding.put(PutRemovals{report.host, std::move(left)});
  for (const Removal& removal : gone) drop(deciding, removal);
}

void owe_what_is_due(Deciding& deciding) {
  std::vector<HostId> hosts;
  for (const auto& [host, removals] : deciding.model.removals) hosts.push_back(host);
  for (const HostId& host : hosts) {
    const bool gone = missing(deciding.model, host, deciding.steady);
    owe_those(deciding, host, [&](const Removal& removal) { return gone || deciding.steady >= removal.due; });
  }
}

void owe_all(Deciding& deciding, const HostId& host) {
  owe_those(deciding, host, [](const Removal&) { return true; });
}

std::string name_hosts(const Model& model, const std::set<HostId>& hosts, SteadyPoint now) {
  std::set<std::string> names;
  for (const HostId& host : hosts) {
    const std::string why = silent(model, host, now) ? "silent" : hindrance(model, host);
    names.insert(host_name(model, host) + (why.empty() ? "" : " (" + why + ")"));
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace dure::control
