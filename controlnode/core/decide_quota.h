#pragma once

#include <span>

#include "controlnode/core/deciding.h"

namespace dure::control {

// The refusal of what the project may not have, or nothing. A new cluster may be offered with fewer
// workers, if that many are within the quota and fit. What is `replaced` makes room for the new ones.
enum class Growth : std::uint8_t { new_cluster, more_nodes };
std::optional<Refused> beyond_quota(const Deciding& deciding, const std::optional<ProjectId>& project,
                                    const FleetQuestion& question, Growth growth, std::span<const Node> replaced = {});

}  // namespace dure::control
