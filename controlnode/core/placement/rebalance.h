#pragma once

#include <map>
#include <span>
#include <vector>

#include "controlnode/core/placement/types.h"

namespace dure::control {

// A node where it is now.
struct Resident {
  NodeId node;
  ClusterId cluster;
  Role role = Role::worker;
  HostId host;
  Resources amount;
};

struct Move {
  NodeId node;
  HostId from, to;
  friend bool operator==(const Move&, const Move&) = default;
};

// What moves and what it gains: how many more guests of one size fit afterwards. Nothing moves by itself.
struct Rebalancing {
  std::vector<Move> moves;
  std::vector<HostId> emptied;
  std::uint64_t fits_before = 0, fits_after = 0;
};

// Empties hosts, those with the fewest nodes first, onto the others, as long as each makes more guests
// of `flavor` fit and no more than `most_moves` nodes move. Control-plane members of one cluster stay on
// distinct hosts, and no move breaks what a cluster asks for in `policies` (its members are known from
// the residents). `hosts` count the residents as taken.
Rebalancing rebalance(std::span<const Candidate> hosts, std::span<const Resident> residents, const Resources& flavor,
                      std::size_t most_moves, const std::map<ClusterId, PlacementPolicy>& policies = {});

}  // namespace dure::control
