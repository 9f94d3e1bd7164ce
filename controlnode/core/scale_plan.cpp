#include "controlnode/core/scale_plan.h"

#include <algorithm>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/placement_policy.h"
#include "controlnode/core/removals.h"

namespace dure::control {
namespace {

// The last usable address of the prefix is the one below the broadcast address.
bool addresses_left(const Model& model, const Cluster& cluster, std::size_t count) {
  const Network& network = model.networks.at(cluster.network);
  return network.prefix.at(cluster.next_address + static_cast<std::uint32_t>(count)).has_value();
}

void carry_out(Deciding& deciding, Cluster& cluster, std::uint32_t workers, const ScalePlan& plan) {
  PoolId pool_id;
  for (const auto& [id, pool] : deciding.model.pools) {
    if (pool.cluster == cluster.id && pool.role == Role::worker) pool_id = id;
  }
  NodePool pool = deciding.model.pools.at(pool_id);
  if (pool.count != workers) {
    pool.count = workers;
    deciding.put(pool);
  }
  cluster.next_worker += static_cast<std::uint32_t>(plan.wanted.size());
  for (const NodeRequest& node : plan.wanted) {
    add_node(deciding, cluster, pool_id, node, plan.hosts.at(node.node));
  }
  for (Node node : plan.retried) {
    advance(deciding, node, NodeEvent::retry);
    store_node(deciding, node);
  }
  for (const Node& node : plan.leaving) let_go(deciding, node);
  // Forwarding entries change on every member's host.
  touch_members(deciding, cluster.id);
}

std::vector<PlannedNode> resulting_plan(const Model& model, const Cluster& cluster,
                                        const ScalePlan& plan) {
  std::vector<PlannedNode> result;
  for (const Node& node : members_of(model, cluster.id)) {
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

std::optional<Error> refuse_scaling(const Model& model, const Cluster& cluster, std::uint32_t workers) {
  if (cluster.state == ClusterState::deleting) {
    return Error{Errc::conflict, "cluster '" + cluster.name + "' is being deleted"};
  }
  std::uint64_t total = workers;
  for (const auto& [id, pool] : model.pools) {
    if (pool.cluster == cluster.id && pool.role == Role::control_plane) total += pool.count;
  }
  if (total <= model.settings.max_nodes_per_cluster) return std::nullopt;
  return Error{Errc::invalid_argument, std::to_string(total) + " nodes are more than the " +
                                           std::to_string(model.settings.max_nodes_per_cluster) +
                                           " that one cluster may have"};
}

std::uint32_t workers_wanted(const Model& model, const Cluster& cluster) {
  for (const auto& [id, pool] : model.pools) {
    if (pool.cluster == cluster.id && pool.role == Role::worker) return pool.count;
  }
  return 0;
}

Accepted answer(const Model& model, const Cluster& cluster, const ScalePlan& plan, bool dry_run) {
  Accepted accepted;
  accepted.object = cluster.id.uuid;
  accepted.name = cluster.name;
  accepted.dry_run = dry_run;
  accepted.plan = resulting_plan(model, cluster, plan);
  return accepted;
}

OperationId begin(Deciding& deciding, Cluster& cluster, std::uint32_t workers, const ScalePlan& plan,
                  std::string message) {
  if (!plan.empty()) {
    carry_out(deciding, cluster, workers, plan);
    cluster.state = next(cluster.state, ClusterEvent::scale).value_or(cluster.state);
    cluster.deadline = cluster_deadline(deciding, cluster.id);
    cluster.reason.clear();
    deciding.event("cluster.scaling", cluster.id.uuid, cluster.name, std::move(message));
  }
  const OperationId operation = start_operation(deciding, cluster, OperationKind::cluster_scale);
  deciding.put(cluster);
  deciding.unsettled.insert(cluster.id);
  return operation;
}

}  // namespace

std::variant<Scaling, Reply> scaling_of(const Model& model, const std::string& cluster,
                                        std::optional<std::uint32_t> workers, bool dry_run,
                                        const Idempotency& idempotency) {
  if (!dry_run) {
    if (auto earlier = replay(model, idempotency)) return *earlier;
  }
  const auto found = find_cluster(model, cluster);
  if (!found) return Reply{Refused{found.error(), {}}};
  Scaling scaling{*found, workers.value_or(workers_wanted(model, *found))};
  if (const auto error = refuse_scaling(model, scaling.cluster, scaling.workers)) return Reply{Refused{*error, {}}};
  return scaling;
}

std::optional<Refused> place_workers(Deciding& deciding, const Cluster& cluster, std::size_t count,
                                     const std::vector<Node>& members, std::optional<PlacementKind> kind,
                                     ScalePlan& plan) {
  const Model& model = deciding.model;
  if (!addresses_left(model, cluster, count)) {
    return Refused{Error{Errc::no_capacity, "cluster '" + cluster.name +
                                                "' has used up the addresses of its network"},
                   {}};
  }
  for (std::size_t i = 0; i < count; ++i) {
    plan.wanted.push_back({deciding.ids.make<NodeId>(),
                           cluster.name + "-w" + std::to_string(cluster.next_worker + i),
                           Role::worker, amount_of(model.flavors.at(cluster.flavor)), pool_of(Role::worker)});
  }
  const auto mtu = model.networks.at(cluster.network).mtu;
  Question question{candidates_for(model, mtu, deciding.now), plan.wanted, placement_policy(model, cluster, deciding.now)};
  for (const Node& node : members) question.policy.members.emplace_back(node.host, node.role);
  auto outcome = place_all(question.hosts, question.wanted, question.policy);
  auto record = record_of(kind.value_or(PlacementKind::scale), cluster.id, cluster.name, question);
  set_answer(record, outcome);
  if (!outcome.unplaced.empty()) {
    auto refused =
        no_room(question, std::move(outcome), {}, [&](const Remedy& remedy) { return suits(cluster, remedy); });
    if (kind) record_placement(deciding, std::move(record), question.hosts, refused.remedies);
    return refused;
  }
  if (kind) record_placement(deciding, std::move(record), question.hosts);
  for (const Placement& placed : outcome.placed) plan.hosts.emplace(placed.node, placed.host);
  return std::nullopt;
}

Accepted carry_on(Deciding& deciding, Scaling scaling, const ScalePlan& plan, bool dry_run,
                  const Idempotency& idempotency, std::string message) {
  Cluster& cluster = scaling.cluster;
  Accepted accepted = answer(deciding.model, cluster, plan, dry_run);
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
