#include "controlnode/core/round_trips.h"

#include <algorithm>
#include <set>

#include "controlnode/core/silence.h"

namespace dure::control {
namespace {

bool may_represent(const Model& model, const Host& host, SteadyPoint now) {
  if (host.cordoned || !is_round_trip_target(host.address) || !model.sites.contains(host.site)) return false;
  return !host.lost_at && heard(model, host.id) && !silent(model, host.id, now);
}

std::map<SiteId, std::vector<const Host*>> representatives(const Model& model, SteadyPoint now) {
  std::map<SiteId, std::vector<const Host*>> sites;
  for (const HostClass wanted : {HostClass::anchor, HostClass::scavenged}) {
    for (const auto& [id, host] : model.hosts) {
      if (host.host_class != wanted) continue;
      const auto found = sites.find(host.site);
      if (found != sites.end() && found->second.size() == kSiteRepresentatives) continue;
      if (may_represent(model, host, now)) sites[host.site].push_back(&host);
    }
  }
  return sites;
}

using Sites = std::map<SiteId, std::vector<const Host*>>;

// From this site on, around: with more sites than an order may name, each pair that is at most so far
// apart in the circle is measured from one of its ends.
std::vector<RoundTripTarget> targets_of(const Sites& sites, Sites::const_iterator own) {
  std::vector<RoundTripTarget> targets;
  std::set<Ipv4> named;
  const std::size_t others = sites.size() - 1;
  const std::size_t each = others * kSiteRepresentatives <= kMaxRoundTripTargets ? kSiteRepresentatives : 1;
  auto at = own;
  for (std::size_t n = 0; n < others; ++n) {
    if (++at == sites.end()) at = sites.begin();
    for (std::size_t i = 0; i < std::min(each, at->second.size()); ++i) {
      const Ipv4 address = at->second[i]->address;
      if (targets.size() < kMaxRoundTripTargets && named.insert(address).second) targets.push_back({at->first, address});
    }
  }
  return targets;
}

using Pair = std::pair<SiteId, SiteId>;

Pair pair_of(const SiteId& one, const SiteId& other) { return {std::min(one, other), std::max(one, other)}; }

// Of an even number the greater one in the middle: who is in doubt is farther away. With two hosts on
// each side one that lies cannot bring the sites nearer.
Duration median(std::vector<std::uint32_t>& values) {
  std::sort(values.begin(), values.end());
  return Duration{values[values.size() / 2]};
}

std::map<Pair, std::vector<std::uint32_t>> fresh(const Model& model, SteadyPoint now) {
  std::map<Pair, std::vector<std::uint32_t>> pairs;
  for (const auto& [id, measured] : model.round_trips) {
    const auto host = model.hosts.find(id);
    if (host == model.hosts.end()) continue;
    for (const auto& [site, trip] : measured) {
      if (trip.answered == 0 || now - trip.at > kRoundTripKept || site == host->second.site) continue;
      pairs[pair_of(host->second.site, site)].push_back(trip.median_us);
    }
  }
  return pairs;
}

}  // namespace

std::map<HostId, std::vector<RoundTripTarget>> round_trip_targets(const Model& model, SteadyPoint now) {
  std::map<HostId, std::vector<RoundTripTarget>> result;
  if (model.sites.size() < 2) return result;
  const auto sites = representatives(model, now);
  for (auto own = sites.begin(); own != sites.end(); ++own) {
    auto targets = targets_of(sites, own);
    if (targets.empty()) continue;
    for (const Host* host : own->second) result.emplace(host->id, targets);
  }
  return result;
}

void take_round_trips(Model& model, const HostReport& report, SteadyPoint now) {
  const auto host = model.hosts.find(report.host);
  if (host == model.hosts.end()) return;
  std::map<SiteId, MeasuredRoundTrip> measured;
  const auto before = model.round_trips.find(report.host);
  for (const SiteRoundTrip& trip : report.round_trips) {
    if (!model.sites.contains(trip.site) || trip.site == host->second.site) continue;
    MeasuredRoundTrip row{report.session, trip.round, now, trip.answered, trip.least_us, trip.median_us};
    if (before != model.round_trips.end()) {
      // The same measurement, told again, is as old as it was.
      const auto known = before->second.find(trip.site);
      if (known != before->second.end() && known->second.session == row.session && known->second.round == row.round) {
        row.at = known->second.at;
      }
    }
    measured.emplace(trip.site, row);
  }
  if (measured.empty()) {
    model.round_trips.erase(report.host);
  } else {
    model.round_trips.insert_or_assign(report.host, std::move(measured));
  }
}

std::optional<Duration> site_round_trip(const Model& model, const SiteId& one, const SiteId& other, SteadyPoint now) {
  if (one == other) return Duration{};
  auto pairs = fresh(model, now);
  const auto found = pairs.find(pair_of(one, other));
  if (found == pairs.end()) return std::nullopt;
  return median(found->second);
}

std::vector<SiteDistance> site_distances(const Model& model, SteadyPoint now) {
  std::vector<SiteDistance> result;
  for (auto& [pair, values] : fresh(model, now)) result.push_back({pair.first, pair.second, median(values)});
  return result;
}

}  // namespace dure::control
