#pragma once

#include <span>
#include <string>
#include <vector>

#include "controlnode/core/placement.h"
#include "controlnode/core/placement/gang.h"

namespace dure::control {

// Every dimension in which the node does not fit on the host; empty when it fits. `host` is the
// candidate of that rank.
std::vector<Refusal> refusals_of(const Gang& gang, Rank rank, const Candidate& host, const NodeRequest& wanted);

// Why the request does not fit, in `outcome`: as many nodes as fit are placed one after the other, and
// the first that found no place is explained by each host.
void explain_refusal(const FleetQuestion& question, std::span<const NodeRequest> order, PlacementOutcome& outcome);

}  // namespace dure::control
