#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "controlnode/core/now.h"
#include "controlnode/core/placement/gang.h"

namespace dure::control {

struct PlacementOutcome {
  std::vector<Placement> placed;     // all nodes, or none
  std::vector<NodeId> unplaced;      // which could not be placed after the others were
  std::vector<Refusal> refusals;     // per host each missing dimension, for the first unplaced node
  std::string summary;               // one sentence: the nearest host and what it lacks
};

// Places all nodes of one request or none. Control-plane members go to distinct hosts, durable
// (anchor) hosts first; nodes spread over the allowed sites and then over hosts; otherwise the host
// with most room wins. Deterministic: ties are broken by HostId, and the order of `hosts` does not
// matter. placement/README.md says how.
PlacementOutcome place_all(std::span<const Candidate> hosts, std::span<const NodeRequest> wanted,
                           const PlacementPolicy& policy);
// The same on a fleet that is there already; it is left as it was.
PlacementOutcome place_all(const FleetQuestion& question);

std::vector<Candidate> sorted_by_id(std::span<const Candidate> hosts);

// Keeps the largest possible order of a host below kMaxOrderBytes.
inline constexpr std::uint32_t kMaxNodesPerHost = 64;

// Why a host may not be given new nodes now, as code and as text; Unusable::no: it may.
struct WhyUnusable {
  Unusable code = Unusable::no;
  std::string text;
};
WhyUnusable why_unusable(const Model& model, const HostId& host, std::uint32_t nodes, const Now& now);

// The candidates of a model at an instant: free capacity is counted from claims, never from what
// agents happen to report running, so that two quick requests cannot both win.
std::vector<Candidate> candidates(const Model& model, const Now& now);  // sorted by id

// What the PC has: what was typed, or less where it says so itself.
Resources present(const Host& host, const HostObservation* seen);
// What the host's CPUs count for: its own overcommit, or that of the settings.
std::int64_t vcpus_of(const Host& host, std::int64_t cpus, const Settings& settings);
// All that guests may have of it, with overcommit, without the owner's reserve and without what images take of its disk.
Resources allocatable(const Model& model, const Host& host);

// One of them, if `claimed` is taken of it for so many nodes.
Candidate candidate_of(const Model& model, const Host& host, const Resources& claimed, std::uint32_t nodes,
                       const Now& now);

}  // namespace dure::control
