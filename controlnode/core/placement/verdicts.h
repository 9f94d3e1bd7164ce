#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controlnode/core/placement/record.h"

namespace dure::control {

// A node of a placed request and why its host was taken.
struct NodeChoice {
  std::string node;
  Role role = Role::worker;
  HostId host;
  std::string host_name;
  std::optional<std::uint32_t> fitting;  // hosts that it fitted on when it was its turn; not counted on huge fleets
  std::string why;                       // for people
};

// The turn of a node: the hosts are as the nodes before it left them.
struct Turn {
  std::string node;
  Role role = Role::worker;
  Resources wanted;
};

struct HostVerdict {
  HostId host;
  std::string name;
  SiteId site;
  std::string room;
  std::vector<std::string> chosen;               // nodes of the request
  std::vector<std::vector<Refusal>> lacks;       // by turn; empty: it fitted
};

// What each host had to say to a request: of a placed one at the turn of the first node of each role, of a
// refused one at that of the first node without a place.
struct Verdicts {
  std::vector<NodeChoice> nodes;   // in the order of placing
  std::vector<Turn> turns;
  std::vector<HostVerdict> hosts;  // by id
};
Verdicts verdicts(const PlacementRecord& record, const Replayed& again);

}  // namespace dure::control
