#pragma once

#include <string>
#include <vector>

#include "tests/explore/world.h"

namespace dure::explore {

// What is wrong, by a code that stays the same for all states in which it is.
struct Finding {
  std::string code;
  std::string text;
};
using Findings = std::vector<Finding>;

// What must hold in every state.
void check_state(const State& state, Findings& findings);
// The PC's agent has ended a look: with nothing left to do, everything is as it was ordered.
void check_look(const Pc& pc, Findings& findings);
// The PC's report has just arrived: what it proves to be gone is not waited for.
void check_report(const State& after, std::size_t slot, Findings& findings);
// Nothing more happens by itself: nothing may be left unfinished.
void check_rest(const State& state, Findings& findings);
// Every cluster was deleted, and nothing more happens.
void check_empty(const State& state, Findings& findings);

// Some op on it hangs for ever.
bool hangs(const Pc& pc);

}  // namespace dure::explore
