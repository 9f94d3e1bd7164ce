#pragma once

#include <cstdint>
#include <limits>

#include "controlnode/core/deciding.h"

namespace dure::control {

// What the database can hold of an agent's number (a signed 64-bit integer).
inline constexpr std::uint64_t kMaxStored =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// Whether a report may be looked at: it speaks of the host that sent it and of this system, its
// sequence rises within the session, and its sizes and numbers are within bounds.
bool believable(const Model& model, const ReportEvent& event);

// Takes over what the host says about itself. Only a difference is a change to store; a mere
// heartbeat moves seen_at and sequence in memory. True: its images have moved.
bool observe(Deciding& deciding, const HostReport& report);

}  // namespace dure::control
