#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace dure {

// Who may command: a root-signed delegation and, inside it, the leader's epoch. Compared as a pair,
// so that a new delegation ends an epoch that a thief has driven to its limit.
struct Fence {
  std::uint64_t delegation = 0;
  std::uint64_t epoch = 0;

  friend auto operator<=>(const Fence&, const Fence&) = default;
};

// What an agent remembers of orders; the fence and the generation survive a restart in its journal,
// the sequence is bound to the session.
struct OrderMark {
  Fence fence;                    // highest ever seen
  std::uint64_t sequence = 0;     // highest in this session and fence
  std::uint64_t generation = 0;   // highest journalled
  std::string fence_proof{};      // the control node's signature over `fence` (wire/fence_proof.h); empty: none was given

  friend bool operator==(const OrderMark&, const OrderMark&) = default;
};

}  // namespace dure
