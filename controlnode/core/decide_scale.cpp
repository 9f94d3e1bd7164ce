#include <algorithm>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/scale_plan.h"

namespace dure::control {
namespace {

std::optional<Refused> make_plan(Deciding& deciding, const Cluster& cluster, std::uint32_t workers,
                                 ScalePlan& plan) {
  const auto members = members_of(deciding.model, cluster.id);
  std::vector<Node> present;
  for (const Node& node : members) {
    if (node.role == Role::worker && node.state != NodeState::draining) present.push_back(node);
  }
  // Addresses only rise, so that the last worker is the newest.
  while (present.size() > workers) {
    plan.leaving.push_back(present.back());
    present.pop_back();
  }
  for (const Node& node : members) {
    const bool stays = std::none_of(plan.leaving.begin(), plan.leaving.end(),
                                    [&](const Node& other) { return other.id == node.id; });
    if (stays && node.state == NodeState::failed) plan.retried.push_back(node);
  }
  if (workers <= present.size()) return std::nullopt;
  return place_workers(deciding, cluster, workers - present.size(), members, plan);
}

}  // namespace

Reply scale_cluster(Deciding& deciding, const ScaleCluster& request) {
  const Model& model = deciding.model;
  if (!request.dry_run) {
    if (auto earlier = replay(model, request.idempotency)) return *earlier;
  }
  const auto found = find_cluster(model, request.cluster);
  if (!found) return Refused{found.error(), {}};
  Cluster cluster = *found;
  if (const auto error = refuse_scaling(model, cluster, request.workers)) return Refused{*error, {}};
  ScalePlan plan;
  if (auto refused = make_plan(deciding, cluster, request.workers, plan)) return *refused;

  Accepted accepted = scale_answer(model, cluster, plan, request.dry_run);
  if (request.dry_run) return accepted;
  if (plan.empty() && cluster.operation) {
    // On its way there already: the same operation is the one to wait on.
    accepted.operation = cluster.operation;
  } else {
    accepted.operation =
        begin_scaling(deciding, cluster, request.workers, plan,
              cluster.name + " is scaling to " + std::to_string(request.workers) + " workers");
  }
  remember(deciding, request.idempotency, *accepted.operation, cluster.id);
  return accepted;
}

}  // namespace dure::control
