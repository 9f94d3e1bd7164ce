#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlnode/edges/http/http_message.h"
#include "controlnode/edges/http/problem.h"

namespace dure::control {

// nullopt: it is no number, or one with more than 64 bits.
std::optional<std::uint64_t> number_of(std::string_view text);

struct NumberRange {
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
};

// The number that the query gives this name; `unless` it gives none. What is no number of the range is added to
// the faults, and `unless` is returned.
std::uint64_t query_number(const HttpRequest& request, const std::string& name, NumberRange range,
                           std::uint64_t unless, std::vector<Fault>& faults);

}  // namespace dure::control
