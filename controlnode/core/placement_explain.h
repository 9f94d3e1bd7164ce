#pragma once

#include <span>
#include <string>
#include <vector>

#include "controlnode/core/placement.h"

namespace dure::control {

// A host while a request is being placed: what is left on it, and who of the cluster is there.
struct HostRoom {
  const Candidate* candidate = nullptr;
  Resources free;
  bool site_allowed = true;
  std::uint32_t members = 0;          // of this cluster, of any role
  std::uint32_t control_planes = 0;   // of this cluster
};

bool fits(const HostRoom& room, const NodeRequest& wanted);

// Every dimension in which the node does not fit on the host; empty when it fits.
std::vector<Refusal> refusals_of(const HostRoom& room, const NodeRequest& wanted);

// One sentence for people: the host that lacks least, and what it lacks.
std::string summarise(std::span<const HostRoom> rooms, const NodeRequest& wanted,
                      std::size_t unplaced, std::size_t total);

}  // namespace dure::control
