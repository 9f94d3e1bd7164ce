#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dure::control::test {

// What came of one scenario. Each finding is "file:line: ..."; none: it holds.
struct ScenarioRun {
  std::string title;  // its first line
  std::size_t expectations = 0;
  std::vector<std::string> findings;
};

// Reads the text line by line and carries it out on decide(). The README of the scenarios has the
// words. It stops at the first line that it does not understand.
ScenarioRun run_scenario(const std::string& file, std::string_view text);

}  // namespace dure::control::test
