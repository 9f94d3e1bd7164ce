#pragma once

#include <cstdint>

#include "common/time.h"

namespace dure::control {

// The instant at which something is decided, by both clocks.
struct Now {
  // For what a person is told, and for certificates and leases. A date that somebody has just set is not followed at once
  // (date_watch.h).
  TimePoint date;
  SteadyPoint steady;      // for silence and deadlines
  // False: the machine's date is in doubt, and nothing ends because a date has passed.
  bool dates_hold = true;
  Duration ahead{};        // the machine's date less the one above: it was set by so much; 0: it is followed
  // Of so many hosts that were heard lately, these say that the date is wrong, and they are the most; 0: they are not.
  std::uint32_t against = 0, asked = 0;
};

}  // namespace dure::control
