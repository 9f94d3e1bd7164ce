#include <algorithm>

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/removals.h"
#include "controlnode/core/scale_plan.h"
#include "controlnode/core/silence.h"

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

// Silence alone is no proof that a PC is gone, and its nodes may well run on: only after minutes, or by the user's word.
Repair repair_for(const Deciding& deciding, const Node& node, bool lost) {
  const bool wrong = node.state == NodeState::unknown || node.state == NodeState::failed;
  if (!wrong) return Repair::none;
  if (!silent(deciding.model, node.host, deciding.steady)) return Repair::retry;
  // Members of etcd are not exchanged: the others go on, and it comes back with its host.
  if (node.role == Role::control_plane) return Repair::wait;
  return lost || missing(deciding.model, node.host, deciding.steady) ? Repair::replace : Repair::wait;
}

std::string why_wait(const Deciding& deciding, const Node& node) {
  const std::string there = "'" + node.name + "' is on " + host_name(deciding.model, node.host) + ", which is silent";
  if (node.role == Role::control_plane) return there + ", and comes back with it";
  return there + ": it is replaced when that has lasted " + std::to_string(deciding.model.settings.missing_after_s) +
         " s, or at once with --lost";
}

std::string missing_control_planes(const Cluster& cluster, const std::vector<Node>& members) {
  const auto there = static_cast<std::size_t>(
      std::count_if(members.begin(), members.end(), [](const Node& node) { return node.role == Role::control_plane; }));
  if (there >= cluster.control_planes.count) return {};
  return std::to_string(cluster.control_planes.count - there) + " of " + std::to_string(cluster.control_planes.count) +
         " control-plane members are lost with their hosts: a member of a control plane cannot be made again" +
         (there <= cluster.control_planes.count / 2 ? ", and 'dure cluster delete " + cluster.name + "' is what is left" : "");
}

std::size_t missing_workers(const Cluster& cluster, const std::vector<Node>& members) {
  const auto there = static_cast<std::size_t>(std::count_if(members.begin(), members.end(), [](const Node& node) {
    return node.role == Role::worker && node.state != NodeState::draining;
  }));
  return cluster.workers.count > there ? cluster.workers.count - there : 0;
}

void add_text(std::string& text, const std::string& more) {
  if (!more.empty()) text += (text.empty() ? "" : "; ") + more;
}

// Nodes that were replaced and go on holding room on hosts that answer. The project's quota does not count them, so that
// there is always room in it for the one that takes their place; they are bounded here instead.
std::size_t replaced_and_there(const Deciding& deciding, const ClusterId& cluster) {
  const auto nodes = deciding.index().nodes_of(cluster);
  return static_cast<std::size_t>(std::count_if(nodes.begin(), nodes.end(), [&](const Node* node) {
    const auto claim = deciding.model.claims.find(node->id);
    return claim != deciding.model.claims.end() && claim->second.replaced && !silent(deciding.model, node->host, deciding.steady);
  }));
}

}  // namespace

Reply replace_node(Deciding& deciding, const ReplaceNode& request) {
  auto begun = scaling_of(deciding, request.cluster, std::nullopt, request.dry_run, request.idempotency);
  if (auto* reply = std::get_if<Reply>(&begun)) return *reply;
  const auto& scaling = std::get<Scaling>(begun);
  const Cluster& cluster = scaling.cluster;
  const auto leaving = worker_to_replace(deciding, cluster, request.node);
  if (!leaving) return Refused{leaving.error(), {}};
  if (const auto there = replaced_and_there(deciding, cluster.id); there > cluster.workers.count) {
    return refuse(Errc::conflict, std::to_string(there) + " nodes of cluster '" + cluster.name +
                                      "' that were replaced are not gone yet: replace the next one when they are");
  }
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
  auto begun = scaling_of(deciding, request.cluster, std::nullopt, request.dry_run, request.idempotency);
  if (auto* reply = std::get_if<Reply>(&begun)) return *reply;
  const auto& scaling = std::get<Scaling>(begun);
  const auto members = members_of(deciding, scaling.cluster.id);
  ScalePlan plan;
  std::string waiting = missing_control_planes(scaling.cluster, members);
  for (const Node& node : members) {
    switch (repair_for(deciding, node, request.lost)) {
      case Repair::none: break;
      case Repair::retry: plan.retried.push_back(node); break;
      case Repair::replace: plan.leaving.push_back(node); break;
      case Repair::wait: add_text(waiting, why_wait(deciding, node)); break;
    }
  }
  const std::size_t missing = missing_workers(scaling.cluster, members);
  if (plan.empty() && missing == 0 && !waiting.empty()) {
    return refuse(Errc::conflict, "nothing can be repaired now: " + waiting);
  }
  if (const std::size_t count = plan.leaving.size() + missing; count > 0) {
    const auto kind = recorded_as(PlacementKind::repair, request.dry_run);
    if (auto refused = place_workers(deciding, scaling.cluster, count, members, kind, plan)) return *refused;
  }
  const auto text = scaling.cluster.name + " is being repaired: " + std::to_string(plan.retried.size()) + " tried again, " +
                    std::to_string(plan.leaving.size()) + " replaced, " + std::to_string(missing) + " made again";
  auto accepted = carry_on(deciding, scaling, plan, request.dry_run, request.idempotency, text);
  if (accepted.operation && !waiting.empty()) warn_operation(deciding, *accepted.operation, waiting);
  return accepted;
}

}  // namespace dure::control
