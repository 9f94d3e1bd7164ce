#include <algorithm>
#include <tuple>

#include "controlnode/core/placement/gang.h"

namespace dure::control {
namespace {

// The exact search is for small requests; these bound it on large fleets.
constexpr std::size_t kSearchNodes = 12;
constexpr std::size_t kSearchSteps = 20'000;
constexpr std::size_t kSearchLooks = 2'000'000;
constexpr std::size_t kSearchWidth = 64;

bool alike(const NodeRequest& a, const NodeRequest& b) {
  return a.role == b.role && a.amount == b.amount && a.pool == b.pool;
}

// Nothing but what is free limits these, and all want the same: filling up is exact.
bool filling_is_exact(std::span<const NodeRequest> wanted, const PlacementPolicy& policy) {
  const bool same = std::all_of(wanted.begin(), wanted.end(), [&](const NodeRequest& node) {
    return node.amount == wanted.front().amount && node.pool == wanted.front().pool;
  });
  const bool only_workers = std::all_of(wanted.begin(), wanted.end(),
                                        [](const NodeRequest& node) { return node.role == Role::worker; });
  if (only_workers) return same;
  return same && !policy.apart && policy.survive != Survive::room && policy.survive != Survive::site &&
         !policy.round_trip_us;
}

std::optional<std::vector<Rank>> greedy(Gang& gang, std::span<const NodeRequest> wanted, Strategy strategy) {
  std::vector<Rank> hosts;
  for (const NodeRequest& node : wanted) {
    const auto rank = gang.best(node, strategy);
    if (!rank) {
      gang.give_all_back();
      return std::nullopt;
    }
    gang.take(*rank, node);
    hosts.push_back(*rank);
  }
  return hosts;
}

}  // namespace

std::vector<NodeRequest> placing_order(std::span<const NodeRequest> wanted) {
  std::vector<NodeRequest> order(wanted.begin(), wanted.end());
  const auto weight = [](const NodeRequest& node) {
    return std::tuple{node.amount.memory_mib, node.amount.vcpus, node.amount.disk_gib};
  };
  std::sort(order.begin(), order.end(), [&](const NodeRequest& a, const NodeRequest& b) {
    if (a.role != b.role) return a.role == Role::control_plane;
    if (weight(a) != weight(b)) return weight(a) > weight(b);
    return std::tie(a.pool, a.name, a.node) < std::tie(b.pool, b.name, b.node);
  });
  return order;
}

// Without recursion. Alike nodes take hosts in rising order, so that permutations of one answer are
// tried once; of hosts that are as good as each other only the first is tried.
GangAnswer search_gang(Gang& gang, std::span<const NodeRequest> wanted) {
  struct Level {
    std::vector<Rank> places;
    std::size_t next = 0;
  };
  GangAnswer answer;
  if (wanted.size() > kSearchNodes) {
    answer.proven = false;
    return answer;
  }
  std::vector<Level> levels;
  const auto open = [&] {
    Level level{gang.places(wanted[levels.size()], kSearchWidth + 1, answer.looked_at), 0};
    if (level.places.size() > kSearchWidth) answer.proven = false;
    if (!levels.empty() && alike(wanted[levels.size()], wanted[levels.size() - 1])) {
      std::erase_if(level.places, [&](Rank rank) { return rank < answer.hosts.back(); });
    }
    levels.push_back(std::move(level));
  };
  open();
  for (std::size_t step = 0; step < kSearchSteps && answer.looked_at < kSearchLooks; ++step) {
    Level& level = levels.back();
    const NodeRequest& node = wanted[levels.size() - 1];
    if (level.next < level.places.size()) {
      const Rank rank = level.places[level.next++];
      gang.take(rank, node);
      answer.hosts.push_back(rank);
      if (answer.hosts.size() == wanted.size()) return answer;
      open();
      continue;
    }
    levels.pop_back();
    if (levels.empty()) return answer;
    gang.give_back(answer.hosts.back(), wanted[levels.size() - 1]);
    answer.hosts.pop_back();
  }
  answer.hosts.clear();
  answer.proven = false;
  gang.give_all_back();
  return answer;
}

GangAnswer place_gang(Fleet& fleet, std::span<const NodeRequest> wanted, const PlacementPolicy& policy, bool keep) {
  GangAnswer answer;
  if (wanted.empty()) return answer;
  Gang gang(fleet, wanted, policy);
  const Strategy other = policy.strategy == Strategy::spread ? Strategy::pack : Strategy::spread;
  for (const Strategy strategy : {policy.strategy, other}) {
    if (auto hosts = greedy(gang, wanted, strategy)) {
      answer.hosts = std::move(*hosts);
      if (keep) gang.keep();
      return answer;
    }
    if (filling_is_exact(wanted, policy)) return answer;
  }
  // A node that fits on no host of the untouched fleet needs no search.
  for (const NodeRequest& node : wanted) {
    if (!gang.best(node, policy.strategy)) return answer;
  }
  answer = search_gang(gang, wanted);
  if (keep && !answer.hosts.empty()) gang.keep();
  return answer;
}

}  // namespace dure::control
