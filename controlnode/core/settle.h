#pragma once

#include "controlnode/core/deciding.h"

namespace dure::control {

// Draws the conclusions of what has changed below a cluster: progress and end of its operation, its
// state and reason, and its disappearance once every removal is confirmed or owed.
void settle(Deciding& deciding, const ClusterId& cluster);

// The same for every cluster marked as unsettled.
void settle_all(Deciding& deciding);

}  // namespace dure::control
