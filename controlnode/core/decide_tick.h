#pragma once

#include "controlnode/core/deciding.h"

namespace dure::control {

// What the passing of time alone brings about: silence, deadlines, expiry.
void decide_tick(Deciding& deciding);

}  // namespace dure::control
