#include "controlnode/core/placement.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "controlnode/core/placement_explain.h"

namespace dure::control {
namespace {

// Steps that the exact search may take after the greedy one has failed.
constexpr std::size_t kSearchSteps = 50'000;
constexpr std::size_t kSearchNodes = 12;

using Order = std::vector<const NodeRequest*>;

auto weight(const NodeRequest& request) {
  return std::tuple{request.amount.memory_mib, request.amount.vcpus, request.amount.disk_gib};
}

// Control-plane members first, because only they must be on distinct hosts; then the biggest.
Order placing_order(std::span<const NodeRequest> wanted) {
  Order order;
  for (const NodeRequest& request : wanted) order.push_back(&request);
  std::sort(order.begin(), order.end(), [](const NodeRequest* a, const NodeRequest* b) {
    if (a->role != b->role) return a->role == Role::control_plane;
    if (weight(*a) != weight(*b)) return weight(*a) > weight(*b);
    return std::tie(a->name, a->node) < std::tie(b->name, b->node);
  });
  return order;
}

class Floor {
 public:
  Floor(std::span<const Candidate> hosts, const PlacementPolicy& policy)
      : spread_sites_(policy.sites.size() > 1) {
    const std::set<SiteId> allowed(policy.sites.begin(), policy.sites.end());
    for (const Candidate& host : hosts) {
      HostRoom room;
      room.candidate = &host;
      room.free = host.free;
      room.site_allowed = allowed.empty() || allowed.contains(host.site);
      rooms.push_back(room);
    }
    std::sort(rooms.begin(), rooms.end(), [](const HostRoom& a, const HostRoom& b) {
      return a.candidate->host < b.candidate->host;
    });
    for (const auto& [id, role] : policy.members) {
      for (HostRoom& room : rooms) {
        if (room.candidate->host == id) join(room, role);
      }
    }
  }

  // The index of the best host for the node, or nothing.
  std::optional<std::size_t> best(const NodeRequest& wanted) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
      if (fits(rooms[i], wanted) && (!found || score(i, wanted) < score(*found, wanted))) found = i;
    }
    return found;
  }

  void take(std::size_t index, const NodeRequest& wanted) {
    HostRoom& room = rooms[index];
    room.free.vcpus -= wanted.amount.vcpus;
    room.free.memory_mib -= wanted.amount.memory_mib;
    room.free.disk_gib -= wanted.amount.disk_gib;
    join(room, wanted.role);
  }

  void give_back(std::size_t index, const NodeRequest& wanted) {
    HostRoom& room = rooms[index];
    room.free.vcpus += wanted.amount.vcpus;
    room.free.memory_mib += wanted.amount.memory_mib;
    room.free.disk_gib += wanted.amount.disk_gib;
    --room.members;
    --by_site_[room.candidate->site];
    if (wanted.role == Role::control_plane) --room.control_planes;
  }

  std::vector<HostRoom> rooms;  // sorted by HostId

 private:
  void join(HostRoom& room, Role role) {
    ++room.members;
    ++by_site_[room.candidate->site];
    if (role == Role::control_plane) ++room.control_planes;
  }

  // Lower is better. Shares are in 1/10000 of the host, of its most used dimension after placing.
  std::tuple<int, std::uint32_t, std::uint32_t, std::int64_t, std::uint32_t, HostId> score(
      std::size_t index, const NodeRequest& wanted) const {
    const HostRoom& room = rooms[index];
    const auto share = [](std::int64_t total, std::int64_t free, std::int64_t want) {
      return (total - free + want) * 10'000 / std::max<std::int64_t>(total, 1);
    };
    const Candidate& host = *room.candidate;
    const std::int64_t used =
        std::max({share(host.total.vcpus, room.free.vcpus, wanted.amount.vcpus),
                  share(host.total.memory_mib, room.free.memory_mib, wanted.amount.memory_mib),
                  share(host.total.disk_gib, room.free.disk_gib, wanted.amount.disk_gib)});
    const bool durable = wanted.role != Role::control_plane || host.host_class == HostClass::anchor;
    const auto found = by_site_.find(host.site);
    const std::uint32_t at_site = found == by_site_.end() ? 0 : found->second;
    return {durable ? 0 : 1, spread_sites_ ? at_site : 0, room.members, used, at_site, host.host};
  }

  std::map<SiteId, std::uint32_t> by_site_;  // members of this cluster
  bool spread_sites_;
};

bool alike(const NodeRequest& a, const NodeRequest& b) {
  return a.role == b.role && a.amount == b.amount;
}

