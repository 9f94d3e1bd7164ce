#pragma once

#include <optional>
#include <string>

#include "tests/unit/controlnode/core/scenario_world.h"

namespace dure::control::test {

// The words behind "expect". nullopt: it is so; otherwise what was seen instead.
std::optional<std::string> expect(const World& world, Words& words);

}  // namespace dure::control::test
