#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/removals.h"

namespace dure::control {

void start_deletion(Deciding& deciding, Cluster& cluster) {
  const auto members = members_of(deciding, cluster.id);
  for (Node node : members) {
    advance(deciding, node, NodeEvent::remove);
    store_node(deciding, node);
  }
  for (const Node& node : members) order_removal(deciding, node);
  cluster.state = next(cluster.state, ClusterEvent::remove).value_or(ClusterState::deleting);
  cluster.reason.clear();
  start_operation(deciding, cluster, OperationKind::cluster_delete);
  deciding.put(cluster);
  deciding.event("cluster.deleting", cluster.id.uuid, cluster.name, cluster.name + " is being deleted");
  deciding.unsettled.insert(cluster.id);
}

Reply delete_cluster(Deciding& deciding, const DeleteCluster& request) {
  if (auto earlier = replay(deciding, request.idempotency)) return *earlier;
  const auto found = find_cluster(deciding, request.cluster);
  if (!found) return Refused{found.error(), {}};
  Cluster cluster = *found;
  if (cluster.state == ClusterState::deleting && cluster.operation) {
    // Asked again: whoever still has something to remove is told again.
    for (const HostId& host : deciding.index().hosts_removing(cluster)) deciding.resend.insert(host);
  } else {
    start_deletion(deciding, cluster);
  }
  remember(deciding, request.idempotency, *cluster.operation, cluster.id);
  Accepted accepted;
  accepted.object = cluster.id.uuid;
  accepted.name = cluster.name;
  accepted.operation = cluster.operation;
  return accepted;
}

}  // namespace dure::control
