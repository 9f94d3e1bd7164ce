#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "common/files.h"

namespace dure::host {

// Compares with tests/golden/<name>. With DURE_UPDATE_GOLDEN=1 in the environment the file is
// written instead, for a change that is meant.
inline void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(DURE_GOLDEN_DIRECTORY) + "/" + name;
  if (std::getenv("DURE_UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  const auto expected = read_file(path, 1 << 20);
  REQUIRE_MESSAGE(expected.ok(), path);
  CHECK_MESSAGE(*expected == text, path);
}

}  // namespace dure::host
