#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "controlnode/core/placement.h"
#include "controlnode/core/placement/remedies.h"
#include "controlnode/core/round_trips.h"

namespace dure::control {

// Groups of sites that may hold `members` control-plane members together, the best first, each sorted:
// all pairs within a group are measured and at most the bound apart, and so many hosts of them have
// room for one member. Best is: most durable hosts, then (where `spread`) most sites, then most memory.
// At most kNearGroups.
inline constexpr std::size_t kNearGroups = 8;
struct MemberRequest {
  Resources amount;
  std::size_t members = 0;
  bool spread = false;
  std::vector<SiteId> sites;  // allowed; empty: any
  std::vector<SiteId> closed{};
};
std::vector<std::vector<SiteId>> near_groups(std::span<const Candidate> hosts, const MemberRequest& wanted,
                                             std::span<const SiteDistance> distances, Duration bound);

// What place_near depends on beside its question, so that it can be asked again later.
struct NearRule {
  Duration bound{};                       // 0: there is no rule
  std::vector<SiteDistance> distances{};
  std::map<SiteId, std::string> names{};  // of all sites, for what is said to people
  friend bool operator==(const NearRule&, const NearRule&) = default;
};
// No rule for less than two control-plane members.
NearRule near_rule(const Model& model, std::span<const NodeRequest> wanted, SteadyPoint now);

// place_all under the rule that control-plane members, whose etcd waits for a majority with every write,
// are on one site or on sites near to each other (Settings::etcd_round_trip_ms). What is not measured
// counts as too far. Workers are not bound. The question is left as it was answered: where the rule
// decides, it joins the rules for the pool of the control-plane members (placement_policy.h), as sites that stay.
PlacementOutcome place_near(const NearRule& rule, FleetQuestion& question);
// The same of hosts without a fleet.
PlacementOutcome place_near(const NearRule& rule, Question& question);

// "12.3 ms"
std::string in_milliseconds(Duration time);

}  // namespace dure::control
