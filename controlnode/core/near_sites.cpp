#include "controlnode/core/near_sites.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "controlnode/core/placement/fleet.h"
#include "controlnode/core/placement_policy.h"

namespace dure::control {
namespace {

// Above it only groups around each site are looked at, not every three of them.
constexpr std::size_t kSitesForTriples = 64;
constexpr std::size_t kPairsTold = 4;

// A site with hosts that have room for a member.
struct SiteRoom {
  SiteId site;
  std::size_t hosts = 0, durable = 0;
  std::int64_t memory_mib = 0;
};

std::vector<SiteRoom> rooms_of(std::span<const Candidate> hosts, const MemberRequest& wanted) {
  const std::set<SiteId> allowed(wanted.sites.begin(), wanted.sites.end());
  std::map<SiteId, SiteRoom> sites;
  for (const Candidate& host : hosts) {
    if (!host.usable || !covers(amounts(host.free), amounts(wanted.amount))) continue;
    if (!allowed.empty() && !allowed.contains(host.site)) continue;
    if (std::find(wanted.closed.begin(), wanted.closed.end(), host.site) != wanted.closed.end()) continue;
    SiteRoom& room = sites[host.site];
    room.site = host.site;
    ++room.hosts;
    if (host.host_class == HostClass::anchor) ++room.durable;
    room.memory_mib += host.free.memory_mib;
  }
  std::vector<SiteRoom> rooms;
  for (const auto& [site, room] : sites) rooms.push_back(room);
  return rooms;
}

using Group = std::vector<std::size_t>;  // indexes of rooms, rising

class NearGroups {
 public:
  NearGroups(std::vector<SiteRoom> rooms, const MemberRequest& wanted, std::span<const SiteDistance> distances,
             Duration bound)
      : rooms_(std::move(rooms)), wanted_(wanted), bound_(bound) {
    for (const SiteDistance& distance : distances) distances_[{distance.one, distance.other}] = distance.round_trip;
  }

  std::vector<std::vector<SiteId>> best() const {
    // The large groups leave most choice; three sites hold three members, whatever else they are near to.
    std::vector<Group> groups = ranked(around_each());
    if (groups.size() < kNearGroups && rooms_.size() <= kSitesForTriples) {
      for (Group& group : ranked(of_three())) {
        if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(std::move(group));
      }
    }
    if (groups.size() > kNearGroups) groups.resize(kNearGroups);
    std::vector<std::vector<SiteId>> result;
    for (const Group& group : groups) {
      auto& sites = result.emplace_back();
      for (const std::size_t index : group) sites.push_back(rooms_[index].site);
    }
    return result;
  }

 private:
  std::optional<Duration> between(std::size_t a, std::size_t b) const {
    const auto& [one, other] = std::minmax(rooms_[a].site, rooms_[b].site);
    const auto found = distances_.find({one, other});
    if (found == distances_.end()) return std::nullopt;
    return found->second;
  }
  bool near(std::size_t a, std::size_t b) const {
    const auto distance = between(a, b);
    return distance && *distance <= bound_;
  }

  // Of each site with the nearest ones, as many as are near to each other.
  std::set<Group> around_each() const {
    std::set<Group> groups;
    for (std::size_t seed = 0; seed < rooms_.size(); ++seed) {
      std::vector<std::pair<Duration, std::size_t>> others;
      for (std::size_t i = 0; i < rooms_.size(); ++i) {
        if (i != seed && near(seed, i)) others.emplace_back(*between(seed, i), i);
      }
      std::sort(others.begin(), others.end());
      Group group{seed};
      for (const auto& [distance, i] : others) {
        if (std::all_of(group.begin(), group.end(), [&, at = i](std::size_t other) { return near(other, at); })) {
          group.push_back(i);
        }
      }
      std::sort(group.begin(), group.end());
      groups.insert(std::move(group));
    }
    return groups;
  }

  std::set<Group> of_three() const {
    std::set<Group> groups;
    for (std::size_t a = 0; a < rooms_.size(); ++a) {
      for (std::size_t b = a + 1; b < rooms_.size(); ++b) {
        if (!near(a, b)) continue;
        groups.insert({a, b});
        for (std::size_t c = b + 1; c < rooms_.size(); ++c) {
          if (near(a, c) && near(b, c)) groups.insert({a, b, c});
        }
      }
    }
    return groups;
  }

