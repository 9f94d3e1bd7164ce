#include "controlnode/core/placement/capacity.h"

#include <algorithm>
#include <map>
#include <set>

#include "controlnode/core/placement.h"

namespace dure::control {
namespace {

std::uint64_t fits_on(const Amounts& free, std::uint32_t nodes, const Amounts& wanted) {
  std::int64_t most = kMaxNodesPerHost > nodes ? kMaxNodesPerHost - nodes : 0;
  for (std::size_t d = 0; d < kAmounts; ++d) {
    if (wanted[d] > 0) most = std::min(most, std::max<std::int64_t>(free[d], 0) / wanted[d]);
  }
  return static_cast<std::uint64_t>(most);
}

bool available(const Candidate& host, TimePoint at, const std::optional<Duration>& stay) {
  if (!host.usable) return false;
  const TimePoint until = at + stay.value_or(Duration{1});
  return std::none_of(host.busy.begin(), host.busy.end(), [&](const BusyWindow& window) {
    return window.until > at && window.from < until && window.from < window.until;
  });
}

}  // namespace

std::vector<CapacityAt> capacity(std::span<const Candidate> hosts, std::span<const FlavorOffer> flavors, TimePoint now,
                                 TimePoint horizon, std::optional<Duration> stay) {
  std::set<TimePoint> instants{now};
  std::set<SiteId> sites;
  for (const Candidate& host : hosts) {
    sites.insert(host.site);
    for (const BusyWindow& window : host.busy) {
      // What must not meet a window stops fitting before it begins.
      const TimePoint last = stay ? window.from - *stay + Duration{1} : window.from;
      for (const TimePoint edge : {last, window.until}) {
        if (edge > now && edge <= horizon) instants.insert(edge);
      }
    }
  }
  std::vector<CapacityAt> result;
  for (const TimePoint at : instants) {
    if (result.size() == kInstants) break;
    std::map<std::pair<SiteId, std::size_t>, SiteCapacity> rows;
    for (const SiteId& site : sites) {
      for (std::size_t i = 0; i < flavors.size(); ++i) rows[{site, i}] = {site, flavors[i].name, 0, 0};
    }
    for (const Candidate& host : hosts) {
      if (!available(host, at, stay)) continue;
      for (std::size_t i = 0; i < flavors.size(); ++i) {
        const std::uint64_t fits = fits_on(amounts(host.free), host.nodes, amounts(flavors[i].amount));
        SiteCapacity& row = rows[{host.site, i}];
        row.fits += fits;
        row.hosts += fits > 0 ? 1 : 0;
      }
    }
    CapacityAt& here = result.emplace_back();
    here.at = at;
    for (auto& [key, row] : rows) here.sites.push_back(std::move(row));
  }
  return result;
}

std::uint64_t capacity_for(const Fleet& fleet, const Amounts& wanted) {
  std::uint64_t sum = 0;
  for (Rank rank = 0; rank < fleet.size(); ++rank) {
    if (fleet.usable(rank)) sum += fits_on(fleet.free(rank), fleet.nodes(rank), wanted);
  }
  return sum;
}

}  // namespace dure::control
