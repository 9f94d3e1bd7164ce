#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlnode/core/placement/gang.h"

namespace dure::control {

// A request and all that its answer depends on, for what-if: see FleetQuestion for a fleet that is kept.
struct Question {
  std::vector<Candidate> hosts;
  std::vector<NodeRequest> wanted;
  PlacementPolicy policy;
};

// A flavor that could be taken instead.
struct FlavorOffer {
  std::string name;
  Resources amount;
};

// The names are stable: clients tell remedies apart by them.
enum class RemedyKind : std::uint8_t {
  fewer_workers,
  fewer_control_planes,
  smaller_flavor,
  more_room,
  later,
  shorter_lease,
  without_apart,
  without_survival,
  other_sites,
  without_pool_rules,
  uncordon,
};
std::string_view to_string(RemedyKind kind);

// One change after which the same request fits: every one that is offered was tried.
struct Remedy {
  RemedyKind kind = RemedyKind::fewer_workers;
  std::uint32_t count = 0;                 // fewer_*: nodes of that role that are left
  std::string flavor{};                    // smaller_flavor: for all nodes
  Resources amount{};
  Dimension dimension = Dimension::memory; // more_room: so much more, on any one of `hosts`
  std::int64_t more = 0;
  std::vector<HostId> hosts{};             // more_room; uncordon: this one
  std::optional<TimePoint> at{};           // later: begin; shorter_lease: end
  std::int64_t size = 0;                   // of the change; smaller ones are offered first
  std::string text{};                      // for people: follows "It would fit "
};

// The changes that make a refused request fit, the smallest first, a few of each kind at most. The
// work is bounded: on large fleets some that exist may not be found.
std::vector<Remedy> remedies(const FleetQuestion& question, std::span<const FlavorOffer> offers);
std::vector<Remedy> remedies(const Question& question, std::span<const FlavorOffer> offers);

// The question with the change made; `choice` picks one of the remedy's hosts.
Question changed(Question question, const Remedy& remedy, std::size_t choice = 0);

// How many hosts have which reasons, the most frequent first: what a fleet says in a few lines.
struct ReasonCount {
  std::vector<Dimension> reasons;
  std::uint32_t hosts = 0;
  std::vector<std::string> names;    // the first few
};
std::vector<ReasonCount> tally(std::span<const Refusal> refusals);

// All of it as text that a student understands.
std::string explain(const Question& question, std::span<const FlavorOffer> offers);

}  // namespace dure::control
