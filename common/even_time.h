#pragma once

#include <optional>

#include "common/time.h"

namespace dure {

// A wall clock whose time neither jumps nor goes back, so that what waits for a moment waits as long as it meant to:
// when the machine's clock is set by somebody, or by its first NTP answer, this one goes a tenth faster or slower until
// both agree. Slow drift, as NTP corrects it, it follows at once. Not for several threads at a time.
class EvenTime {
 public:
  // `wall`: what the machine's clock says; `passed`: since some moment that stays the same, never less than before.
  TimePoint now(TimePoint wall, Duration passed);
  // How far the machine's clock was ahead of this one at the last call; negative: behind.
  Duration ahead() const { return ahead_; }

 private:
  struct Reading {
    TimePoint time;
    Duration passed;
  };
  std::optional<Reading> last_;
  Duration ahead_{};
  Duration over_{};
};

}  // namespace dure
