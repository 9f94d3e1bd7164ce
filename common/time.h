#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dure {

// Time is an argument everywhere; only edges ask a clock.
using Duration = std::chrono::microseconds;
// A date: microseconds since the Unix epoch, UTC.
struct TimePoint {
  std::int64_t us = 0;

  friend auto operator<=>(const TimePoint&, const TimePoint&) = default;
  friend TimePoint operator+(TimePoint at, Duration by) { return {at.us + by.count()}; }
  friend TimePoint operator-(TimePoint at, Duration by) { return {at.us - by.count()}; }
  friend Duration operator-(TimePoint a, TimePoint b) { return Duration{a.us - b.us}; }
};

// A point of a clock that neither jumps nor goes back when somebody sets the machine's, and that goes on while the machine
// sleeps. Silence, retries and deadlines are measured by it. It is no date: what a person is told or a certificate is
// dated by is a TimePoint.
struct SteadyPoint {
  std::int64_t us = 0;

  friend auto operator<=>(const SteadyPoint&, const SteadyPoint&) = default;
  friend SteadyPoint operator+(SteadyPoint at, Duration by) { return {at.us + by.count()}; }
  friend SteadyPoint operator-(SteadyPoint at, Duration by) { return {at.us - by.count()}; }
  friend Duration operator-(SteadyPoint a, SteadyPoint b) { return Duration{a.us - b.us}; }
};

// RFC 3339 in UTC with milliseconds: 2026-03-01T09:00:00.000Z.
std::string to_rfc3339(TimePoint at);

// Whole seconds, for people: "90 s". What is below a second is cut off.
std::string in_seconds(Duration time);

// Any offset, with or without a fraction of a second: 2026-03-01T09:00:00Z, 2026-03-01T18:00:00.5+09:00.
// What is below a microsecond is cut off.
std::optional<TimePoint> parse_rfc3339(std::string_view text);

}  // namespace dure
