#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/removals.h"
#include "controlnode/core/scale_plan.h"

namespace dure::control {
namespace {

Result<Node> worker_to_replace(const Deciding& deciding, const Cluster& cluster, const std::string& name) {
  for (const Node& node : members_of(deciding, cluster.id)) {
    if (node.name != name) continue;
    if (node.role != Role::worker) {
      return Error{Errc::invalid_argument,
                   "'" + name + "' is a control-plane member: only workers can be replaced"};
    }
    if (node.state == NodeState::draining) {
      return Error{Errc::conflict, "'" + name + "' is leaving already"};
    }
    return node;
  }
  return Error{Errc::not_found,
               "cluster '" + cluster.name + "' has no node '" + printable(name, 64) + "'"};
}

// What can be done for one node that is not as it should be.
enum class Repair : std::uint8_t { none, retry, replace, wait };

Repair repair_for(const Deciding& deciding, const Node& node) {
  const bool lost = node.state == NodeState::unknown;
  if (!lost && node.state != NodeState::failed) return Repair::none;
  if (!lost && !silent(deciding.model, node.host, deciding.now)) return Repair::retry;
  // Members of etcd are not exchanged: the others go on, and it comes back with its host.
  return node.role == Role::worker ? Repair::replace : Repair::wait;
}

}  // namespace

Reply replace_node(Deciding& deciding, const ReplaceNode& request) {
  auto begun = scaling_of(deciding, request.cluster, std::nullopt, request.dry_run, request.idempotency);
  if (auto* reply = std::get_if<Reply>(&begun)) return *reply;
  const auto& scaling = std::get<Scaling>(begun);
  const Cluster& cluster = scaling.cluster;
  const auto leaving = worker_to_replace(deciding, cluster, request.node);
  if (!leaving) return Refused{leaving.error(), {}};
  ScalePlan plan;
  plan.leaving.push_back(*leaving);
  // Its room is not counted for the new one: it is free only when its host has confirmed.
  const auto kind = recorded_as(PlacementKind::replace, request.dry_run);
  const auto members = members_of(deciding, cluster.id);
  if (auto refused = place_workers(deciding, cluster, 1, members, kind, plan)) return *refused;
  return carry_on(deciding, scaling, plan, request.dry_run, request.idempotency,
                  leaving->name + " of " + cluster.name + " is being replaced by " + plan.wanted.front().name);
}

Reply repair_cluster(Deciding& deciding, const RepairCluster& request) {
  const Model& model = deciding.model;
  auto begun = scaling_of(deciding, request.cluster, std::nullopt, request.dry_run, request.idempotency);
  if (auto* reply = std::get_if<Reply>(&begun)) return *reply;
  const auto& scaling = std::get<Scaling>(begun);
  const auto members = members_of(deciding, scaling.cluster.id);
  ScalePlan plan;
  std::string waiting;
  for (const Node& node : members) {
    switch (repair_for(deciding, node)) {
      case Repair::none: break;
      case Repair::retry: plan.retried.push_back(node); break;
      case Repair::replace: plan.leaving.push_back(node); break;
      case Repair::wait:
        waiting += (waiting.empty() ? "" : "; ") + std::string("'") + node.name + "' comes back with its host " +
                   host_name(model, node.host) + ", which is silent";
        break;
    }
  }
  if (plan.empty() && !waiting.empty()) {
    return refuse(Errc::conflict, "nothing can be repaired now: " + waiting);
  }
  if (!plan.leaving.empty()) {
    const auto kind = recorded_as(PlacementKind::repair, request.dry_run);
    const std::size_t count = plan.leaving.size();
    if (auto refused = place_workers(deciding, scaling.cluster, count, members, kind, plan)) return *refused;
  }
  return carry_on(deciding, scaling, plan, request.dry_run, request.idempotency,
                  scaling.cluster.name + " is being repaired: " + std::to_string(plan.retried.size()) +
                      " tried again, " + std::to_string(plan.leaving.size()) + " replaced");
}

}  // namespace dure::control
