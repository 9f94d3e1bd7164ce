#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controlnode/core/placement.h"
#include "tests/support/model_builder.h"

// Random fleets and requests, and the naive statement of every rule that a placement keeps.
namespace dure::control::test {

struct AnyCase {
  std::vector<Candidate> hosts;
  std::vector<NodeRequest> wanted;
  PlacementPolicy policy;
};

inline Candidate any_host(std::uint32_t number) {
  Candidate host;
  host.host = numbered<HostId>(0xa0, number);
  host.name = "pc-" + std::to_string(number);
  host.site = numbered<SiteId>(0x5e, *rc::gen::inRange<std::uint32_t>(1, 4));
  host.room = *rc::gen::element<std::string>("", "101", "102", "103");
  host.host_class = *rc::gen::element(HostClass::anchor, HostClass::scavenged);
  host.usable = *rc::gen::inRange(0, 8) != 0;
  if (!host.usable) {
    host.why_not = "is cordoned";
    host.reason = Unusable::cordoned;
  }
  if (*rc::gen::inRange(0, 2) == 0) host.labels.push_back("gpu");
  if (*rc::gen::inRange(0, 2) == 0) host.labels.push_back("ssd");
  host.total = {*rc::gen::inRange<std::int64_t>(1, 9), *rc::gen::inRange<std::int64_t>(1, 9),
                *rc::gen::inRange<std::int64_t>(1, 9)};
  host.free = host.total;
  host.free.memory_mib -= *rc::gen::inRange<std::int64_t>(0, 3);
  host.booting = *rc::gen::inRange<std::uint32_t>(0, 3);
  if (*rc::gen::inRange(0, 4) == 0) host.nodes = *rc::gen::inRange<std::uint32_t>(62, 65);
  if (*rc::gen::inRange(0, 3) == 0) {
    const TimePoint from = seconds_in(*rc::gen::inRange<std::int64_t>(-50, 200));
    host.busy.push_back({from, from + Duration{*rc::gen::inRange<std::int64_t>(1, 60) * 1'000'000}});
  }
  return host;
}

inline PlacementPolicy any_policy(std::size_t hosts) {
  PlacementPolicy policy;
  for (std::uint32_t site = 1; site <= 3; ++site) {
    if (*rc::gen::inRange(0, 4) == 0) policy.sites.push_back(numbered<SiteId>(0x5e, site));
  }
  policy.strategy = *rc::gen::element(Strategy::spread, Strategy::pack);
  policy.apart = *rc::gen::inRange(0, 4) == 0;
  policy.survive = *rc::gen::element(Survive::nothing, Survive::nothing, Survive::host, Survive::room, Survive::site);
  policy.now = kStart;
  if (*rc::gen::inRange(0, 2) == 0) policy.until = seconds_in(*rc::gen::inRange<std::int64_t>(1, 200));
  if (hosts > 0 && *rc::gen::inRange(0, 3) == 0) {
    policy.members.emplace_back(numbered<HostId>(0xa0, 1 + *rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(hosts))),
                                *rc::gen::element(Role::control_plane, Role::worker));
  }
  if (*rc::gen::inRange(0, 6) == 0) policy.closed.push_back({numbered<SiteId>(0x5e, 1), "is at a site that is closed"});
  PoolRules rules;
  if (*rc::gen::inRange(0, 3) == 0) rules.labels.push_back(*rc::gen::element<std::string>("gpu", "ssd", "tpm"));
  if (*rc::gen::inRange(0, 4) == 0) rules.rooms = {"101", "102"};
  if (*rc::gen::inRange(0, 4) == 0) rules.classes = {HostClass::anchor};
  if (*rc::gen::inRange(0, 4) == 0) rules.sites = {numbered<SiteId>(0x5e, 1), numbered<SiteId>(0x5e, 2)};
  policy.pools.push_back(rules);
  if (*rc::gen::inRange(0, 4) == 0) {
    policy.round_trip_us = 1000;
    policy.round_trips = {{numbered<SiteId>(0x5e, 1), numbered<SiteId>(0x5e, 2), 900},
                          {numbered<SiteId>(0x5e, 2), numbered<SiteId>(0x5e, 3), 1100}};
  }
  return policy;
}

inline AnyCase any_rules(int max_hosts, int max_nodes) {
  AnyCase made;
  const int hosts = *rc::gen::inRange(0, max_hosts + 1);
  for (int i = 0; i < hosts; ++i) made.hosts.push_back(any_host(static_cast<std::uint32_t>(i + 1)));
  const int nodes = *rc::gen::inRange(1, max_nodes + 1);
  for (int i = 0; i < nodes; ++i) {
    const Resources amount{*rc::gen::inRange<std::int64_t>(1, 4), *rc::gen::inRange<std::int64_t>(1, 4),
                           *rc::gen::inRange<std::int64_t>(1, 4)};
    made.wanted.push_back({numbered<NodeId>(0x0d, static_cast<std::uint32_t>(i + 1)), "n" + std::to_string(i + 1),
                           *rc::gen::element(Role::control_plane, Role::worker), amount,
                           *rc::gen::inRange<std::uint32_t>(0, 2)});
  }
  made.policy = any_policy(made.hosts.size());
  return made;
}

