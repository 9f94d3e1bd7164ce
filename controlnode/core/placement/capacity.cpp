#include "controlnode/core/placement/capacity.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

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

// When a host comes or goes: only it has to be looked at again.
struct Edge {
  TimePoint at;
  std::size_t host;  // its place among the hosts
};

std::vector<Edge> edges_of(std::span<const Candidate> hosts, TimePoint now, TimePoint horizon,
                           const std::optional<Duration>& stay) {
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    for (const BusyWindow& window : hosts[i].busy) {
      // What must not meet a window stops fitting before it begins.
      const TimePoint last = stay ? window.from - *stay + Duration{1} : window.from;
      for (const TimePoint edge : {last, window.until}) {
        if (edge > now && edge <= horizon) edges.push_back({edge, i});
      }
    }
  }
  std::sort(edges.begin(), edges.end(),
            [](const Edge& a, const Edge& b) { return std::tie(a.at, a.host) < std::tie(b.at, b.host); });
  return edges;
}

// What fits by site and flavor, as hosts are counted in and out.
class Sums {
 public:
  Sums(std::span<const Candidate> hosts, std::span<const FlavorOffer> flavors) : flavors_(flavors) {
    for (const Candidate& host : hosts) {
      for (std::size_t i = 0; i < flavors.size(); ++i) rows_[{host.site, i}] = {host.site, flavors[i].name, 0, 0};
    }
  }

  void add(const Candidate& host, int times) {
    for (std::size_t i = 0; i < flavors_.size(); ++i) {
      const std::uint64_t fits = fits_on(amounts(host.free), host.nodes, amounts(flavors_[i].amount));
      SiteCapacity& row = rows_[{host.site, i}];
      row.fits += static_cast<std::uint64_t>(times) * fits;
      row.hosts += static_cast<std::uint32_t>(fits > 0 ? times : 0);
    }
  }

  std::vector<SiteCapacity> rows() const {
    std::vector<SiteCapacity> rows;
    for (const auto& [key, row] : rows_) rows.push_back(row);
    return rows;
  }

 private:
  std::span<const FlavorOffer> flavors_;
  std::map<std::pair<SiteId, std::size_t>, SiteCapacity> rows_;
};

}  // namespace

CapacityCurve capacity(std::span<const Candidate> hosts, std::span<const FlavorOffer> flavors, TimePoint now,
                       TimePoint horizon, std::optional<Duration> stay) {
  Sums sums(hosts, flavors);
  std::vector<char> counted(hosts.size(), 0);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    counted[i] = available(hosts[i], now, stay) ? 1 : 0;
    if (counted[i] != 0) sums.add(hosts[i], +1);
  }
  CapacityCurve curve;
  curve.until = horizon;
  curve.instants.push_back({now, sums.rows()});
  const std::vector<Edge> edges = edges_of(hosts, now, horizon, stay);
  for (std::size_t from = 0, to = 0; from < edges.size(); from = to) {
    const TimePoint at = edges[from].at;
    for (to = from; to < edges.size() && edges[to].at == at; ++to) {
      const std::size_t i = edges[to].host;
      const char now_counted = available(hosts[i], at, stay) ? 1 : 0;
      if (now_counted != counted[i]) sums.add(hosts[i], now_counted - counted[i]);
      counted[i] = now_counted;
    }
    auto rows = sums.rows();
    if (rows == curve.instants.back().sites) continue;
    if (curve.instants.size() == kInstants) {
      curve.until = at - Duration{1};
      break;
    }
    curve.instants.push_back({at, std::move(rows)});
  }
  return curve;
}

std::uint64_t capacity_for(const Fleet& fleet, const Amounts& wanted) {
  std::uint64_t sum = 0;
  for (Rank rank = 0; rank < fleet.size(); ++rank) {
    if (fleet.usable(rank)) sum += fits_on(fleet.free(rank), fleet.nodes(rank), wanted);
  }
  return sum;
}

}  // namespace dure::control
