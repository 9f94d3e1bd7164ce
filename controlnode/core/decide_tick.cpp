#include "controlnode/core/decide_tick.h"

#include <algorithm>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/removals.h"

namespace dure::control {
namespace {

constexpr Duration kIdempotencyKept{std::int64_t{24} * 3600 * 1'000'000};
// How often a removal that nobody confirms is brought back to mind after its first deadline.
constexpr Duration kOverdueAgain{std::int64_t{24} * 3600 * 1'000'000};

bool waits(const Node& node) {
  return node.deadline && next(node.state, NodeEvent::timed_out).has_value();
}

bool watched(const Node& node) {
  return node.state == NodeState::creating || node.state == NodeState::booting ||
         node.state == NodeState::ready;
}

bool timed_out(const Deciding& deciding, const Node& node) { return waits(node) && deciding.now >= *node.deadline; }

bool unheard(const Deciding& deciding, const Node& node) {
  return watched(node) && silent(deciding.model, node.host, deciding.now);
}

void mark_silent(Deciding& deciding, Node& node) {
  if (!unheard(deciding, node)) return;
  if (!advance(deciding, node, NodeEvent::host_silent)) return;
  const auto seen = deciding.model.observations.find(node.host);
  node.reason = host_name(deciding.model, node.host);
  node.reason += seen == deciding.model.observations.end()
                     ? " has not reported"
                     : " has been silent since " + to_rfc3339(seen->second.seen_at);
}

void time_out(Deciding& deciding, Node& node) {
  if (!timed_out(deciding, node)) return;
  if (node.state == NodeState::draining) {
    deciding.event("node.not-drained", node.id.uuid, node.name,
                   node.name + " goes without having been drained: its cluster did not let it go in time");
    take_out(deciding, node);
    node = deciding.model.nodes.at(node.id);
    return;
  }
  const auto allowed = node_deadline(deciding.model, node.host).count() / 1'000'000;
  std::string reason = "timed out after " + std::to_string(allowed) +
                       " s: " + what_is_missing(deciding.model, node);
  if (advance(deciding, node, NodeEvent::timed_out)) node.reason = std::move(reason);
}

void tick_clusters(Deciding& deciding) {
  std::vector<Cluster> overdue;
  for (const auto& [id, cluster] : deciding.model.clusters) {
    // The details of its steps name hosts that are silent.
    if (cluster.operation) deciding.unsettled.insert(id);
    if (cluster.deadline && *cluster.deadline <= deciding.now) overdue.push_back(cluster);
  }
  for (Cluster& cluster : overdue) {
    const auto hosts = deciding.index().hosts_removing(cluster);
    cluster.deadline = deciding.now + kOverdueAgain;
    deciding.put(cluster);
    if (hosts.empty()) continue;
    deciding.event("cluster.overdue", cluster.id.uuid, cluster.name,
                   cluster.name + " is " + std::string(to_string(cluster.state)) +
                       ", and these hosts have not confirmed a removal: " +
                       name_hosts(deciding.model, hosts, deciding.now));
  }
}

// A key of an operation that still runs is kept: its client may well ask again.
bool expires(const Model& model, const IdempotencyRecord& record) {
  const auto operation = model.operations.find(record.operation);
  return operation == model.operations.end() ||
         operation->second.state != OperationState::running;
}

void expire_keys(Deciding& deciding) {
  std::vector<std::string> expired;
  for (const auto& [key, record] : deciding.model.idempotency) {
    if (deciding.now - record.made_at >= kIdempotencyKept && expires(deciding.model, record)) {
      expired.push_back(key);
    }
  }
  for (std::string& key : expired) deciding.put(DropIdempotency{std::move(key)});
}

}  // namespace

void decide_tick(Deciding& deciding) {
  std::vector<Node> nodes;
  for (const auto& [id, node] : deciding.model.nodes) {
    if (unheard(deciding, node) || timed_out(deciding, node)) nodes.push_back(node);
  }
  for (Node& node : nodes) {
    mark_silent(deciding, node);
    time_out(deciding, node);
    store_node(deciding, node);
  }
  expire_leases(deciding);
  tick_clusters(deciding);
  expire_keys(deciding);
  expire_accesses(deciding);
}

std::optional<TimePoint> next_wake(const Model& model, const ModelIndex& index) {
  std::optional<TimePoint> wake;
  const auto at = [&](TimePoint when) {
    if (!wake || when < *wake) wake = when;
  };
  for (const auto& [id, node] : model.nodes) {
    if (waits(node)) at(*node.deadline);
  }
  for (const auto& [host, seen] : model.observations) {
    const auto nodes = index.nodes_on(host);
    if (std::none_of(nodes.begin(), nodes.end(), [](const Node* node) { return watched(*node); })) continue;
    at(seen.seen_at + Duration{model.settings.silent_after_s * 1'000'000});
  }
  for (const auto& [id, cluster] : model.clusters) {
    if (cluster.deadline) at(*cluster.deadline);
    if (cluster.until && cluster.state != ClusterState::deleting) at(*cluster.until);
  }
  for (const auto& [id, access] : model.accesses) at(access.expires_at);
  for (const auto& [key, record] : model.idempotency) {
    if (expires(model, record)) at(record.made_at + kIdempotencyKept);
  }
  return wake;
}

}  // namespace dure::control