template <class Values, class Value>
bool among(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// The rules that one node and one host keep or break by themselves.
inline bool may_hold(const AnyCase& made, const Candidate& host, const NodeRequest& node) {
  const PlacementPolicy& policy = made.policy;
  if (!host.usable || (!policy.sites.empty() && !among(policy.sites, host.site))) return false;
  for (const ClosedSite& closed : policy.closed) {
    if (closed.site == host.site) return false;
  }
  for (const BusyWindow& window : host.busy) {
    if (window.until > policy.now && (!policy.until || window.from < *policy.until)) return false;
  }
  if (node.pool >= policy.pools.size()) return true;
  const PoolRules& rules = policy.pools[node.pool];
  return (rules.sites.empty() || among(rules.sites, host.site)) &&
         (rules.rooms.empty() || among(rules.rooms, host.room)) &&
         (rules.classes.empty() || among(rules.classes, host.host_class)) &&
         std::all_of(rules.labels.begin(), rules.labels.end(),
                     [&](const std::string& label) { return among(host.labels, label); });
}

// What is lost with one domain leaves a majority.
template <class Key>
bool majority_survives(const std::map<Key, std::size_t>& planes, std::size_t all) {
  return std::all_of(planes.begin(), planes.end(),
                     [&](const auto& entry) { return all - entry.second >= all / 2 + 1; });
}

inline bool planes_are_well_placed(const AnyCase& made, const std::vector<const Candidate*>& added) {
  std::vector<const Candidate*> planes = added;
  std::set<HostId> distinct;
  for (const auto& [id, role] : made.policy.members) {
    for (const Candidate& host : made.hosts) {
      if (role == Role::control_plane && host.host == id) planes.push_back(&host);
    }
  }
  std::map<HostId, std::size_t> by_host;
  std::map<std::pair<SiteId, std::string>, std::size_t> by_room;
  std::map<SiteId, std::size_t> by_site;
  for (const Candidate* host : planes) {
    if (!distinct.insert(host->host).second) return false;
    ++by_host[host->host];
    ++by_room[{host->site, host->room}];
    ++by_site[host->site];
  }
  if (added.empty()) return true;
  if (made.policy.round_trip_us) {
    const auto far = [&](std::uint32_t a, std::uint32_t b) {
      return by_site.contains(numbered<SiteId>(0x5e, a)) && by_site.contains(numbered<SiteId>(0x5e, b));
    };
    if (far(1, 3) || far(2, 3)) return false;
  }
  switch (made.policy.survive) {
    case Survive::nothing: return true;
    case Survive::host: return majority_survives(by_host, planes.size());
    case Survive::room: return majority_survives(by_room, planes.size());
    case Survive::site: return majority_survives(by_site, planes.size());
  }
  return false;
}

// The naive model: does this assignment (host by node) keep every rule?
inline bool keeps_all_rules(const AnyCase& made, const std::vector<std::size_t>& hosts) {
  std::map<std::size_t, Resources> used;
  std::map<std::size_t, std::uint32_t> members;
  std::vector<const Candidate*> planes;
  for (std::size_t i = 0; i < made.wanted.size(); ++i) {
    const NodeRequest& node = made.wanted[i];
    const Candidate& host = made.hosts[hosts[i]];
    if (!may_hold(made, host, node)) return false;
    if (node.role == Role::control_plane) planes.push_back(&host);
    Resources& sum = used[hosts[i]];
    sum.vcpus += node.amount.vcpus;
    sum.memory_mib += node.amount.memory_mib;
    sum.disk_gib += node.amount.disk_gib;
    if (sum.vcpus > host.free.vcpus || sum.memory_mib > host.free.memory_mib || sum.disk_gib > host.free.disk_gib) {
      return false;
    }
    if (host.nodes + ++members[hosts[i]] > kMaxNodesPerHost) return false;
  }
  for (const auto& [host, count] : members) {
    const auto& before = made.policy.members;
    const bool shared = count > 1 || std::any_of(before.begin(), before.end(), [&, h = host](const auto& member) {
      return member.first == made.hosts[h].host;
    });
    if (made.policy.apart && shared) return false;
  }
  return planes_are_well_placed(made, planes);
}

inline bool brute_force_fits(const AnyCase& made) {
  if (made.hosts.empty()) return false;
  std::vector<std::size_t> hosts(made.wanted.size(), 0);
  while (true) {
    if (keeps_all_rules(made, hosts)) return true;
    std::size_t digit = 0;
    while (digit < hosts.size() && ++hosts[digit] == made.hosts.size()) hosts[digit++] = 0;
    if (digit == hosts.size()) return false;
  }
}

// Host by node; empty if they were not placed.
inline std::vector<std::size_t> assignment_of(const AnyCase& made, const PlacementOutcome& outcome) {
  std::vector<std::size_t> hosts;
  for (const NodeRequest& node : made.wanted) {
    for (const Placement& placement : outcome.placed) {
      if (placement.node != node.node) continue;
      for (std::size_t i = 0; i < made.hosts.size(); ++i) {
        if (made.hosts[i].host == placement.host) hosts.push_back(i);
      }
    }
  }
  return hosts;
}

}  // namespace dure::control::test
