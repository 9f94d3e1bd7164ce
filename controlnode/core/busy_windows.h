#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "controlnode/core/model.h"

namespace dure::control {

// Of one host, after those that meet have become one.
inline constexpr std::size_t kMaxBusyWindows = 64;

// Times that people ask for are at most this far from now: a slip of the hand is told, and what is stored
// stays exact to the microsecond.
inline constexpr Duration kFarthestTime{std::int64_t{100} * 365 * 86'400 * 1'000'000};

// Sorted, and apart from each other: windows that overlap or touch become one, empty ones none.
std::vector<BusyWindow> merged(std::vector<BusyWindow> windows);

// Those that are not over, in the order given.
std::vector<BusyWindow> not_over(const std::vector<BusyWindow>& windows, TimePoint now);

}  // namespace dure::control
