#pragma once

#include <map>
#include <optional>
#include <vector>

#include "controlnode/core/model.h"

namespace dure::control {

// Two sites and what lies between them.
struct SiteDistance {
  SiteId one, other;      // one < other
  Duration round_trip{};
  friend bool operator==(const SiteDistance&, const SiteDistance&) = default;
};

// A measurement that is not repeated for so long counts no more. Agents repeat it every minute.
inline constexpr Duration kRoundTripKept{300 * 1'000'000};
// Hosts that measure, and are measured, for their site.
inline constexpr std::size_t kSiteRepresentatives = 2;

// Whom each host is to measure; hosts that measure nobody are not in it. The representatives of a site
// are its durable hosts first, then by id, among those that are neither cordoned nor silent.
std::map<HostId, std::vector<RoundTripTarget>> round_trip_targets(const Model& model, SteadyPoint now);

// Takes over what a believable report measured. In memory only: nothing of it is stored.
void take_round_trips(Model& model, const HostReport& report, SteadyPoint now);

// The median of what hosts of either site have measured of the other; nothing: not measured of late.
std::optional<Duration> site_round_trip(const Model& model, const SiteId& one, const SiteId& other, SteadyPoint now);

// The same for all pairs that are measured, sorted.
std::vector<SiteDistance> site_distances(const Model& model, SteadyPoint now);

}  // namespace dure::control
