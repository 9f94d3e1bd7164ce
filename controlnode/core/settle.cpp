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

struct Census {
  std::vector<const Node*> members;
  bool removing = false;          // nodes or networks whose removal is not confirmed
  bool waiting = false;           // a member has never been ready since it was made or retried
  bool waiting_failed = false;    // and has failed
  bool all_ready = true;
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
    result.waiting = result.waiting || outstanding(*node);
    result.waiting_failed = result.waiting_failed || (outstanding(*node) && node->state == NodeState::failed);
    result.all_ready = result.all_ready && node->state == NodeState::ready;
  }
  return result;
}

std::optional<ClusterEvent> event_of(const Census& census) {
  if (census.waiting_failed) return ClusterEvent::timed_out;
  if (census.waiting || census.removing) return std::nullopt;
  return census.all_ready ? ClusterEvent::all_ready : ClusterEvent::node_lost;
}

void settle_operation(Deciding& deciding, Cluster& cluster, const Census& census) {
  if (!cluster.operation) return;
  if (census.waiting_failed) {
    const auto error = reasons(census.members, [](const Node& node) {
      return outstanding(node) && node.state == NodeState::failed;
    });
    finish_operation(deciding, *cluster.operation, OperationState::failed, error);
    cluster.operation.reset();
  } else if (!census.waiting && !census.removing) {
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
  if (const auto event = event_of(now)) {
    cluster.state = next(cluster.state, *event).value_or(cluster.state);
  }
  cluster.reason.clear();
  if (!is_transitional(cluster.state)) {
    cluster.deadline.reset();
    cluster.reason =
        reasons(now.members, [](const Node& node) {
          return node.state != NodeState::ready && node.state != NodeState::draining;
        });
  }
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
