#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/time.h"

namespace dure::sim {

// What one seed's run came to.
struct Run {
  std::string failure;         // empty: all held
  std::uint64_t trace = 0, notes = 0;
};

// Users ask and things break for this long, then nothing breaks any more and an operator cleans up: everything has to be as
// the rows say, and nothing may have been broken at any instant.
Run run_storm(std::uint64_t seed, Duration storm);
inline constexpr Duration kStorm = std::chrono::minutes(10);

// Those of these seeds that fail, with how; as many at a time as there are processors. `enough`: then the rest is left.
using Failures = std::vector<std::pair<std::uint64_t, std::string>>;
Failures failing_seeds(std::uint64_t first, std::uint64_t count, std::size_t enough);

}  // namespace dure::sim
