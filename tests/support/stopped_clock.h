#pragma once

#include "common/ports.h"

namespace dure::testing {

// Both clocks, which go on when the test says so and count alike unless the date is set.
struct StoppedClock : Clock {
  StoppedClock() = default;
  StoppedClock(const StoppedClock&) = delete;
  StoppedClock& operator=(const StoppedClock&) = delete;

  TimePoint now() override { return time; }
  SteadyPoint steady_now() const { return {time.us - set_by.count()}; }
  // Somebody sets the machine's date; the other clock does not know of it.
  void set(Duration by) {
    time = time + by;
    set_by += by;
  }

  struct Steady : SteadyClock {
    explicit Steady(const StoppedClock& with) : clock(with) {}
    SteadyPoint now() override { return clock.steady_now(); }
    const StoppedClock& clock;
  };

  TimePoint time{1'700'000'000'000'000};
  Duration set_by{};
  Steady steady{*this};
};

}  // namespace dure::testing
