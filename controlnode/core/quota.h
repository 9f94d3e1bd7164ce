#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "common/result.h"
#include "controlnode/core/model.h"

namespace dure::control {

// What a project holds, or is about to hold.
struct Usage {
  Resources amount;
  std::int64_t nodes = 0;      // with a claim, until their host has confirmed that they are gone or others replace them
  std::int64_t clusters = 0;
  friend bool operator==(const Usage&, const Usage&) = default;
};

// The parts of a quota, by the names that they have everywhere.
struct QuotaPart {
  std::string_view name;       // "memory_mib"
  std::string_view title;      // for people, before a number: "MiB of memory"
  std::optional<std::int64_t> Quota::*limit;
  std::int64_t (*of)(const Usage&);
};
const std::array<QuotaPart, 5>& quota_parts();

inline constexpr std::int64_t kMaxQuota = std::int64_t{1} << 40;

void count_in(Usage& to, const Resources& node, std::int64_t nodes);

// Why the project may not have `more`; none: it may.
std::optional<Error> beyond(const Project& project, const Usage& used, const Usage& more);

}  // namespace dure::control
