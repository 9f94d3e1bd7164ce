#include "controlnode/core/scale_plan.h"

#include <algorithm>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_quota.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/placement_policy.h"
#include "controlnode/core/removals.h"

namespace dure::control {
namespace {

// Its place in the project's quota is that of the node which replaces it; its host's room it holds until that has
// confirmed that it is gone, which a host that was unplugged may never do.
void give_up_quota(Deciding& deciding, const NodeId& node) {
  const auto found = deciding.model.claims.find(node);
  if (found == deciding.model.claims.end() || found->second.replaced) return;
  Claim claim = found->second;
  claim.replaced = true;
  deciding.put(claim);
}

// Somebody has joined what this node began: on its disk is the cluster itself.
bool holds_cluster(const Deciding& deciding, const Node& node) {
  if (!has_stage(node, "init")) return false;
  const auto members = deciding.index().members_of(node.cluster);
  return std::any_of(members.begin(), members.end(), [&](const Node* other) { return other->id != node.id && other->joined; });
}

void carry_out(Deciding& deciding, Cluster& cluster, std::uint32_t workers, const ScalePlan& plan) {
  cluster.workers.count = workers;
  cluster.next_worker += static_cast<std::uint32_t>(plan.wanted.size());
  for (const NodeRequest& node : plan.wanted) {
    add_node(deciding, cluster, node, plan.hosts.at(node.node));
  }
  for (const Node& node : plan.retried) try_again(deciding, node);
  for (const Node& node : plan.leaving) {
    if (!plan.wanted.empty()) give_up_quota(deciding, node.id);
    let_go(deciding, node);
  }
  // Forwarding entries change on every member's host.
  touch_members(deciding, cluster.id);
}

std::vector<PlannedNode> resulting_plan(const Deciding& deciding, const Cluster& cluster,
                                        const ScalePlan& plan) {
  const Model& model = deciding.model;
  std::vector<PlannedNode> result;
  for (const Node& node : members_of(deciding, cluster.id)) {
    if (node.state == NodeState::draining) continue;
    const bool leaves = std::any_of(plan.leaving.begin(), plan.leaving.end(),
                                    [&](const Node& other) { return other.id == node.id; });
    if (!leaves) result.push_back(planned(model, node.name, node.role, node.host));
  }
  for (const NodeRequest& node : plan.wanted) {
    result.push_back(planned(model, node.name, node.role, plan.hosts.at(node.node)));
  }
  return result;
}

// Its sites, flavor and rules are fixed; how many workers are meant is for the user to say.
bool suits(const Cluster& cluster, const Remedy& remedy) {
  // Later is within its lease; a shorter lease is for the user to choose.
  if (remedy.kind == RemedyKind::later) return !cluster.until || (remedy.at && *remedy.at < *cluster.until);
  return remedy.kind == RemedyKind::more_room || remedy.kind == RemedyKind::uncordon ||
         remedy.kind == RemedyKind::shorter_lease;
}

std::optional<Error> refuse_scaling(const Deciding& deciding, const Cluster& cluster, std::uint32_t workers) {
  const Model& model = deciding.model;
  if (cluster.state == ClusterState::deleting) {
    return Error{Errc::conflict, "cluster '" + cluster.name + "' is being deleted"};
  }
  if (cluster.delete_at) {
    return Error{Errc::conflict, "the lease of cluster '" + cluster.name + "' has ended: extend it first ('dure cluster extend " +
                                     cluster.name + " ...'), or it is deleted at " + to_rfc3339(*cluster.delete_at)};
  }
  const std::uint64_t total = std::uint64_t{workers} + cluster.control_planes.count;
  if (total <= model.settings.max_nodes_per_cluster) return std::nullopt;
  return Error{Errc::invalid_argument, std::to_string(total) + " nodes are more than the " +
                                           std::to_string(model.settings.max_nodes_per_cluster) +
                                           " that one cluster may have"};
}

Accepted answer(const Deciding& deciding, const Cluster& cluster, const ScalePlan& plan, bool dry_run) {
  Accepted accepted;
  accepted.object = cluster.id.uuid;
  accepted.name = cluster.name;
  accepted.dry_run = dry_run;
  accepted.plan = resulting_plan(deciding, cluster, plan);
  return accepted;
}

OperationId begin(Deciding& deciding, Cluster& cluster, std::uint32_t workers, const ScalePlan& plan,
                  std::string message) {
  if (!plan.empty()) {
    carry_out(deciding, cluster, workers, plan);
    cluster.state = next(cluster.state, ClusterEvent::scale).value_or(cluster.state);
    cluster.reason.clear();
    deciding.event("cluster.scaling", cluster.id.uuid, cluster.name, std::move(message));
  }
  const OperationId operation = start_operation(deciding, cluster, OperationKind::cluster_scale);
  deciding.put(cluster);
  deciding.unsettled.insert(cluster.id);
  return operation;
}

}  // namespace

void try_again(Deciding& deciding, Node node) {
  const bool runs = node.vm_state == VmState::running && node.observed_generation == node.generation;
  const bool off = node.vm_state == VmState::stopped || node.vm_state == VmState::crashed;
  if (runs && !node.served && !node.joined && !holds_cluster(deciding, node)) {
    ++node.generation;
    node.restart = 0;
    node.guest_boot = {};
  } else if (runs || off) {
    // One that is off is started all the same. A higher number is another wish, for which its host does not sit out a pause.
    ++node.restart;
  }
  node.stages.clear();
  node.not_ready = false;
  advance(deciding, node, NodeEvent::retry);
  store_node(deciding, node);
  deciding.touch(node.host);
}

std::variant<Scaling, Reply> scaling_of(const Deciding& deciding, const std::string& cluster,
                                        std::optional<std::uint32_t> workers, bool dry_run,
                                        const Idempotency& idempotency) {
  if (!dry_run) {
    if (auto earlier = replay(deciding, idempotency)) return *earlier;
  }
  const auto found = find_cluster(deciding, cluster);
  if (!found) return Reply{Refused{found.error(), {}}};
  Scaling scaling{*found, workers.value_or(found->workers.count)};
  if (const auto error = refuse_scaling(deciding, scaling.cluster, scaling.workers)) return Reply{Refused{*error, {}}};
  return scaling;
}

std::optional<Refused> place_workers(Deciding& deciding, const Cluster& cluster, std::size_t count,
                                     const std::vector<Node>& members, std::optional<PlacementKind> kind,
                                     ScalePlan& plan) {
  const Model& model = deciding.model;
  if (const auto free = free_addresses(deciding, cluster); free < count) {
    return Refused{Error{Errc::no_capacity, "the network of cluster '" + cluster.name + "' has " + std::to_string(free) +
                                                " free addresses and " + std::to_string(count) +
                                                " are wanted: those of nodes that are leaving come back when they are gone"},
                   {}};
  }
  for (std::size_t i = 0; i < count; ++i) {
    plan.wanted.push_back({deciding.ids.make<NodeId>(),
                           cluster.name + "-w" + std::to_string(cluster.next_worker + i),
                           Role::worker, amount_of(model.flavors.at(cluster.flavor)), pool_of(Role::worker)});
  }
  const auto mtu = model.networks.at(cluster.network).mtu;
  PlacementPolicy policy = placement_policy(cluster, deciding.now);
  for (const Node& node : members) policy.members.emplace_back(node.host, node.role);
  const FleetQuestion question = question_for(deciding, mtu, plan.wanted, std::move(policy));
  if (auto refused = beyond_quota(deciding, cluster.project, question, Growth::more_nodes, plan.leaving)) return refused;
  auto outcome = place_all(question);
  auto record =
      record_of(kind.value_or(PlacementKind::scale), cluster.id, cluster.name, question.wanted, question.policy);
  set_answer(record, outcome);
  if (!outcome.unplaced.empty()) {
    auto refused =
        no_room(deciding, question, std::move(outcome), {}, [&](const Remedy& remedy) { return suits(cluster, remedy); });
    if (kind) record_placement(deciding, std::move(record), refused.remedies);
    return refused;
  }
  if (kind) record_placement(deciding, std::move(record));
  for (const Placement& placed : outcome.placed) plan.hosts.emplace(placed.node, placed.host);
  return std::nullopt;
}

Accepted carry_on(Deciding& deciding, Scaling scaling, const ScalePlan& plan, bool dry_run,
                  const Idempotency& idempotency, std::string message) {
  Cluster& cluster = scaling.cluster;
  Accepted accepted = answer(deciding, cluster, plan, dry_run);
  if (dry_run) return accepted;
  if (plan.empty() && cluster.operation) {
    // On its way there already: the same operation is the one to wait on.
    accepted.operation = cluster.operation;
  } else {
    accepted.operation = begin(deciding, cluster, scaling.workers, plan, std::move(message));
  }
  remember(deciding, idempotency, *accepted.operation, cluster.id);
  return accepted;
}

}  // namespace dure::control
