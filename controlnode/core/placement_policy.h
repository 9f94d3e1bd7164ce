#pragma once

#include <cstdint>

#include "controlnode/core/placement/types.h"

namespace dure::control {

// The pool's place in the policy of a cluster (NodeRequest::pool).
std::uint32_t pool_of(Role role);

// What a cluster asks of where its nodes go, as every placement for it must: nobody else makes a policy of
// a cluster. The members that it has are the caller's to add.
PlacementPolicy placement_policy(const Cluster& cluster, TimePoint now);

}  // namespace dure::control
