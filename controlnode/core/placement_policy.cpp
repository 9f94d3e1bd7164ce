#include "controlnode/core/placement_policy.h"

namespace dure::control {
namespace {

// Sites are the cluster's and hold for all pools.
PoolRules rules_of(const HostRules& rules) { return {{}, rules.rooms, rules.labels, rules.classes}; }

}  // namespace

std::uint32_t pool_of(Role role) { return role == Role::control_plane ? 0 : 1; }

PlacementPolicy placement_policy(const Cluster& cluster, TimePoint now) {
  PlacementPolicy policy;
  policy.sites = cluster.sites;
  policy.strategy = cluster.layout.strategy;
  policy.apart = cluster.layout.apart;
  policy.survive = cluster.layout.survive;
  policy.now = now;
  policy.until = cluster.until;
  policy.pools.resize(2);
  policy.pools[pool_of(Role::control_plane)] = rules_of(cluster.control_planes.rules);
  policy.pools[pool_of(Role::worker)] = rules_of(cluster.workers.rules);
  return policy;
}

}  // namespace dure::control
