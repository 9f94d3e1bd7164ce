#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dure::cli {

// The candidate that `typed` was most likely meant to be; empty when none is near.
std::string nearest(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace dure::cli
