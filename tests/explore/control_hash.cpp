#include "tests/explore/control_hash.h"

#include <algorithm>

#include "controlnode/core/silence.h"

namespace dure::explore {
namespace {

using control::Model;

// Seconds until then. What is over is over.
std::uint64_t from_now(SteadyPoint when, SteadyPoint now) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>((when - now).count() / 1'000'000, 0));
}

void add_clusters(Hasher& hasher, const Model& model) {
  hasher.add(model.next_vni);
  for (const auto& [id, cluster] : model.clusters) {
    hasher.add(id);
    hasher.add(static_cast<std::uint64_t>(cluster.state) | std::uint64_t{cluster.next_worker} << 8 | std::uint64_t{cluster.next_address} << 16 |
               std::uint64_t{cluster.control_planes.count} << 32 | std::uint64_t{cluster.workers.count} << 40 |
               static_cast<std::uint64_t>(cluster.operation.has_value()) << 48);
    hasher.add(model.networks.at(cluster.network).vni);
    hasher.add(cluster.departing.size());
    for (const auto& departing : cluster.departing) hasher.add(departing.address.value);
    if (!cluster.operation) continue;
    const auto operation = model.operations.find(*cluster.operation);
    hasher.add(operation == model.operations.end() ? 99 : static_cast<std::uint64_t>(operation->second.kind));
  }
  hasher.add(model.networks.size());
  hasher.add(model.operations.size());
}

// Whether a cancellation would take it for new.
bool new_in_operation(const Model& model, const control::Node& node) {
  const auto cluster = model.clusters.find(node.cluster);
  if (cluster == model.clusters.end() || !cluster->second.operation) return false;
  const auto operation = model.operations.find(*cluster->second.operation);
  return operation != model.operations.end() && node.created_at >= operation->second.started_at;
}

void add_nodes(Hasher& hasher, const Model& model, SteadyPoint now) {
  hasher.add(model.nodes.size());
  for (const auto& [id, node] : model.nodes) {
    hasher.add(id);
    hasher.add(node.host);
    std::uint64_t bits = 0;
    for (const bool bit : {node.ready_at.has_value(), node.joined, node.served, node.not_ready, node.deadline.has_value(),
                           new_in_operation(model, node)}) {
      bits = bits << 1 | static_cast<std::uint64_t>(bit);
    }
    hasher.add(bits << 32 | static_cast<std::uint64_t>(node.state) << 24 | static_cast<std::uint64_t>(node.vm_state) << 16 |
               static_cast<std::uint64_t>(node.power) << 8 | node.stages.size());
    hasher.add(node.generation << 32 | node.observed_generation << 16 | node.restart);
    hasher.add(static_cast<std::uint64_t>(node.doubt) << 8 | node.guest_boot.bytes[1]);
    hasher.add(node.address.value);
    if (node.deadline) hasher.add(from_now(*node.deadline, now));
  }
  hasher.add(model.claims.size());
  for (const auto& [id, claim] : model.claims) {
    hasher.add(id);
    hasher.add(claim.host);
    hasher.add(claim.replaced);
  }
}

void add_removals(Hasher& hasher, const Model& model, SteadyPoint now) {
  for (const auto& [host, removals] : model.removals) {
    hasher.add(host);
    hasher.add(removals.size());
    for (const auto& removal : removals) {
      hasher.add(removal.object);
      hasher.add(static_cast<std::uint64_t>(removal.kind) << 8 | static_cast<std::uint64_t>(removal.owed));
      hasher.add(removal.number);
      if (!removal.owed) hasher.add(from_now(removal.due, now));
    }
  }
}

void add_hosts(Hasher& hasher, const Model& model, SteadyPoint now) {
  for (const auto& [id, host] : model.hosts) {
    hasher.add(id);
    hasher.add(static_cast<std::uint64_t>(host.lost_at.has_value()) | static_cast<std::uint64_t>(host.cordoned) << 1 |
               static_cast<std::uint64_t>(control::heard(model, id)) << 2 | static_cast<std::uint64_t>(host.generation == 0) << 3);
    hasher.add(from_now(control::silent_at(model, id), now));
    hasher.add(from_now(control::missing_at(model, id), now));
    hasher.add(static_cast<std::uint64_t>(control::blind(model, id, now)));
    const auto found = model.observations.find(id);
    hasher.add(found != model.observations.end());
    if (found == model.observations.end()) continue;
    const auto& seen = found->second;
    hasher.add(static_cast<std::uint64_t>(seen.silent));
    hasher.add(seen.session);
    hasher.add(seen.images.size());
    for (const auto& image : seen.images) hasher.add(image.complete);
    for (const auto& each : seen.conditions) {
      if (each.condition.code != ConditionCode::clock) hasher.add(each.condition.code);
    }
  }
}

}  // namespace

Hash hash_of(const Model& model, SteadyPoint now) {
  Hasher hasher;
  add_clusters(hasher, model);
  add_nodes(hasher, model, now);
  add_removals(hasher, model, now);
  add_hosts(hasher, model, now);
  return hasher.finish();
}

}  // namespace dure::explore
