#include "controlnode/core/placement/gang.h"

#include <algorithm>
#include <tuple>

namespace dure::control {
namespace {

template <class Values, class Value>
bool holds(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

Gang::Gang(Fleet& fleet, std::span<const NodeRequest> wanted, const PlacementPolicy& policy)
    : fleet_(fleet), policy_(policy) {
  at_site_.assign(fleet.sites().size(), 0);
  planes_at_site_ = at_site_;
  worth_ = fleet.worth(wanted.empty() ? Amounts{} : amounts(wanted.front().amount));
  for (const NodeRequest& node : wanted) control_planes_ += node.role == Role::control_plane ? 1 : 0;
  for (const ClosedSite& closed : policy.closed) {
    closed_.resize(fleet.sites().size(), 0);
    if (const auto site = fleet.sites().find(closed.site)) closed_[*site] = 1;
  }
  everywhere_ = resolve(PoolRules{policy.sites, {}, {}, {}});
  for (const PoolRules& rules : policy.pools) rules_.push_back(resolve(rules));
  if (policy.round_trip_us) {
    for (std::uint32_t one = 0; one < fleet.sites().size(); ++one) {
      auto& far = far_.emplace_back();
      for (std::uint32_t other = 0; other < fleet.sites().size(); ++other) {
        const SiteId &a = fleet.sites()[one], &b = fleet.sites()[other];
        const bool near = one == other || std::any_of(policy.round_trips.begin(), policy.round_trips.end(),
                                                      [&](const RoundTrip& trip) {
          return trip.us <= *policy.round_trip_us && ((trip.one == a && trip.other == b) ||
                                                      (trip.one == b && trip.other == a));
        });
        if (!near) far.push_back(other);
      }
    }
  }
  for (const auto& [id, role] : policy.members) {
    if (role == Role::control_plane) ++control_planes_;
    const auto rank = fleet.find(id);
    if (!rank) continue;
    Touched& host = touch(*rank);
    join(host, role, 1);
    host.before = host.members;
    host.planes_before = host.control_planes;
  }
}

Gang::~Gang() {
  if (!kept_) give_all_back();
  for (const Touched& host : touched_) fleet_.put_back(host.rank);
}

Gang::Rules Gang::resolve(const PoolRules& rules) const {
  Rules resolved;
  resolved.any_site = rules.sites.empty();
  resolved.any_room = rules.rooms.empty();
  resolved.classes = rules.classes;
  for (const SiteId& site : rules.sites) {
    if (const auto number = fleet_.sites().find(site)) resolved.sites.push_back(*number);
  }
  if (!resolved.any_room) {
    for (std::uint32_t room = 0; room < fleet_.rooms().size(); ++room) {
      if (holds(rules.rooms, fleet_.rooms()[room].second)) resolved.rooms.push_back(room);
    }
  }
  for (const std::string& label : rules.labels) {
    const auto number = fleet_.labels().find(label);
    if (!number) resolved.known_labels = false;
    if (number) resolved.labels.push_back(*number);
  }
  std::sort(resolved.labels.begin(), resolved.labels.end());
  return resolved;
}

const Gang::Rules& Gang::rules_of(const NodeRequest& wanted) const {
  static const Rules kNone;
  return wanted.pool < rules_.size() ? rules_[wanted.pool] : kNone;
}

const Gang::Touched* Gang::touched(Rank rank) const {
  for (const Touched& host : touched_) {
    if (host.rank == rank) return &host;
  }
  return nullptr;
}

Gang::Touched& Gang::touch(Rank rank) {
  for (Touched& host : touched_) {
    if (host.rank == rank) return host;
  }
  fleet_.lift(rank);
  touched_.emplace_back().rank = rank;
  return touched_.back();
}

void Gang::join(Touched& host, Role role, int by) {
  const auto add = [by](std::uint32_t& to) { to = static_cast<std::uint32_t>(static_cast<int>(to) + by); };
  const std::uint32_t site = fleet_.groups()[fleet_.group(host.rank)].site;
  const std::uint32_t room = fleet_.room(host.rank);
  add(host.members);
  add(at_site_[site]);
  if (role != Role::control_plane) return;
  add(host.control_planes);
  add(planes_at_site_[site]);
  for (auto& [number, planes] : planes_in_room_) {
    if (number == room) return add(planes);
  }
  planes_in_room_.emplace_back(room, 1);
}

void Gang::take(Rank rank, const NodeRequest& wanted) {
  Touched& host = touch(rank);
  host.taken.push_back(amounts(wanted.amount));
  join(host, wanted.role, 1);
  fleet_.take(rank, amounts(wanted.amount));
}

void Gang::give_back(Rank rank, const NodeRequest& wanted) {
  Touched& host = touch(rank);
  const Amounts amount = amounts(wanted.amount);
  host.taken.erase(std::find(host.taken.begin(), host.taken.end(), amount));
  join(host, wanted.role, -1);
  fleet_.give_back(rank, amount);
  if (host.members > 0) return;
  // Nobody of the cluster is left there: a host like any other again.
  fleet_.put_back(rank);
  std::swap(host, touched_.back());
  touched_.pop_back();
}

void Gang::give_all_back() {
  for (Touched& host : touched_) {
    for (const Amounts& amount : host.taken) fleet_.give_back(host.rank, amount);
    host.taken.clear();
    while (host.control_planes > host.planes_before) join(host, Role::control_plane, -1);
    while (host.members > host.before) join(host, Role::worker, -1);
  }
}

const BusyWindow* Gang::busy_window(Rank rank) const {
  return meets(fleet_.groups()[fleet_.group(rank)].busy, policy_.now, policy_.until);
}

bool Gang::too_far(std::uint32_t site) const {
  if (far_.empty()) return false;
  return std::any_of(far_[site].begin(), far_[site].end(),
                     [&](std::uint32_t other) { return planes_at_site_[other] > 0; });
}

bool Gang::room_is_full(std::uint32_t room) const {
  if (most_together(control_planes_) == 0) return true;
  return std::any_of(planes_in_room_.begin(), planes_in_room_.end(), [&](const auto& entry) {
    return entry.first == room && entry.second >= most_together(control_planes_);
  });
}

void Gang::group_lacks(std::uint32_t number, const NodeRequest& wanted, std::vector<Dimension>& lacks) const {
  const HostGroup& group = fleet_.groups()[number];
  const Rules& rules = rules_of(wanted);
  if (!closed_.empty() && closed_[group.site] != 0) lacks.push_back(Dimension::unusable);
  if ((!everywhere_.any_site && !holds(everywhere_.sites, group.site)) ||
      (!rules.any_site && !holds(rules.sites, group.site))) {
    lacks.push_back(Dimension::site);
  }
  if (!rules.known_labels || !std::includes(group.labels.begin(), group.labels.end(), rules.labels.begin(),
                                            rules.labels.end())) {
    lacks.push_back(Dimension::label);
  }
  if (!rules.classes.empty() && !holds(rules.classes, group.host_class)) lacks.push_back(Dimension::host_class);
  if (meets(group.busy, policy_.now, policy_.until) != nullptr) lacks.push_back(Dimension::busy);
  if (wanted.role != Role::control_plane) return;
  if (policy_.survive == Survive::site && planes_at_site_[group.site] >= most_together(control_planes_)) {
    lacks.push_back(Dimension::survive);
  }
  if (policy_.survive == Survive::host && most_together(control_planes_) == 0) {
    lacks.push_back(Dimension::survive);
  }
  if (too_far(group.site)) lacks.push_back(Dimension::round_trip);
}

void Gang::host_lacks(Rank rank, const NodeRequest& wanted, std::vector<Dimension>& lacks) const {
  const Rules& rules = rules_of(wanted);
  const Touched* host = touched(rank);
  if (!fleet_.usable(rank)) lacks.push_back(Dimension::unusable);
  if (!rules.any_room && !holds(rules.rooms, fleet_.room(rank))) lacks.push_back(Dimension::room);
  if (wanted.role == Role::control_plane) {
    if (host != nullptr && host->control_planes > 0) lacks.push_back(Dimension::distinct_host);
    if (policy_.survive == Survive::room && room_is_full(fleet_.room(rank))) lacks.push_back(Dimension::survive);
  }
  if (policy_.apart && host != nullptr && host->members > 0) lacks.push_back(Dimension::apart);
  const Amounts amount = amounts(wanted.amount);
  for (std::size_t d = 0; d < kAmounts; ++d) {
    if (amount[d] > fleet_.free(rank)[d]) lacks.push_back(static_cast<Dimension>(d));
  }
}

std::vector<Dimension> Gang::lacks(Rank rank, const NodeRequest& wanted) const {
  std::vector<Dimension> lacks;
  group_lacks(fleet_.group(rank), wanted, lacks);
  host_lacks(rank, wanted, lacks);
  std::sort(lacks.begin(), lacks.end());
  lacks.erase(std::unique(lacks.begin(), lacks.end()), lacks.end());
  return lacks;
}

bool Gang::fits(Rank rank, const NodeRequest& wanted) const {
  return covers(fleet_.free(rank), amounts(wanted.amount)) && lacks(rank, wanted).empty();
}

std::vector<std::uint32_t> Gang::full_rooms(const NodeRequest& wanted) const {
  std::vector<std::uint32_t> full;
  if (policy_.survive != Survive::room || wanted.role != Role::control_plane) return full;
  for (const auto& [room, planes] : planes_in_room_) {
    if (planes >= most_together(control_planes_)) full.push_back(room);
  }
  return full;
}

const std::vector<GroupTerm>& Gang::terms(const NodeRequest& wanted, Strategy strategy) {
  terms_.resize(fleet_.groups().size());
  const bool impossible = wanted.role == Role::control_plane && policy_.survive != Survive::nothing &&
                          most_together(control_planes_) == 0;
  const bool spread_sites = strategy == Strategy::spread && policy_.sites.size() > 1;
  std::vector<Dimension> lacks;
  for (std::uint32_t number = 0; number < fleet_.groups().size(); ++number) {
    const HostGroup& group = fleet_.groups()[number];
    GroupTerm& term = terms_[number];
    lacks.clear();
    if (!impossible) group_lacks(number, wanted, lacks);
    term.allowed = !impossible && lacks.empty();
    const bool durable = wanted.role != Role::control_plane || group.host_class == HostClass::anchor;
    term.at_site = strategy == Strategy::spread ? at_site_[group.site] : 0;
    term.prefix = (std::uint64_t{!durable} << 60) | (std::uint64_t{spread_sites ? term.at_site : 0} << 30);
    const bool missing = policy_.image && !std::binary_search(group.images.begin(), group.images.end(), *policy_.image);
    term.extra = missing ? Cost::kNoImage : 0;
  }
  return terms_;
}

void Gang::weigh(Rank rank, const NodeRequest& wanted, Strategy strategy, Choice& best) const {
  if (!covers(fleet_.free(rank), amounts(wanted.amount))) return;
  const GroupTerm& term = terms_[fleet_.group(rank)];
  if (!term.allowed) return;
  std::vector<Dimension> lacks;
  host_lacks(rank, wanted, lacks);
  if (!lacks.empty()) return;
  const Touched* host = touched(rank);
  const std::uint64_t members = host != nullptr && strategy == Strategy::spread ? host->members : 0;
  const Cost cost(strategy, amounts(wanted.amount), worth_);
  const Choice choice{term.prefix + members,
                      cost.of(fleet_.host_size(rank), fleet_.free(rank), fleet_.booting(rank)) + term.extra,
                      term.at_site, rank};
  best = std::min(best, choice);
}

std::optional<Rank> Gang::best(const NodeRequest& wanted, Strategy strategy) {
  const auto& groups = terms(wanted, strategy);
  Choice best;
  const Rules& rules = rules_of(wanted);
  for (const std::uint32_t room : rules.rooms) {
    for (const Rank rank : fleet_.hosts_in(room)) weigh(rank, wanted, strategy, best);
  }
  if (rules.any_room) {
    for (const Touched& host : touched_) weigh(host.rank, wanted, strategy, best);
    const auto full = full_rooms(wanted);
    const Amounts amount = amounts(wanted.amount);
    fleet_.index().search({groups, Cost(strategy, amount, worth_), amount, fleet_.room_of(), full}, best);
  }
  if (!best.found()) return std::nullopt;
  return best.rank;
}

std::vector<Rank> Gang::places(const NodeRequest& wanted, std::size_t most, std::size_t& looked_at) {
  const auto& groups = terms(wanted, Strategy::pack);
  const Amounts amount = amounts(wanted.amount);
  const Cost cost(Strategy::pack, amount, worth_);
  const bool by_room = policy_.survive == Survive::room && wanted.role == Role::control_plane;
  std::vector<std::pair<std::int64_t, Rank>> found;
  const auto add = [&](Rank rank) {
    if (fits(rank, wanted)) found.emplace_back(cost.of(fleet_.host_size(rank), fleet_.free(rank), 0), rank);
  };
  const Rules& rules = rules_of(wanted);
  for (const std::uint32_t room : rules.rooms) {
    for (const Rank rank : fleet_.hosts_in(room)) add(rank);
  }
  if (rules.any_room) {
    for (const Touched& host : touched_) add(host.rank);
    looked_at += fleet_.index().states();
    fleet_.index().each_state({groups, cost, amount}, [&](std::uint32_t, std::uint32_t, const auto&, const auto& hosts) {
      std::vector<std::uint32_t> rooms;
      for (const Rank rank : hosts) {
        if (by_room && holds(rooms, fleet_.room(rank))) continue;
        rooms.push_back(fleet_.room(rank));
        add(rank);
        if (!by_room) break;
      }
    });
  }
  std::sort(found.begin(), found.end());
  std::vector<Rank> places;
  for (const auto& [value, rank] : found) {
    if (places.size() < most) places.push_back(rank);
  }
  return places;
}

}  // namespace dure::control
