#include "controlnode/core/placement/rebalance.h"

#include <algorithm>
#include <map>

#include "controlnode/core/placement/capacity.h"
#include "controlnode/core/placement/gang.h"
#include "controlnode/core/placement_policy.h"

namespace dure::control {
namespace {

constexpr std::size_t kHostsEmptied = 64;

// Bigger nodes first: they are the hardest to place.
std::vector<std::size_t> on_host(std::span<const Resident> residents, const std::vector<Rank>& where, Rank rank) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < residents.size(); ++i) {
    if (where[i] == rank) found.push_back(i);
  }
  std::sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) {
    if (residents[a].amount.memory_mib != residents[b].amount.memory_mib) {
      return residents[a].amount.memory_mib > residents[b].amount.memory_mib;
    }
    return residents[a].node < residents[b].node;
  });
  return found;
}

class Balancer {
 public:
  Balancer(Fleet& fleet, std::span<const Resident> residents, const std::map<ClusterId, PlacementPolicy>& policies)
      : fleet_(fleet), residents_(residents), policies_(policies) {
    for (const Resident& resident : residents) {
      where_.push_back(fleet.find(resident.host).value_or(static_cast<Rank>(fleet.size())));
    }
  }

  // Moves all from the host, or nothing.
  bool empty(Rank source, std::span<const std::size_t> leaving) {
    fleet_.set_reason(source, Unusable::cordoned);
    std::vector<Rank> before = where_;
    std::size_t moved = 0;
    for (const std::size_t which : leaving) {
      const auto target = place(which);
      if (!target) break;
      where_[which] = *target;
      ++moved;
    }
    for (std::size_t i = 0; i < moved; ++i) fleet_.give_back(source, amounts(residents_[leaving[i]].amount));
    fleet_.set_reason(source, Unusable::no);
    if (moved == leaving.size()) return true;
    undo(source, leaving.first(moved), before);
    return false;
  }

  void undo(Rank source, std::span<const std::size_t> moved, const std::vector<Rank>& before) {
    for (const std::size_t which : moved) {
      fleet_.give_back(where_[which], amounts(residents_[which].amount));
      fleet_.take(source, amounts(residents_[which].amount));
    }
    where_ = before;
  }

  const std::vector<Rank>& where() const { return where_; }

 private:
  std::optional<Rank> place(std::size_t which) {
    const Resident& resident = residents_[which];
    const auto asked = policies_.find(resident.cluster);
    PlacementPolicy policy = asked == policies_.end() ? PlacementPolicy{} : asked->second;
    policy.strategy = Strategy::pack;
    for (std::size_t i = 0; i < residents_.size(); ++i) {
      const bool other = i != which && residents_[i].cluster == resident.cluster && where_[i] < fleet_.size();
      if (other) policy.members.emplace_back(fleet_.id(where_[i]), residents_[i].role);
    }
    const NodeRequest wanted{resident.node, {}, resident.role, resident.amount, pool_of(resident.role)};
    const auto answer = place_gang(fleet_, std::span(&wanted, 1), policy, true);
    if (answer.hosts.empty()) return std::nullopt;
    return answer.hosts.front();
  }

  Fleet& fleet_;
  std::span<const Resident> residents_;
  const std::map<ClusterId, PlacementPolicy>& policies_;
  std::vector<Rank> where_;
};

}  // namespace

Rebalancing rebalance(std::span<const Candidate> hosts, std::span<const Resident> residents, const Resources& flavor,
                      std::size_t most_moves, const std::map<ClusterId, PlacementPolicy>& policies) {
  Fleet fleet(hosts);
  Balancer balancer(fleet, residents, policies);
  Rebalancing result;
  const Amounts wanted = amounts(flavor);
  result.fits_before = result.fits_after = capacity_for(fleet, wanted);
  std::vector<std::pair<std::size_t, Rank>> order;
  for (Rank rank = 0; rank < fleet.size(); ++rank) {
    const std::size_t count = on_host(residents, balancer.where(), rank).size();
    if (fleet.usable(rank) && count > 0 && count == fleet.nodes(rank)) order.emplace_back(count, rank);
  }
  std::sort(order.begin(), order.end());
  std::size_t moved = 0;
  for (std::size_t i = 0; i < std::min(order.size(), kHostsEmptied); ++i) {
    const Rank source = order[i].second;
    const auto leaving = on_host(residents, balancer.where(), source);
    if (leaving.empty() || moved + leaving.size() > most_moves) continue;
    const auto before = balancer.where();
    if (!balancer.empty(source, leaving)) continue;
    const std::uint64_t fits = capacity_for(fleet, wanted);
    if (fits <= result.fits_after) {
      balancer.undo(source, leaving, before);
      continue;
    }
    result.fits_after = fits;
    moved += leaving.size();
    result.emptied.push_back(fleet.id(source));
  }
  for (std::size_t i = 0; i < residents.size(); ++i) {
    const Rank to = balancer.where()[i];
    if (to < fleet.size() && fleet.id(to) != residents[i].host) {
      result.moves.push_back({residents[i].node, residents[i].host, fleet.id(to)});
    }
  }
  // A host that was emptied may have been filled again by a later one.
  std::erase_if(result.emptied, [&](const HostId& id) { return fleet.nodes(*fleet.find(id)) > 0; });
  return result;
}

}  // namespace dure::control
