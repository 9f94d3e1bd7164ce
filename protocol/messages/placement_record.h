#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "common/time.h"

namespace dure {

// What a decision about hosts was made of, as the control node stores it for itself. Classes, roles, reasons
// and the like are their stable names: what reads them years later asks no enum's order.
struct StoredAmount {
  std::int64_t vcpus = 0, memory_mib = 0, disk_gib = 0;
  friend bool operator==(const StoredAmount&, const StoredAmount&) = default;
};

struct StoredHost {
  HostId host;
  std::string name;
  SiteId site;
  std::string host_class;
  bool usable = false;
  std::string why_not;
  StoredAmount total, free;
  std::uint32_t nodes = 0;
  std::string reason;
  std::string room;
  std::vector<std::string> labels;
  std::vector<std::pair<TimePoint, TimePoint>> busy;
  std::vector<ImageId> images;
  std::uint32_t booting = 0;
  friend bool operator==(const StoredHost&, const StoredHost&) = default;
};

// What is different in a fleet.
struct StoredFleet {
  std::vector<StoredHost> changed;
  std::vector<HostId> removed;
  friend bool operator==(const StoredFleet&, const StoredFleet&) = default;
};

struct StoredNode {
  NodeId node;
  std::string name;
  std::string role;
  StoredAmount amount;
  std::uint32_t pool = 0;
  friend bool operator==(const StoredNode&, const StoredNode&) = default;
};

struct StoredPool {
  std::vector<SiteId> sites;
  std::vector<std::string> rooms, labels, classes;
  bool sites_stay = false;
  friend bool operator==(const StoredPool&, const StoredPool&) = default;
};

struct StoredDistance {
  SiteId one, other;
  std::int64_t us = 0;
  friend bool operator==(const StoredDistance&, const StoredDistance&) = default;
};

// How far control-plane members may be from each other; bound 0: no rule.
struct StoredNear {
  std::int64_t bound_us = 0;
  std::vector<StoredDistance> distances;
  std::vector<std::pair<SiteId, std::string>> names;
  friend bool operator==(const StoredNear&, const StoredNear&) = default;
};

struct StoredQuestion {
  std::vector<StoredNode> nodes;
  std::vector<SiteId> sites;
  std::vector<std::pair<HostId, std::string>> members;  // with their roles
  std::string strategy, survive;
  bool apart = false;
  TimePoint now;
  std::optional<TimePoint> until;
  std::vector<StoredPool> pools;
  std::optional<ImageId> image;
  std::optional<std::uint32_t> round_trip_us;
  std::vector<StoredDistance> round_trips;
  StoredNear near;
  std::vector<std::pair<SiteId, std::string>> closed;   // with the reason
  friend bool operator==(const StoredQuestion&, const StoredQuestion&) = default;
};

struct StoredAnswer {
  std::vector<std::pair<NodeId, HostId>> placed;
  std::vector<NodeId> unplaced;
  std::uint64_t refusals = 0;
  Digest refusals_digest;
  std::vector<std::pair<std::string, std::string>> remedies;  // code and text
  friend bool operator==(const StoredAnswer&, const StoredAnswer&) = default;
};

}  // namespace dure
