#pragma once

#include <optional>
#include <span>
#include <vector>

#include "controlnode/core/placement/fleet.h"

namespace dure::control {

// Most control-plane members that one host, room or site may hold so that a majority survives its loss.
inline std::uint32_t most_together(std::uint32_t members) {
  return members == 0 ? 0 : (members - 1) / 2;
}

// The nodes of one cluster while they are being placed: hosts that hold some of them are out of the
// index and weighed one by one. Unless kept, everything is put back at the end.
class Gang {
 public:
  // `wanted` says how many control-plane members there will be.
  Gang(Fleet& fleet, std::span<const NodeRequest> wanted, const PlacementPolicy& policy);
  ~Gang();
  Gang(const Gang&) = delete;
  Gang& operator=(const Gang&) = delete;

  // What the node lacks on this host, as codes; empty: it fits.
  std::vector<Dimension> lacks(Rank rank, const NodeRequest& wanted) const;
  bool fits(Rank rank, const NodeRequest& wanted) const;

  std::optional<Rank> best(const NodeRequest& wanted, Strategy strategy);
  // Different places for the node, the tightest first: of hosts that are as good as each other only one.
  std::vector<Rank> places(const NodeRequest& wanted, std::size_t most, std::size_t& looked_at);

  void take(Rank rank, const NodeRequest& wanted);
  void give_back(Rank rank, const NodeRequest& wanted);
  void give_all_back();
  void keep() { kept_ = true; }

  const Fleet& fleet() const { return fleet_; }
  const PlacementPolicy& policy() const { return policy_; }
  std::uint32_t control_planes_wanted() const { return control_planes_; }
  const BusyWindow* busy_window(Rank rank) const;

 private:
  struct Touched {
    Rank rank = 0;
    std::uint32_t members = 0, control_planes = 0;
    std::uint32_t before = 0;        // members that were there already
    std::uint32_t planes_before = 0;
    std::vector<Amounts> taken;
  };
  struct Rules {
    std::vector<std::uint32_t> sites, rooms, labels;
    bool any_site = true, any_room = true, known_labels = true;
    std::vector<HostClass> classes;
  };

  Rules resolve(const PoolRules& rules) const;
  const Rules& rules_of(const NodeRequest& wanted) const;
  const Touched* touched(Rank rank) const;
  Touched& touch(Rank rank);
  void join(Touched& host, Role role, int by);

  void group_lacks(std::uint32_t group, const NodeRequest& wanted, std::vector<Dimension>& lacks) const;
  void host_lacks(Rank rank, const NodeRequest& wanted, std::vector<Dimension>& lacks) const;
  bool too_far(std::uint32_t site) const;
  bool room_is_full(std::uint32_t room) const;
  std::vector<std::uint32_t> full_rooms(const NodeRequest& wanted) const;
  const std::vector<GroupTerm>& terms(const NodeRequest& wanted, Strategy strategy);
  void weigh(Rank rank, const NodeRequest& wanted, Strategy strategy, Choice& best) const;

  Fleet& fleet_;
  const PlacementPolicy& policy_;
  Worth worth_;
  std::uint32_t control_planes_ = 0;
  std::vector<Rules> rules_;               // of the pools
  Rules everywhere_;                       // the request's own sites
  std::vector<Touched> touched_;
  std::vector<std::uint32_t> at_site_;     // members of this cluster
  std::vector<std::uint32_t> planes_at_site_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> planes_in_room_;
  std::vector<std::vector<std::uint32_t>> far_;  // sites by site; empty without a bound
  std::vector<std::uint8_t> closed_;             // by site; empty: none
  std::vector<GroupTerm> terms_;
  bool kept_ = false;
};

struct GangAnswer {
  std::vector<Rank> hosts;        // by node, in the order given; empty: not all of them fit
  bool proven = true;             // if not: the search ran out of steps
  std::size_t looked_at = 0;      // states, by the search: its work
};

// A request to a fleet that is there already. `hosts` are the fleet's own, sorted by id, so that a rank
// is a place in them.
struct FleetQuestion {
  Fleet& fleet;
  std::span<const Candidate> hosts;
  std::vector<NodeRequest> wanted;
  PlacementPolicy policy{};
};

// All nodes or none. The order of `wanted` is the order of placing. With `keep` the fleet is left
// with the nodes on it.
GangAnswer place_gang(Fleet& fleet, std::span<const NodeRequest> wanted, const PlacementPolicy& policy, bool keep);

// Control-plane members first, because they have the most rules; then the biggest. Pointers into `wanted`.
std::vector<NodeRequest> placing_order(std::span<const NodeRequest> wanted);

// Depth first with a bound on its work; see search.cpp. On success the nodes are on their hosts.
GangAnswer search_gang(Gang& gang, std::span<const NodeRequest> wanted);

}  // namespace dure::control
