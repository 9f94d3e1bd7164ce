#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dure {

// Time is an argument everywhere; only edges ask a clock. Microseconds since the Unix epoch, UTC.
using Duration = std::chrono::microseconds;
struct TimePoint {
  std::int64_t us = 0;

  friend auto operator<=>(const TimePoint&, const TimePoint&) = default;
  friend TimePoint operator+(TimePoint at, Duration by) { return {at.us + by.count()}; }
  friend TimePoint operator-(TimePoint at, Duration by) { return {at.us - by.count()}; }
  friend Duration operator-(TimePoint a, TimePoint b) { return Duration{a.us - b.us}; }
};

// RFC 3339 in UTC with milliseconds: 2026-03-01T09:00:00.000Z.
std::string to_rfc3339(TimePoint at);

}  // namespace dure
