#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controlnode/core/placement/fleet.h"
#include "controlnode/core/placement/remedies.h"

namespace dure::control {

// How many guests of one flavor fit at one site, if nothing else comes or goes.
struct SiteCapacity {
  SiteId site;
  std::string flavor;
  std::uint64_t fits = 0;
  std::uint32_t hosts = 0;     // that take at least one
  friend bool operator==(const SiteCapacity&, const SiteCapacity&) = default;
};
struct CapacityAt {
  TimePoint at;
  std::vector<SiteCapacity> sites;   // by site, then in the order of the flavors
};

struct CapacityCurve {
  std::vector<CapacityAt> instants;  // now, and whenever it changes
  TimePoint until;                   // what comes after it is not told
};

// What fits now and whenever that changes until `horizon`, because hosts are taken by their owners or
// come free; at most kInstants of them, and then no further. `stay`: of guests that must not meet such a time; none:
// those for which it is enough that the host is free at the instant.
inline constexpr std::size_t kInstants = 48;
CapacityCurve capacity(std::span<const Candidate> hosts, std::span<const FlavorOffer> flavors, TimePoint now,
                       TimePoint horizon, std::optional<Duration> stay);

// How many guests of this size the fleet takes now.
std::uint64_t capacity_for(const Fleet& fleet, const Amounts& wanted);

}  // namespace dure::control
