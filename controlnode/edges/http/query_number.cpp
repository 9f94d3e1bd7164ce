#include "controlnode/edges/http/query_number.h"

#include <charconv>

namespace dure::control {

std::optional<std::uint64_t> number_of(std::string_view text) {
  const char* end = text.data() + text.size();
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return value;
}

std::uint64_t query_number(const HttpRequest& request, const std::string& name, NumberRange range,
                           std::uint64_t unless, std::vector<Fault>& faults) {
  const auto given = request.query.find(name);
  if (given == request.query.end()) return unless;
  const auto value = number_of(given->second);
  if (value && *value >= range.least && *value <= range.most) return *value;
  const bool any = range.most == NumberRange{}.most;
  faults.push_back({"?" + name, any ? "a number is wanted"
                                    : "a number from " + std::to_string(range.least) + " to " +
                                          std::to_string(range.most) + " is wanted"});
  return unless;
}

}  // namespace dure::control
