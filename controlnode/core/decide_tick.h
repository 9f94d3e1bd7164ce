#pragma once

#include <optional>

#include "controlnode/core/deciding.h"

namespace dure::control {

// What the passing of time alone brings about: silence, deadlines, expiry.
void decide_tick(Deciding& deciding);

// The next instant at which decide_tick will find something; none while nothing is under way.
std::optional<TimePoint> next_wake(const Model& model, const ModelIndex& index);

}  // namespace dure::control
