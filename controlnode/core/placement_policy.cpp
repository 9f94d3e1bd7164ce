#include "controlnode/core/placement_policy.h"

namespace dure::control {
namespace {

// Sites are the cluster's and hold for all pools.
PoolRules rules_of(const HostRules& rules) { return {{}, rules.rooms, rules.labels, rules.classes}; }

}  // namespace

std::uint32_t pool_of(Role role) { return role == Role::control_plane ? 0 : 1; }

PlacementPolicy placement_policy(const Cluster& cluster, const HostRules& control_planes, const HostRules& workers,
                                 TimePoint now) {
  PlacementPolicy policy;
  policy.sites = cluster.sites;
  policy.strategy = cluster.layout.strategy;
  policy.apart = cluster.layout.apart;
  policy.survive = cluster.layout.survive;
  policy.now = now;
  policy.until = cluster.until;
  policy.pools.resize(2);
  policy.pools[pool_of(Role::control_plane)] = rules_of(control_planes);
  policy.pools[pool_of(Role::worker)] = rules_of(workers);
  return policy;
}

PlacementPolicy placement_policy(const Model& model, const Cluster& cluster, TimePoint now) {
  HostRules control_planes, workers;
  for (const auto& [id, pool] : model.pools) {
    if (pool.cluster == cluster.id) (pool.role == Role::worker ? workers : control_planes) = pool.rules;
  }
  return placement_policy(cluster, control_planes, workers, now);
}

}  // namespace dure::control