  std::vector<Group> ranked(const std::set<Group>& groups) const {
    using Key = std::tuple<std::size_t, std::size_t, std::int64_t>;
    std::vector<std::pair<Key, Group>> keyed;
    for (const Group& group : groups) {
      std::size_t hosts = 0, durable = 0;
      std::int64_t memory_mib = 0;
      for (const std::size_t index : group) {
        hosts += rooms_[index].hosts;
        durable += rooms_[index].durable;
        memory_mib += rooms_[index].memory_mib;
      }
      if (hosts < wanted_.members) continue;
      keyed.push_back({{std::min(durable, wanted_.members),
                        wanted_.spread ? std::min(group.size(), wanted_.members) : 0, memory_mib},
                       group});
    }
    std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    std::vector<Group> result;
    for (auto& [key, group] : keyed) result.push_back(std::move(group));
    return result;
  }

  std::vector<SiteRoom> rooms_;  // sorted by site
  const MemberRequest& wanted_;
  Duration bound_;
  std::map<std::pair<SiteId, SiteId>, Duration> distances_;
};

std::string site_name(const NearRule& rule, const SiteId& site) {
  const auto found = rule.names.find(site);
  return found == rule.names.end() ? site.str() : found->second;
}

// What stands in the way, with the figures, and the ways out of it.
std::string too_far(const NearRule& rule, const std::vector<SiteRoom>& rooms, const MemberRequest& wanted) {
  const auto& distances = rule.distances;
  const std::string bound = std::to_string(rule.bound.count() / 1000) + " ms";
  std::string text = std::to_string(wanted.members) + " control-plane members do not fit into sites that are at most " +
                     bound + " from each other: room for members is";
  for (const SiteRoom& room : rooms) {
    text += (&room == &rooms.front() ? " " : ", ") + site_name(rule, room.site) + " " + std::to_string(room.hosts);
  }
  std::size_t far = 0;
  for (std::size_t a = 0; a < rooms.size(); ++a) {
    for (std::size_t b = a + 1; b < rooms.size(); ++b) {
      const auto found = std::find_if(distances.begin(), distances.end(), [&](const SiteDistance& distance) {
        return distance.one == rooms[a].site && distance.other == rooms[b].site;
      });
      const bool known = found != distances.end();
      if (known && found->round_trip <= rule.bound) continue;
      if (++far > kPairsTold) continue;
      text += "; " + site_name(rule, rooms[a].site) + " and " + site_name(rule, rooms[b].site) +
              (known ? " are " + in_milliseconds(found->round_trip) + " apart"
                     : " are not measured, which counts as too far");
    }
  }
  if (far > kPairsTold) text += "; and " + std::to_string(far - kPairsTold) + " more pairs";
  return text + ". Take 1 control plane, name sites near to each other, or raise placement.etcd_round_trip_ms";
}

bool all_near(const FleetQuestion& question, const PlacementOutcome& outcome, std::span<const SiteDistance> distances,
              Duration bound) {
  std::set<SiteId> sites;
  for (const Placement& placed : outcome.placed) {
    const bool member = std::any_of(question.wanted.begin(), question.wanted.end(), [&](const NodeRequest& node) {
      return node.node == placed.node && node.role == Role::control_plane;
    });
    if (member) sites.insert(question.hosts[*question.fleet.find(placed.host)].site);
  }
  for (auto one = sites.begin(); one != sites.end(); ++one) {
    for (auto other = std::next(one); other != sites.end(); ++other) {
      const bool near = std::any_of(distances.begin(), distances.end(), [&](const SiteDistance& distance) {
        return distance.one == *one && distance.other == *other && distance.round_trip <= bound;
      });
      if (!near) return false;
    }
  }
  return true;
}

const PoolRules& rules_of_members(const PlacementPolicy& policy) {
  static const PoolRules kNone;
  const auto pool = pool_of(Role::control_plane);
  return pool < policy.pools.size() ? policy.pools[pool] : kNone;
}

// The hosts that the rules for control-plane members allow.
std::vector<Candidate> for_members(std::span<const Candidate> hosts, const PlacementPolicy& policy) {
  const PoolRules& rules = rules_of_members(policy);
  const auto among = [](const auto& allowed, const auto& value) {
    return allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
  };
  std::vector<Candidate> suitable;
  for (const Candidate& host : hosts) {
    const bool labelled = std::all_of(rules.labels.begin(), rules.labels.end(), [&](const std::string& label) {
      return std::find(host.labels.begin(), host.labels.end(), label) != host.labels.end();
    });
    if (labelled && among(rules.sites, host.site) && among(rules.rooms, host.room) &&
        among(rules.classes, host.host_class) && meets(host.busy, policy.now, policy.until) == nullptr) {
      suitable.push_back(host);
    }
  }
  return suitable;
}

Resources least(const Resources& a, const Resources& b) {
  return {std::min(a.vcpus, b.vcpus), std::min(a.memory_mib, b.memory_mib), std::min(a.disk_gib, b.disk_gib)};
}

// The same rules, and for the members these sites.
PlacementPolicy keep_on(const std::vector<SiteId>& sites, PlacementPolicy policy) {
  const std::size_t pool = pool_of(Role::control_plane);
  policy.pools.resize(std::max(policy.pools.size(), pool + 1));
  policy.pools[pool].sites = sites;
  policy.pools[pool].sites_stay = true;
  return policy;
}

MemberRequest members_of(std::span<const NodeRequest> wanted, const PlacementPolicy& policy) {
  MemberRequest members{{}, 0, policy.sites.size() > 1, policy.sites};
  for (const ClosedSite& closed : policy.closed) members.closed.push_back(closed.site);
  for (const NodeRequest& node : wanted) {
    if (node.role != Role::control_plane) continue;
    // Members of one cluster are alike; were they not, a site with room for the least one would not be passed over.
    members.amount = members.members == 0 ? node.amount : least(members.amount, node.amount);
    ++members.members;
  }
  return members;
}

// A site that the request allows and its control plane does not: that is the reason, and not the site.
void say_too_far(const FleetQuestion& question, PlacementOutcome& outcome) {
  const std::set<SiteId> asked(question.policy.sites.begin(), question.policy.sites.end());
  for (Refusal& refusal : outcome.refusals) {
    if (refusal.dimension != Dimension::site) continue;
    if (!asked.empty() && !asked.contains(question.hosts[*question.fleet.find(refusal.host)].site)) continue;
    refusal.dimension = Dimension::round_trip;
    refusal.detail = "is at a site too far from the other control-plane nodes, or not measured";
  }
}

}  // namespace

std::string in_milliseconds(Duration time) {
  const auto tenths = (time.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms";
}

std::vector<std::vector<SiteId>> near_groups(std::span<const Candidate> hosts, const MemberRequest& wanted,
                                             std::span<const SiteDistance> distances, Duration bound) {
  return NearGroups(rooms_of(hosts, wanted), wanted, distances, bound).best();
}

NearRule near_rule(const Model& model, std::span<const NodeRequest> wanted, SteadyPoint now) {
  const auto members = std::count_if(wanted.begin(), wanted.end(),
                                     [](const NodeRequest& node) { return node.role == Role::control_plane; });
  if (members < 2 || model.settings.etcd_round_trip_ms == 0) return {};
  NearRule rule{Duration{model.settings.etcd_round_trip_ms * 1000}, site_distances(model, now), {}};
  for (const auto& [id, site] : model.sites) rule.names.emplace(id, site.name);
  return rule;
}

PlacementOutcome place_near(const NearRule& rule, Question& question) {
  const auto hosts = sorted_by_id(question.hosts);
  Fleet fleet(hosts);
  FleetQuestion asked{fleet, hosts, std::move(question.wanted), std::move(question.policy)};
  auto outcome = place_near(rule, asked);
  question.wanted = std::move(asked.wanted);
  question.policy = std::move(asked.policy);
  return outcome;
}

PlacementOutcome place_near(const NearRule& rule, FleetQuestion& question) {
  const PlacementPolicy asked = question.policy;
  const MemberRequest members = members_of(question.wanted, asked);
  const Duration bound = rule.bound;
  const bool ruled = members.members > 1 && bound != Duration{};
  // The rule is one for the pool of the members: whoever decides without it obeys that pool's other rules too.
  for (NodeRequest& node : question.wanted) node.pool = ruled ? pool_of(node.role) : node.pool;
  auto anywhere = place_all(question);
  if (!anywhere.unplaced.empty() || !ruled) return anywhere;
  const auto& distances = rule.distances;
  if (all_near(question, anywhere, distances, bound)) return anywhere;

  const auto suitable = for_members(question.hosts, asked);
  auto groups = near_groups(suitable, members, distances, bound);
  const auto rooms = rooms_of(suitable, members);
  const bool explained = groups.empty();
  // Nowhere is room enough: where there is most, for what each host lacks. There is some: the hosts that the members
  // have just been placed on, under the same rules, are among these rooms.
  if (explained) {
    const auto most = std::max_element(rooms.begin(), rooms.end(),
                                       [](const SiteRoom& a, const SiteRoom& b) { return a.hosts < b.hosts; });
    groups.push_back({most->site});
  }
  std::optional<PlacementOutcome> refused;
  for (const auto& group : groups) {
    question.policy = keep_on(group, asked);
    auto outcome = place_all(question);
    if (outcome.unplaced.empty()) return outcome;
    if (!refused) refused = std::move(outcome);
  }
  question.policy = keep_on(groups.front(), asked);
  say_too_far(question, *refused);
  if (explained) {
    refused->summary = too_far(rule, rooms, members);
  } else {
    refused->summary += "; control-plane members stay on sites at most " + in_milliseconds(bound) +
                        " from each other (placement.etcd_round_trip_ms)";
  }
  return *refused;
}

}  // namespace dure::control
