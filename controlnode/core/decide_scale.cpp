#include <algorithm>
#include <string_view>
#include <utility>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/scale_plan.h"

namespace dure::control {
namespace {

// Workers are numbered in the order in which they are made.
bool made_before(const Node& a, const Node& b) {
  return std::pair(a.name.size(), std::string_view(a.name)) < std::pair(b.name.size(), std::string_view(b.name));
}

std::optional<Refused> make_plan(Deciding& deciding, const Cluster& cluster, std::uint32_t workers,
                                 std::optional<PlacementKind> kind, ScalePlan& plan) {
  const auto members = members_of(deciding, cluster.id);
  std::vector<Node> present;
  for (const Node& node : members) {
    if (node.role == Role::worker && node.state != NodeState::draining) present.push_back(node);
  }
  std::sort(present.begin(), present.end(), &made_before);
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
  return place_workers(deciding, cluster, workers - present.size(), members, kind, plan);
}

}  // namespace

Reply scale_cluster(Deciding& deciding, const ScaleCluster& request) {
  auto begun = scaling_of(deciding, request.cluster, request.workers, request.dry_run, request.idempotency);
  if (auto* reply = std::get_if<Reply>(&begun)) return *reply;
  const auto& scaling = std::get<Scaling>(begun);
  ScalePlan plan;
  const auto kind = recorded_as(PlacementKind::scale, request.dry_run);
  if (auto refused = make_plan(deciding, scaling.cluster, request.workers, kind, plan)) return *refused;
  return carry_on(deciding, scaling, plan, request.dry_run, request.idempotency,
                  scaling.cluster.name + " is scaling to " + std::to_string(request.workers) + " workers");
}

}  // namespace dure::control
