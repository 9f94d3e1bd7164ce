#pragma once

#include <string>
#include <vector>

#include "tests/explore/steps.h"

namespace dure::explore {

// Where clusters, nodes and room stand, as expectations of a scenario; what PCs have is a comment.
std::string where_all_stands(const State& state);

// The steps from the first state on, as a scenario of tests/unit/controlnode/core/scenarios, which carries it out; what
// agents and guests do, for which those have no word, are comments. `told`: what an operator did afterwards.
std::string history(const Config& config, const std::vector<Step>& steps, const Finding& finding,
                    const std::vector<std::string>& told);

}  // namespace dure::explore
