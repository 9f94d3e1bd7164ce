#include "controlnode/core/decide_tick.h"

#include <algorithm>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/next_wake.h"
#include "controlnode/core/removals.h"

namespace dure::control {
namespace {

// How often a removal that nobody confirms is brought back to mind after its first deadline.
constexpr Duration kOverdueAgain{std::int64_t{24} * 3600 * 1'000'000};

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

}  // namespace dure::control
