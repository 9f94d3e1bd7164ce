#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/explore/campus.h"
#include "tests/explore/checks.h"
#include "tests/explore/world.h"

namespace dure::explore {

// What can happen next. Up to `time_passes` it is what living parts do by themselves sooner or later.
enum class What : std::uint8_t {
  late_arrives, link_heals, look_ends, op_ends, look_begins, order_arrives, guest_ready, grown_up, report, time_passes,
  ghost, fault, asked,
};

struct Step {
  What what = What::time_passes;
  std::uint8_t pc = 0;
  std::uint8_t which = 0;   // op, VM, ghost or request
  Fault fault{};
};

inline bool cooperative(const Step& step) { return step.what <= What::time_passes; }

// All steps that may be possible, first those that are cooperative, in the order in which they are preferred.
void steps_from(const Config& config, const State& state, std::vector<Step>& steps);
// Nothing: it is not possible, or changes nothing. Throws Broken (control_side.h).
std::optional<State> after(const Config& config, const State& state, const Step& step, Findings& findings);

// Outside of the budget of requests.
std::optional<State> after_ask(const State& state, const Ask& ask, std::uint8_t occurrence);

Hash hash_of(const State& state);

// As a line of a scenario, or as a comment in one.
std::string in_words(const Config& config, const State& before, const State& after, const Step& step);

}  // namespace dure::explore