// Depth first over hosts in the order of their ids, without recursion. Alike nodes take hosts in
// rising order, so that permutations of one answer are tried once.
std::optional<std::vector<std::size_t>> search(Floor& floor, const Order& order) {
  if (order.size() > kSearchNodes) return std::nullopt;
  std::vector<std::size_t> chosen;
  std::size_t from = 0;
  for (std::size_t step = 0; step < kSearchSteps; ++step) {
    if (chosen.size() == order.size()) return chosen;
    const std::size_t depth = chosen.size();
    std::size_t host = from;
    while (host < floor.rooms.size() && !fits(floor.rooms[host], *order[depth])) ++host;
    if (host < floor.rooms.size()) {
      floor.take(host, *order[depth]);
      chosen.push_back(host);
      const bool same = depth + 1 < order.size() && alike(*order[depth], *order[depth + 1]);
      from = same ? host : 0;
    } else if (depth == 0) {
      return std::nullopt;
    } else {
      floor.give_back(chosen.back(), *order[depth - 1]);
      from = chosen.back() + 1;
      chosen.pop_back();
    }
  }
  return std::nullopt;
}

}  // namespace

PlacementOutcome place_all(std::span<const Candidate> hosts, std::span<const NodeRequest> wanted,
                           const PlacementPolicy& policy) {
  const Order order = placing_order(wanted);
  PlacementOutcome outcome;
  Floor greedy(hosts, policy);
  const NodeRequest* first_unplaced = nullptr;
  for (const NodeRequest* request : order) {
    if (const auto index = greedy.best(*request)) {
      greedy.take(*index, *request);
      outcome.placed.push_back({request->node, greedy.rooms[*index].candidate->host});
    } else {
      outcome.unplaced.push_back(request->node);
      if (first_unplaced == nullptr) first_unplaced = request;
    }
  }
  if (first_unplaced == nullptr) return outcome;

  outcome.placed.clear();
  Floor exact(hosts, policy);
  if (const auto chosen = search(exact, order)) {
    outcome.unplaced.clear();
    for (std::size_t i = 0; i < order.size(); ++i) {
      outcome.placed.push_back({order[i]->node, exact.rooms[(*chosen)[i]].candidate->host});
    }
    return outcome;
  }
  for (const HostRoom& room : greedy.rooms) {
    auto refusals = refusals_of(room, *first_unplaced);
    outcome.refusals.insert(outcome.refusals.end(), refusals.begin(), refusals.end());
  }
  outcome.summary =
      summarise(greedy.rooms, *first_unplaced, outcome.unplaced.size(), wanted.size());
  return outcome;
}

std::vector<Candidate> candidates(const Model& model, TimePoint now) {
  std::map<HostId, Candidate> by_host;
  for (const auto& [id, host] : model.hosts) {
    Candidate& candidate = by_host[id];
    candidate.host = id;
    candidate.name = host.name;
    candidate.site = host.site;
    candidate.host_class = host.host_class;
    candidate.total = {static_cast<std::int64_t>(static_cast<double>(host.capacity.vcpus) *
                                                 model.settings.vcpu_overcommit) -
                           host.reserve.vcpus,
                       host.capacity.memory_mib - host.reserve.memory_mib,
                       host.capacity.disk_gib - host.reserve.disk_gib};
    candidate.free = candidate.total;
  }
  for (const auto& [node, claim] : model.claims) {
    const auto found = by_host.find(claim.host);
    if (found == by_host.end()) continue;
    Candidate& candidate = found->second;
    candidate.free.vcpus -= claim.amount.vcpus;
    candidate.free.memory_mib -= claim.amount.memory_mib;
    candidate.free.disk_gib -= claim.amount.disk_gib;
    ++candidate.nodes;
  }
  std::vector<Candidate> result;
  for (auto& [id, candidate] : by_host) {
    candidate.why_not = why_unusable(model, id, candidate.nodes, now);
    candidate.usable = candidate.why_not.empty();
    result.push_back(std::move(candidate));
  }
  return result;
}

std::string why_unusable(const Model& model, const HostId& id, std::uint32_t nodes, TimePoint now) {
  const Host& host = model.hosts.at(id);
  if (host.cordoned) return "is cordoned";
  const auto found = model.observations.find(id);
  if (found == model.observations.end()) return "has not reported yet";
  const HostObservation& seen = found->second;
  if (now - seen.seen_at >= Duration{model.settings.silent_after_s * 1'000'000}) {
    return "has been silent since " + to_rfc3339(seen.seen_at);
  }
  if (seen.accepted_generation > host.generation) {
    return "knows a newer order than the database: was it restored from a backup?";
  }
  if (nodes >= kMaxNodesPerHost) {
    return "holds " + std::to_string(nodes) + " nodes, the most that one host may hold";
  }
  return {};
}

}  // namespace dure::control
