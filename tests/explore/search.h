#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/explore/steps.h"

namespace dure::explore {

struct Violation {
  Finding finding;
  std::string history;   // the shortest that leads there, as a scenario
};

struct Walk {
  std::size_t states = 0, transitions = 0, at_rest = 0;
  bool complete = false;   // every state that can be reached was, with every step from it
  std::vector<Violation> violations;   // each code once
};

struct Limits {
  std::size_t states = 0;         // 0: none
  bool stop_at_violation = false;
};

// All that can come, breadth first.
Walk walk(const Config& config, const Limits& limits);

}  // namespace dure::explore
