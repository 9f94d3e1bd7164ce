#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlnode/core/model.h"

namespace dure::control {

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
};

struct NodeRequest {
  NodeId node;
  std::string name;
  Role role = Role::worker;
  Resources amount;
};

struct PlacementPolicy {
  std::vector<SiteId> sites;                // allowed, spread evenly over them; empty: any
  // Already placed members of the same cluster: distinctness and spread count them.
  std::vector<std::pair<HostId, Role>> members;
};

enum class Dimension : std::uint8_t { vcpus, memory, disk, site, distinct_host, unusable };
std::string_view to_string(Dimension dimension);

// One missing dimension of one host for one node of the request.
struct Refusal {
  HostId host;
  std::string host_name;
  Dimension dimension = Dimension::memory;
  std::int64_t wanted = 0, free = 0, total = 0;
  std::string detail;    // for site, distinct_host, unusable
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct Placement {
  NodeId node;
  HostId host;
  friend bool operator==(const Placement&, const Placement&) = default;
};

struct PlacementOutcome {
  std::vector<Placement> placed;     // all nodes, or none
  std::vector<NodeId> unplaced;      // which could not be placed after the others were
  std::vector<Refusal> refusals;     // per host each missing dimension, for the first unplaced node
  std::string summary;               // one sentence: the nearest host and what it lacks
};

// Places all nodes of one request or none. Control-plane members go to distinct hosts, durable
// (anchor) hosts first; nodes spread over the allowed sites and then over hosts; otherwise the host
// with most room wins. Deterministic: ties are broken by HostId, and the order of `hosts` does not
// matter.
PlacementOutcome place_all(std::span<const Candidate> hosts, std::span<const NodeRequest> wanted,
                           const PlacementPolicy& policy);

// Keeps the largest possible order of a host below kMaxOrderBytes.
inline constexpr std::uint32_t kMaxNodesPerHost = 64;

// Why a host may not be given new nodes now; empty: it may.
std::string why_unusable(const Model& model, const HostId& host, std::uint32_t nodes, TimePoint now);

// The candidates of a model at an instant: free capacity is counted from claims, never from what
// agents happen to report running, so that two quick requests cannot both win.
std::vector<Candidate> candidates(const Model& model, TimePoint now);

}  // namespace dure::control
