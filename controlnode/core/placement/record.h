#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.h"
#include "controlnode/core/near_sites.h"
#include "controlnode/core/placement.h"

namespace dure::control {

// What was asked when hosts were chosen. The names are stable.
enum class PlacementKind : std::uint8_t { create, scale, replace, repair };
std::string_view to_string(PlacementKind kind);

// One fleet as what is different from another: rows are whole hosts.
struct FleetDelta {
  std::vector<Candidate> changed{};   // new, or not as before; by id
  std::vector<HostId> removed{};      // by id
  friend bool operator==(const FleetDelta&, const FleetDelta&) = default;
};
// Both sorted by id.
FleetDelta difference(std::span<const Candidate> before, std::span<const Candidate> after);
// If nothing is different but these.
FleetDelta difference(std::span<const Candidate> before, std::span<const Candidate> after,
                      const std::set<HostId>& changed);
void apply_delta(std::vector<Candidate>& fleet, const FleetDelta& delta);
// The fleet after these, of which the first begins at nothing.
std::vector<Candidate> fleet_of(std::span<const FleetDelta> deltas);

// What was said about a way out (remedies.h).
struct RecordedRemedy {
  std::string code, text;
  friend bool operator==(const RecordedRemedy&, const RecordedRemedy&) = default;
};

// One decision with all that it depended on, so that it can be explained and made again. Its fleet is
// what `fleet` makes of that of the record before; the first record of a segment has all of it.
struct PlacementRecord {
  std::uint64_t number = 0;              // 1, 2, ... without gaps
  std::uint64_t segment = 0;             // number of the record that begins its segment
  TimePoint at{};
  PlacementKind kind = PlacementKind::create;
  ClusterId cluster{};
  std::string cluster_name{};
  std::vector<NodeRequest> wanted{};
  PlacementPolicy policy{};
  NearRule near{};
  std::vector<Placement> placed{};       // all nodes; empty: refused
  std::vector<NodeId> unplaced{};
  std::string summary{};
  std::uint64_t refusals = 0;            // how many, and their digest: they follow from the question
  Digest refusals_digest{};
  std::vector<RecordedRemedy> remedies{};
  FleetDelta fleet{};
  std::uint64_t bytes = 0;               // about what it takes to keep it
  bool refused() const { return !unplaced.empty(); }
  friend bool operator==(const PlacementRecord&, const PlacementRecord&) = default;
};

// A record of the question before it is answered: an answer may sharpen its policy.
PlacementRecord record_of(PlacementKind kind, const ClusterId& cluster, std::string cluster_name,
                          const std::vector<NodeRequest>& wanted, const PlacementPolicy& policy, NearRule near = {});
void set_answer(PlacementRecord& record, const PlacementOutcome& outcome);
std::uint64_t weight_of(const PlacementRecord& record);

// The same question asked again of the fleet that it was asked of.
struct Replayed {
  bool placements = false, unplaced = false, refusals = false, summary = false;  // the same as recorded
  Question question;                      // as it was answered
  PlacementOutcome outcome;
  bool identical() const { return placements && unplaced && refusals && summary; }
};
Replayed replay(const PlacementRecord& record, std::vector<Candidate> fleet);

// Which records are read, newest first and without their fleets.
struct PlacementQuery {
  std::optional<ClusterId> cluster{};   // only of this one; quick with its name beside it
  std::string cluster_name{};           // only of those that were to have this name
  std::uint64_t before = 0;             // older than this number; 0: the newest
  std::size_t limit = 0;
};

// A record as it was read, with its fleet rebuilt.
struct RecordedPlacement {
  PlacementRecord record;
  std::vector<Candidate> fleet;
};

}  // namespace dure::control
