#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlnode/core/model.h"

namespace dure::control {

// Why a host is given no new nodes.
enum class Unusable : std::uint8_t { no, cordoned, not_reported, silent, restored, crowded, lost, owes, not_ready };
std::string_view to_string(Unusable why);

// A host as placement sees it: what is free after claims and the owner's reserve.
struct Candidate {
  HostId host;
  std::string name;
  SiteId site;
  HostClass host_class = HostClass::scavenged;
  bool usable = true;          // not cordoned, and heard of recently
  std::string why_not;         // when not usable
  Resources total;             // with overcommit, without the reserve
  Resources free;
  std::uint32_t nodes = 0;     // already there, of anybody
  Unusable reason = Unusable::no;
  std::string room{};                   // within the site; empty: not known
  std::vector<std::string> labels{};
  std::vector<BusyWindow> busy{};       // its capacity over time; empty: always available
  std::vector<ImageId> images{};        // that it has already
  std::uint32_t booting = 0;            // guests that are starting now
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

struct NodeRequest {
  NodeId node;
  std::string name;
  Role role = Role::worker;
  Resources amount;
  std::uint32_t pool = 0;      // index into PlacementPolicy::pools; beyond its end: no rules
  friend bool operator==(const NodeRequest&, const NodeRequest&) = default;
};

// What the hosts of one pool must be. Empty: anything.
struct PoolRules {
  std::vector<SiteId> sites;
  std::vector<std::string> rooms;
  std::vector<std::string> labels;      // all of them
  std::vector<HostClass> classes;
  bool sites_stay = false;   // they are not the request's to drop: its control plane stays together there
  friend bool operator==(const PoolRules&, const PoolRules&) = default;
};

// Measured between two sites; the order of the two does not matter.
struct RoundTrip {
  SiteId one, other;
  std::uint32_t us = 0;
  friend bool operator==(const RoundTrip&, const RoundTrip&) = default;
};

// A site whose hosts cannot serve this request, whatever is free on them.
struct ClosedSite {
  SiteId site;
  std::string why;             // follows the host's name
  friend bool operator==(const ClosedSite&, const ClosedSite&) = default;
};

struct PlacementPolicy {
  std::vector<SiteId> sites;                // allowed, spread evenly over them; empty: any
  // Already placed members of the same cluster: distinctness and spread count them.
  std::vector<std::pair<HostId, Role>> members;
  Strategy strategy = Strategy::spread;
  bool apart = false;                       // no two nodes of the cluster on one host
  Survive survive = Survive::nothing;
  TimePoint now{};
  std::optional<TimePoint> until{};         // of the lease; none: for good
  std::vector<PoolRules> pools{};
  std::optional<ImageId> image{};           // hosts that have it are liked better
  std::optional<std::uint32_t> round_trip_us{};  // most between any two control-plane members
  std::vector<RoundTrip> round_trips{};     // sites that are not measured count as too far
  std::vector<ClosedSite> closed{};
  friend bool operator==(const PlacementPolicy&, const PlacementPolicy&) = default;
};

// What a host lacks. The names are stable: clients tell reasons apart by them.
enum class Dimension : std::uint8_t {
  vcpus,
  memory,
  disk,
  site,
  distinct_host,
  unusable,
  room,
  label,
  host_class,
  apart,
  busy,
  survive,
  round_trip,
};
std::string_view to_string(Dimension dimension);

// One missing dimension of one host for one node of the request.
struct Refusal {
  HostId host;
  std::string host_name;
  Dimension dimension = Dimension::memory;
  std::int64_t wanted = 0, free = 0, total = 0;
  std::string detail;    // of what is not a number
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct Placement {
  NodeId node;
  HostId host;
  friend bool operator==(const Placement&, const Placement&) = default;
};

// vCPUs, memory in MiB, disk in GiB.
inline constexpr std::size_t kAmounts = 3;
using Amounts = std::array<std::int64_t, kAmounts>;

inline Amounts amounts(const Resources& from) {
  return {from.vcpus, from.memory_mib, from.disk_gib};
}
inline bool covers(const Amounts& free, const Amounts& wanted) {
  return wanted[0] <= free[0] && wanted[1] <= free[1] && wanted[2] <= free[2];
}

// A host's place in the order of ids, in one fleet.
using Rank = std::uint32_t;

}  // namespace dure::control
