#include "controlnode/core/round_trips.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct TwoSites : Campus {
  SiteId east = site("east"), west = site("west");
  HostId e1 = host("e1", "east"), e2 = host("e2", "east"), e3 = host("e3", "east", kCapacity, HostClass::anchor);
  HostId w1 = host("w1", "west"), w2 = host("w2", "west");

  void measured(const HostId& by, const SiteId& of, std::uint32_t us, std::uint64_t round = 1) {
    auto report = idle_report(by);
    report.round_trips = {{of, round, 10, us == 0 ? 0U : 10U, us, us}};
    tell(report);
  }
  std::vector<HostId> who() const {
    std::vector<HostId> hosts;
    for (const auto& [id, targets] : round_trip_targets(model, steady(now))) hosts.push_back(id);
    return hosts;
  }
  Ipv4 address(const HostId& id) const { return model.hosts.at(id).address; }
  std::int64_t distance() const {
    const auto between = site_round_trip(model, east, west, steady(now));
    return between ? between->count() : -1;
  }
};

}  // namespace

TEST_CASE("round trips: two hosts of each site measure those of the others, durable ones first") {
  TwoSites campus;
  const auto targets = round_trip_targets(campus.model, steady(campus.now));
  CHECK(campus.who() == std::vector<HostId>{campus.e1, campus.e3, campus.w1, campus.w2});
  CHECK(targets.at(campus.e3) ==
        std::vector<RoundTripTarget>{{campus.west, campus.address(campus.w1)}, {campus.west, campus.address(campus.w2)}});
  CHECK(targets.at(campus.w1) ==
        std::vector<RoundTripTarget>{{campus.east, campus.address(campus.e3)}, {campus.east, campus.address(campus.e1)}});
}

TEST_CASE("round trips: who is cordoned, silent, unheard or has no address of its own stands for no site") {
  TwoSites campus;
  campus.model.hosts.at(campus.e3).cordoned = true;
  CHECK(campus.who() == std::vector<HostId>{campus.e1, campus.e2, campus.w1, campus.w2});
  campus.model.hosts.at(campus.e1).address = Ipv4{0x7f000001};
  CHECK(campus.who() == std::vector<HostId>{campus.e2, campus.w1, campus.w2});
  campus.model.heard.erase(campus.w1);
  CHECK(campus.who() == std::vector<HostId>{campus.e2, campus.w2});
  // Then there is nobody to measure, either.
  campus.model.heard.at(campus.w2).at = steady(campus.now - Duration{15'000'000});
  CHECK(campus.who().empty());
}

TEST_CASE("round trips: an order names at most 16 hosts, each once, and every pair of 20 sites is measured from one end") {
  Campus campus;
  constexpr std::uint32_t kSites = 20;
  std::map<Ipv4, SiteId> site_of;
  for (std::uint32_t n = 0; n < kSites; ++n) {
    const auto name = "s" + std::to_string(n);
    campus.site(name);
    for (const char* suffix : {"a", "b"}) {
      const auto& row = campus.model.hosts.at(campus.host(name + suffix, name));
      site_of[row.address] = row.site;
    }
  }
  std::set<std::pair<SiteId, SiteId>> pairs;
  for (const auto& [id, targets] : round_trip_targets(campus.model, steady(campus.now))) {
    const auto& own = campus.model.hosts.at(id).site;
    CHECK(targets.size() == kMaxRoundTripTargets);
    std::set<Ipv4> addresses;
    for (const auto& target : targets) {
      CHECK(addresses.insert(target.address).second);
      CHECK(site_of.at(target.address) == target.site);
      CHECK(target.site != own);
      pairs.insert({std::min(own, target.site), std::max(own, target.site)});
    }
  }
  CHECK(pairs.size() == kSites * (kSites - 1) / 2);
}

TEST_CASE("round trips: one site alone measures nothing") {
  Campus campus;
  campus.site("east");
  campus.host("e1", "east");
  CHECK(round_trip_targets(campus.model, steady(campus.now)).empty());
}

TEST_CASE("round trips: the distance is the median over both directions, the greater of two") {
  TwoSites campus;
  CHECK(campus.distance() == -1);
  campus.measured(campus.e1, campus.west, 4000);
  CHECK(campus.distance() == 4000);
  campus.measured(campus.w1, campus.east, 5000);
  CHECK(campus.distance() == 5000);
  campus.measured(campus.e2, campus.west, 6000);
  CHECK(campus.distance() == 5000);
  // One that lies brings nobody nearer.
  campus.measured(campus.w2, campus.east, 1);
  CHECK(campus.distance() == 5000);
  CHECK(site_distances(campus.model, steady(campus.now)) ==
        std::vector<SiteDistance>{{std::min(campus.east, campus.west), std::max(campus.east, campus.west), Duration{5000}}});
  CHECK(site_round_trip(campus.model, campus.east, campus.east, steady(campus.now)) == Duration{});
}

TEST_CASE("round trips: only the newest measurement counts, and one without an answer is none") {
  TwoSites campus;
  campus.measured(campus.e1, campus.west, 4000, 1);
  campus.measured(campus.e1, campus.west, 9000, 2);
  CHECK(campus.distance() == 9000);
  campus.measured(campus.e1, campus.west, 0, 3);
  CHECK(campus.distance() == -1);
}

TEST_CASE("round trips: what is only told again gets old, and is forgotten with its host") {
  TwoSites campus;
  campus.measured(campus.e1, campus.west, 4000, 1);
  campus.now = campus.now + kRoundTripKept;
  campus.measured(campus.e1, campus.west, 4000, 1);
  CHECK(campus.distance() == 4000);
  campus.now = campus.now + Duration{1};
  CHECK(campus.distance() == -1);
  campus.measured(campus.e1, campus.west, 4000, 2);
  CHECK(campus.distance() == 4000);
  control::apply(campus.model, DropHost{campus.e1});
  CHECK(campus.model.round_trips.empty());
}

TEST_CASE("round trips: a report tells of its own host's and of known other sites alone, and stores nothing") {
  TwoSites campus;
  auto report = campus.idle_report(campus.e1);
  report.round_trips = {{campus.east, 1, 5, 5, 100, 100}, {numbered<SiteId>(0x77, 1), 1, 5, 5, 100, 100}};
  CHECK(campus.tell(report).changes.empty());
  CHECK(campus.model.round_trips.empty());
  report = campus.idle_report(campus.e1);
  report.round_trips = {{campus.west, 1, 5, 5, 100, 100}};
  CHECK(campus.tell(report).changes.empty());
  CHECK(campus.distance() == 100);
  // Not believed: it speaks of another host than its channel's.
  report.sequence += 1;
  report.round_trips[0].median_us = 1;
  campus.decide_all({ReportEvent{campus.w1, report}});
  CHECK(campus.distance() == 100);
  report.round_trips.assign(kMaxRoundTripTargets + 1, report.round_trips[0]);
  campus.tell(report);
  CHECK(campus.distance() == 100);
}
