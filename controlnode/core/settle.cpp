#include "controlnode/core/settle.h"

#include <algorithm>
#include <optional>

#include "controlnode/core/operations.h"
#include "controlnode/core/removals.h"

namespace dure::control {
namespace {

constexpr std::size_t kNodesInReason = 5;

// Names the members that the predicate picks, with what is wrong with them.
template <class Pick>
std::string reasons(const std::vector<const Node*>& members, Pick pick) {
  std::string text;
  std::size_t count = 0;
  for (const Node* node : members) {
    if (!pick(*node)) continue;
    if (++count > kNodesInReason) continue;
    text += (text.empty() ? "" : "; ") + node->name + " is " + std::string(to_string(node->state));
    if (!node->reason.empty()) text += ": " + node->reason;
  }
  if (count > kNodesInReason) text += "; and " + std::to_string(count - kNodesInReason) + " more";
  return text;
}

void drop_cluster(Deciding& deciding, const Cluster& cluster) {
  refresh_steps(deciding, cluster);
  if (cluster.operation) {
    finish_operation(deciding, *cluster.operation, OperationState::succeeded, {});
  }
  deciding.put(DropNetwork{cluster.network});
  deciding.put(DropCluster{cluster.id});
  deciding.event("cluster.deleted", cluster.id.uuid, cluster.name, cluster.name + " is deleted");
}

// A member that was waited for in vain.
bool gave_up(const Node& node) {
  return outstanding(node) && (node.state == NodeState::failed || node.state == NodeState::stopped);
}

struct Census {
  std::vector<const Node*> members;
  bool removing = false;          // nodes or networks whose removal is waited for
  bool waiting = false;           // a member has never been ready since it was made or retried
  bool waiting_failed = false;    // and has failed, or was switched off
  bool all_ready = true;
  bool all_stopped = true;
  std::size_t control_planes = 0, workers = 0;
};

Census census(const ModelIndex& index, const Cluster& cluster) {
  Census result;
  result.members = index.members_of(cluster.id);
  result.removing = !index.hosts_removing(cluster).empty();
  for (const Node* node : result.members) {
    if (node->state == NodeState::draining) {
      result.removing = true;
      continue;
    }
    ++(node->role == Role::control_plane ? result.control_planes : result.workers);
    result.waiting = result.waiting || outstanding(*node);
    result.waiting_failed = result.waiting_failed || gave_up(*node);
    result.all_ready = result.all_ready && node->state == NodeState::ready;
    result.all_stopped = result.all_stopped && node->state == NodeState::stopped;
  }
  result.all_stopped = result.all_stopped && result.control_planes > 0;
  return result;
}

// Members that are gone with their hosts, for people; empty: none.
std::string missing(const Census& census, const Cluster& cluster) {
  std::string text;
  const auto tell = [&](std::size_t there, std::uint32_t wanted, const std::string& what, const std::string& way_out) {
    if (there >= wanted) return;
    text += (text.empty() ? "" : "; ") + std::to_string(wanted - there) + " of " + std::to_string(wanted) + " " + what +
            (wanted == 1 ? "" : "s") + " lost with " + (wanted - there == 1 ? "its host" : "their hosts") + way_out;
  };
  // Without most of its members a control plane decides nothing any more, and none of them can be made again.
  const bool for_good = census.control_planes <= cluster.control_planes.count / 2;
  tell(census.control_planes, cluster.control_planes.count, "control-plane member",
       for_good ? ": 'dure cluster delete " + cluster.name + "' is what is left" : std::string());
  tell(census.workers, cluster.workers.count, "worker", ": 'dure cluster repair " + cluster.name + "' makes new ones");
  return text;
}

std::optional<ClusterEvent> event_of(const Census& census, const Cluster& cluster) {
  if (census.control_planes == 0 && cluster.control_planes.count > 0) return ClusterEvent::broken;
  if (census.all_stopped) return ClusterEvent::halted;
  if (census.waiting_failed) return ClusterEvent::timed_out;
  if (census.waiting || (census.removing && cluster.operation)) return std::nullopt;
  return census.all_ready && missing(census, cluster).empty() ? ClusterEvent::all_ready : ClusterEvent::node_lost;
}

void settle_operation(Deciding& deciding, Cluster& cluster, const Census& census) {
  if (!cluster.operation) return;
  if (census.waiting_failed) {
    finish_operation(deciding, *cluster.operation, OperationState::failed, reasons(census.members, &gave_up));
    cluster.operation.reset();
  } else if (!census.waiting && !census.removing) {
    if (const auto text = missing(census, cluster); !text.empty()) warn_operation(deciding, *cluster.operation, text);
    finish_operation(deciding, *cluster.operation, OperationState::succeeded, {});
    cluster.operation.reset();
  }
}

void store_cluster(Deciding& deciding, const Cluster& cluster, const Cluster& before) {
  if (cluster == before) return;
  deciding.put(cluster);
  if (cluster.state == before.state) return;
  const std::string state(to_string(cluster.state));
  std::string message = cluster.name + " is " + state;
  if (!cluster.reason.empty()) message += ": " + cluster.reason;
  deciding.event("cluster." + state, cluster.id.uuid, cluster.name, std::move(message));
}

}  // namespace

void settle(Deciding& deciding, const ClusterId& id) {
  const auto found = deciding.model.clusters.find(id);
  if (found == deciding.model.clusters.end()) return;
  const Cluster before = found->second;
  if (before.state == ClusterState::deleting) {
    if (deciding.index().nodes_of(id).empty() && deciding.index().hosts_removing(before).empty()) {
      drop_cluster(deciding, before);
    } else {
      refresh_steps(deciding, before);
    }
    return;
  }
  Cluster cluster = before;
  refresh_steps(deciding, cluster);
  const Census now = census(deciding.index(), cluster);
  settle_operation(deciding, cluster, now);
  if (const auto event = event_of(now, cluster)) {
    cluster.state = next(cluster.state, *event).value_or(cluster.state);
  }
  // While an operation is under way as well: what it does not wait for is not hidden behind it.
  cluster.reason = reasons(now.members, [&](const Node& node) {
    const bool wrong = node.state != NodeState::ready && node.state != NodeState::draining;
    return wrong && !(cluster.operation && outstanding(node));
  });
  const auto lost = missing(now, cluster);
  const bool pending = cluster.operation && is_transitional(cluster.state);
  if (!lost.empty() && !pending) cluster.reason += (cluster.reason.empty() ? "" : "; ") + lost;
  if (cluster.delete_at) cluster.reason = "its lease has ended: it is deleted at " + to_rfc3339(*cluster.delete_at) + " unless it is extended";
  store_cluster(deciding, cluster, before);
}

void settle_all(Deciding& deciding) {
  while (!deciding.unsettled.empty()) {
    const ClusterId id = *deciding.unsettled.begin();
    deciding.unsettled.erase(deciding.unsettled.begin());
    settle(deciding, id);
  }
}

}  // namespace dure::control
