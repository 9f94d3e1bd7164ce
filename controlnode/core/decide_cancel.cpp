#include <algorithm>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/operations.h"

namespace dure::control {
namespace {

// New since the operation began, and never of any use to anybody.
bool was_for_nothing(const Node& node, const Operation& operation) {
  return node.created_at >= operation.started_at && outstanding(node) && !node.joined && !node.served;
}

void cancelled(Deciding& deciding, Cluster& cluster, const Operation& operation, const std::string& what) {
  finish_operation(deciding, operation.id, OperationState::cancelled, what);
  cluster.operation.reset();
  deciding.put(cluster);
  deciding.unsettled.insert(cluster.id);
}

Reply cancel_creation(Deciding& deciding, Cluster cluster, const Operation& operation) {
  cancelled(deciding, cluster, operation, "cancelled: what was made of the cluster is deleted");
  start_deletion(deciding, cluster);
  Accepted reply = accepted(cluster.id.uuid, cluster.name);
  reply.operation = cluster.operation;
  return reply;
}

// The members that were there go on as they are, and those that leave go on leaving.
Reply cancel_scaling(Deciding& deciding, Cluster cluster, const Operation& operation) {
  std::uint32_t workers = 0;
  for (const Node& node : members_of(deciding, cluster.id)) {
    if (node.state == NodeState::draining) continue;
    if (was_for_nothing(node, operation)) {
      take_out(deciding, node);
    } else if (node.role == Role::worker) {
      ++workers;
    }
  }
  cluster.workers.count = std::min(cluster.workers.count, workers);
  cancelled(deciding, cluster, operation, "cancelled: the cluster stays with " + std::to_string(workers) + " workers");
  return accepted(cluster.id.uuid, cluster.name);
}

}  // namespace

Reply cancel_operation(Deciding& deciding, const CancelOperation& request) {
  const auto found = deciding.model.operations.find(request.operation);
  if (found == deciding.model.operations.end()) {
    return refuse(Errc::not_found, "there is no operation '" + request.operation.str() + "'");
  }
  const Operation operation = found->second;
  if (operation.state == OperationState::cancelled) return accepted(operation.cluster.uuid, operation.cluster_name);
  const auto cluster = deciding.model.clusters.find(operation.cluster);
  if (operation.state != OperationState::running || cluster == deciding.model.clusters.end()) {
    return refuse(Errc::conflict, "operation '" + operation.id.str() + "' has " + std::string(to_string(operation.state)) + " already");
  }
  switch (operation.kind) {
    case OperationKind::cluster_create: return cancel_creation(deciding, cluster->second, operation);
    case OperationKind::cluster_scale: return cancel_scaling(deciding, cluster->second, operation);
    case OperationKind::cluster_delete: break;
  }
  return refuse(Errc::conflict, "a deletion cannot be cancelled: what is deleted already cannot be had back");
}

}  // namespace dure::control
