#pragma once

#include <string>
#include <vector>

#include "tests/explore/steps.h"

namespace dure::explore {

// The steps from the first state on, told in the words of tests/unit/controlnode/core/scenarios; what an agent does,
// for which those have no word, is a comment. `told`: what an operator did afterwards.
std::string history(const Config& config, const std::vector<Step>& steps, const Finding& finding,
                    const std::vector<std::string>& told);

}  // namespace dure::explore
