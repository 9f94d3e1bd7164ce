#include "controlnode/edges/postgres/placement_mapping.h"

#include <array>
#include <string>

#include "controlnode/core/lifecycle.h"
#include "protocol/wire/codec_placement.h"

namespace dure::control {
namespace {

constexpr std::array kUnusables{Unusable::no,     Unusable::cordoned, Unusable::not_reported,
                                Unusable::silent, Unusable::restored, Unusable::crowded,
                                Unusable::lost,   Unusable::owes,     Unusable::not_ready};
constexpr std::array kStrategies{Strategy::spread, Strategy::pack};
constexpr std::array kSurvivals{Survive::nothing, Survive::host, Survive::room, Survive::site};

std::string_view word(Unusable value) { return to_string(value); }
std::string_view word(Strategy value) { return value == Strategy::spread ? "spread" : "pack"; }
std::string_view word(Survive value) {
  switch (value) {
    case Survive::nothing: return "nothing";
    case Survive::host: return "host";
    case Survive::room: return "room";
    case Survive::site: return "site";
  }
  return "nothing";
}

template <class Value>
Value needed(const std::optional<Value>& value, const std::string& text) {
  if (!value) throw Unreadable{"database: table placement_records holds '" + text + "' where it cannot be"};
  return *value;
}

template <class Values>
typename Values::value_type value_of(const Values& values, const std::string& text) {
  for (const auto value : values) {
    if (word(value) == text) return value;
  }
  throw Unreadable{"database: table placement_records holds '" + text + "' where it cannot be"};
}

StoredAmount stored(const Resources& from) {
  const auto& [vcpus, memory_mib, disk_gib] = from;
  return {vcpus, memory_mib, disk_gib};
}
Resources read(const StoredAmount& from) { return {from.vcpus, from.memory_mib, from.disk_gib}; }

StoredHost stored(const Candidate& from) {
  const auto& [host, name, site, host_class, usable, why_not, total, free, nodes, reason, room, labels, busy, images,
               booting] = from;
  StoredHost to{host,         name,  site, std::string(to_string(host_class)), usable, why_not, stored(total),
                stored(free), nodes, std::string(to_string(reason)),           room,   labels,  {},
                images,       booting};
  for (const BusyWindow& window : busy) to.busy.emplace_back(window.from, window.until);
  return to;
}

Candidate read(const StoredHost& from) {
  const auto& [host, name, site, host_class_name, usable, why_not, total, free, nodes, reason, room, labels, busy,
               images, booting] = from;
  Candidate to{host,
               name,
               site,
               needed(host_class(host_class_name), host_class_name),
               usable,
               why_not,
               read(total),
               read(free),
               nodes,
               value_of(kUnusables, reason),
               room,
               labels,
               {},
               images,
               booting};
  for (const auto& [begin, end] : busy) to.busy.push_back({begin, end});
  return to;
}

StoredPool stored(const PoolRules& from) {
  const auto& [sites, rooms, labels, classes, sites_stay] = from;
  StoredPool to{sites, rooms, labels, {}, sites_stay};
  for (const HostClass one : classes) to.classes.emplace_back(to_string(one));
  return to;
}

PoolRules read(const StoredPool& from) {
  const auto& [sites, rooms, labels, classes, sites_stay] = from;
  PoolRules to{sites, rooms, labels, {}, sites_stay};
  for (const std::string& one : classes) to.classes.push_back(needed(host_class(one), one));
  return to;
}

void store_policy(const PlacementPolicy& from, StoredQuestion& to) {
  const auto& [sites, members, strategy, apart, survive, now, until, pools, image, round_trip_us, round_trips,
               closed] = from;
  to.sites = sites;
  for (const auto& [host, node_role] : members) to.members.emplace_back(host, to_string(node_role));
  to.strategy = word(strategy);
  to.apart = apart;
  to.survive = word(survive);
  to.now = now;
  to.until = until;
  for (const PoolRules& rules : pools) to.pools.push_back(stored(rules));
  to.image = image;
  to.round_trip_us = round_trip_us;
  for (const auto& [one, other, us] : round_trips) to.round_trips.push_back({one, other, us});
  for (const auto& [site, why] : closed) to.closed.emplace_back(site, why);
}

}  // namespace

StoredFleet stored_fleet(const FleetDelta& from) {
  StoredFleet to{{}, from.removed};
  to.changed.reserve(from.changed.size());
  for (const Candidate& host : from.changed) to.changed.push_back(stored(host));
  return to;
}

FleetDelta decoded_fleet(const FleetRow& row) {
  const auto stored = wire::decode_stored_fleet(row.fleet);
  if (!stored) {
    throw Unreadable{"database: the fleet of decision " + std::to_string(row.number) +
                     " cannot be read: " + stored.error().message};
  }
  FleetDelta to{{}, stored->removed};
  to.changed.reserve(stored->changed.size());
  for (const StoredHost& host : stored->changed) to.changed.push_back(read(host));
  return to;
}

StoredQuestion stored_question(const PlacementRecord& from) {
  StoredQuestion to;
  for (const auto& [node, name, node_role, amount, pool] : from.wanted) {
    to.nodes.push_back({node, name, std::string(to_string(node_role)), stored(amount), pool});
  }
  store_policy(from.policy, to);
  const auto& [bound, distances, names] = from.near;
  to.near.bound_us = bound.count();
  for (const auto& [one, other, round_trip] : distances) to.near.distances.push_back({one, other, round_trip.count()});
  to.near.names.assign(names.begin(), names.end());
  return to;
}

void read_question(const StoredQuestion& from, PlacementRecord& into) {
  for (const auto& [node, name, role_name, amount, pool] : from.nodes) {
    into.wanted.push_back({node, name, needed(role(role_name), role_name), read(amount), pool});
  }
  PlacementPolicy& policy = into.policy;
  policy.sites = from.sites;
  for (const auto& [host, role_name] : from.members) {
    policy.members.emplace_back(host, needed(role(role_name), role_name));
  }
  policy.strategy = value_of(kStrategies, from.strategy);
  policy.apart = from.apart;
  policy.survive = value_of(kSurvivals, from.survive);
  policy.now = from.now;
  policy.until = from.until;
  for (const StoredPool& pool : from.pools) policy.pools.push_back(read(pool));
  policy.image = from.image;
  policy.round_trip_us = from.round_trip_us;
  for (const auto& [one, other, us] : from.round_trips) {
    if (us < 0 || us > UINT32_MAX) throw Unreadable{"database: a decision has a round trip that cannot be"};
    policy.round_trips.push_back({one, other, static_cast<std::uint32_t>(us)});
  }
  for (const auto& [site, why] : from.closed) policy.closed.push_back({site, why});
  into.near.bound = Duration{from.near.bound_us};
  for (const auto& [one, other, us] : from.near.distances) into.near.distances.push_back({one, other, Duration{us}});
  into.near.names = {from.near.names.begin(), from.near.names.end()};
}

StoredAnswer stored_answer(const PlacementRecord& from) {
  StoredAnswer to{{}, from.unplaced, from.refusals, from.refusals_digest, {}};
  for (const auto& [node, host] : from.placed) to.placed.emplace_back(node, host);
  for (const auto& [code, text] : from.remedies) to.remedies.emplace_back(code, text);
  return to;
}

void read_answer(const StoredAnswer& from, PlacementRecord& into) {
  for (const auto& [node, host] : from.placed) into.placed.push_back({node, host});
  into.unplaced = from.unplaced;
  into.refusals = from.refusals;
  into.refusals_digest = from.refusals_digest;
  for (const auto& [code, text] : from.remedies) into.remedies.push_back({code, text});
}

}  // namespace dure::control
