#include "controlnode/core/placement/capacity.h"

#include <doctest/doctest.h>

#include "controlnode/core/placement/rebalance.h"
#include "tests/unit/controlnode/core/placement/any_fleet.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

const std::vector<FlavorOffer> kFlavors{{"small", {1, 1, 1}}, {"large", {4, 4, 4}}};

Candidate pc(std::uint32_t number, Resources free, std::uint32_t site = 1) {
  Candidate host;
  host.host = numbered<HostId>(0xa0, number);
  host.name = "pc-" + std::to_string(number);
  host.site = numbered<SiteId>(0x5e, site);
  host.total = {8, 8, 8};
  host.free = free;
  return host;
}

}  // namespace

TEST_CASE("capacity: by site and flavor, now and when classes begin and end") {
  std::vector<Candidate> hosts{pc(1, {8, 8, 8}), pc(2, {3, 8, 8}), pc(3, {8, 8, 8}, 2)};
  hosts[0].busy = {{seconds_in(100), seconds_in(200)}};
  hosts[2].usable = false;
  const auto told = capacity(hosts, kFlavors, kStart, seconds_in(1000), std::nullopt);
  CHECK(told.until == seconds_in(1000));
  const auto& curve = told.instants;
  REQUIRE(curve.size() == 3);
  CHECK(curve[0].at == kStart);
  CHECK(curve[0].sites == std::vector<SiteCapacity>{{hosts[0].site, "small", 11, 2},
                                                    {hosts[0].site, "large", 2, 1},
                                                    {hosts[2].site, "small", 0, 0},
                                                    {hosts[2].site, "large", 0, 0}});
  CHECK(curve[1].at == seconds_in(100));
  CHECK(curve[1].sites[0].fits == 3);
  CHECK(curve[1].sites[1].fits == 0);
  CHECK(curve[2].at == seconds_in(200));
  CHECK(curve[2].sites == curve[0].sites);
}

TEST_CASE("capacity: guests that stay must not meet a class") {
  std::vector<Candidate> hosts{pc(1, {8, 8, 8})};
  hosts[0].busy = {{seconds_in(100), seconds_in(200)}};
  const auto curve = capacity(hosts, kFlavors, kStart, seconds_in(1000), Duration{50'000'000}).instants;
  REQUIRE(curve.size() == 3);
  CHECK(curve[0].sites[0].fits == 8);
  CHECK(curve[1].at == seconds_in(50) + Duration{1});
  CHECK(curve[1].sites[0].fits == 0);
  CHECK(curve[2].at == seconds_in(200));
  CHECK(curve[2].sites[0].fits == 8);
}

TEST_CASE("capacity: an instant at which one host goes and a like one comes is none, and what is not told is said") {
  std::vector<Candidate> hosts{pc(1, {8, 8, 8}), pc(2, {8, 8, 8})};
  hosts[0].busy = {{seconds_in(100), seconds_in(200)}};
  hosts[1].busy = {{kStart, seconds_in(100)}, {seconds_in(200), seconds_in(300)}};
  const auto steady = capacity(hosts, kFlavors, kStart, seconds_in(250), std::nullopt);
  CHECK(steady.instants.size() == 1);
  CHECK(steady.until == seconds_in(250));
  // A class in every second minute.
  hosts[0].busy.clear();
  hosts[1].busy.clear();
  for (std::uint32_t i = 0; i < kInstants; ++i) hosts[0].busy.push_back({seconds_in(120 * i + 60), seconds_in(120 * i + 120)});
  const auto cut = capacity(hosts, kFlavors, kStart, seconds_in(1'000'000), std::nullopt);
  CHECK(cut.instants.size() == kInstants);
  CHECK(cut.until == seconds_in(60 * static_cast<std::int64_t>(kInstants)) - Duration{1});
}

TEST_CASE("capacity: at every instant it is what counting all hosts anew gives") {
  CHECK(rc::check([] {
    std::vector<Candidate> hosts;
    const auto count = *rc::gen::inRange<std::uint32_t>(0, 6);
    for (std::uint32_t i = 0; i < count; ++i) {
      hosts.push_back(pc(i + 1, {*rc::gen::inRange<std::int64_t>(0, 9), 8, 8}, i % 2));
      std::int64_t at = 0;
      for (auto left = *rc::gen::inRange(0, 4); left > 0; --left) {
        const auto from = at + *rc::gen::inRange<std::int64_t>(1, 20);
        at = from + *rc::gen::inRange<std::int64_t>(1, 20);
        hosts.back().busy.push_back({seconds_in(from), seconds_in(at)});
      }
    }
    std::optional<Duration> stay;
    if (*rc::gen::arbitrary<bool>()) stay = Duration{*rc::gen::inRange<std::int64_t>(1, 30) * 1'000'000};
    const auto curve = capacity(hosts, kFlavors, kStart, seconds_in(200), stay);
    for (std::int64_t second = 0; second <= 200; ++second) {
      const TimePoint at = seconds_in(second);
      const CapacityAt* here = nullptr;
      for (const CapacityAt& instant : curve.instants) {
        if (instant.at <= at) here = &instant;
      }
      RC_ASSERT(here != nullptr);
      RC_ASSERT(here->sites == capacity(hosts, kFlavors, at, at, stay).instants.front().sites);
    }
  }));
}

TEST_CASE("capacity: as many as it says can be placed, and not one more") {
  CHECK(rc::check([] {
    std::vector<Candidate> hosts;
    const auto count = *rc::gen::inRange<std::uint32_t>(0, 8);
    for (std::uint32_t i = 0; i < count; ++i) hosts.push_back(any_host(i + 1));
    Fleet fleet(hosts);
    NodeRequest wanted;
    wanted.amount = {2, 2, 1};
    const std::uint64_t most = capacity_for(fleet, amounts(wanted.amount));
    PlacementPolicy policy;
    policy.now = seconds_in(100'000);
    for (std::uint64_t i = 0; i < most; ++i) {
      RC_ASSERT(!place_gang(fleet, std::span(&wanted, 1), policy, true).hosts.empty());
    }
    RC_ASSERT(place_gang(fleet, std::span(&wanted, 1), policy, true).hosts.empty());
  }));
}

TEST_CASE("rebalance: two half-used hosts become one full and one empty, so that a large guest fits") {
  std::vector<Candidate> hosts{pc(1, {5, 5, 5}), pc(2, {4, 4, 4}), pc(3, {8, 8, 8})};
  hosts[0].nodes = hosts[1].nodes = 1;
  hosts[2].usable = false;
  const ClusterId one = numbered<ClusterId>(1, 1), two = numbered<ClusterId>(1, 2);
  std::vector<Resident> residents{{numbered<NodeId>(2, 1), one, Role::worker, hosts[0].host, {3, 3, 3}},
                                  {numbered<NodeId>(2, 2), two, Role::worker, hosts[1].host, {4, 4, 4}}};
  const auto plan = rebalance(hosts, residents, {8, 8, 8}, 10);
  CHECK(plan.fits_before == 0);
  CHECK(plan.fits_after == 1);
  CHECK(plan.moves == std::vector<Move>{{residents[0].node, hosts[0].host, hosts[1].host}});
  CHECK(plan.emptied == std::vector<HostId>{hosts[0].host});
  CHECK(rebalance(hosts, residents, {8, 8, 8}, 0).moves.empty());
  CHECK(rebalance(hosts, residents, {1, 1, 1}, 10).moves.empty());
  // Nothing moves to where its cluster does not allow it, so that the other one moves.
  PlacementPolicy asked;
  asked.pools.resize(2);
  asked.pools[1].rooms = {"301"};
  CHECK(rebalance(hosts, residents, {8, 8, 8}, 10, {{one, asked}}).moves ==
        std::vector<Move>{{residents[1].node, hosts[1].host, hosts[0].host}});
  hosts[1].room = "301";
  CHECK(rebalance(hosts, residents, {8, 8, 8}, 10, {{one, asked}}).moves == plan.moves);
  // Control planes of one cluster do not come together for it.
  residents[1].cluster = one;
  residents[0].role = residents[1].role = Role::control_plane;
  CHECK(rebalance(hosts, residents, {8, 8, 8}, 10).moves.empty());
}

TEST_CASE("rebalance: after its moves every host holds its nodes, and as many guests fit as it says") {
  CHECK(rc::check([] {
    std::vector<Candidate> hosts;
    std::vector<Resident> residents;
    const auto count = *rc::gen::inRange<std::uint32_t>(1, 7);
    for (std::uint32_t i = 0; i < count; ++i) hosts.push_back(pc(i + 1, {8, 8, 8}));
    const auto nodes = *rc::gen::inRange<std::uint32_t>(0, 12);
    for (std::uint32_t i = 0; i < nodes; ++i) {
      Candidate& host = hosts[*rc::gen::inRange<std::size_t>(0, hosts.size())];
      const std::int64_t size = *rc::gen::inRange<std::int64_t>(1, 5);
      if (size > host.free.vcpus) continue;
      host.free = {host.free.vcpus - size, host.free.memory_mib - size, host.free.disk_gib - size};
      ++host.nodes;
      residents.push_back({numbered<NodeId>(2, i), numbered<ClusterId>(1, i % 3), Role::worker, host.host, {size, size, size}});
    }
    const Resources flavor{8, 8, 8};
    const auto plan = rebalance(hosts, residents, flavor, 6);
    RC_ASSERT(plan.moves.size() <= 6);
    RC_ASSERT(plan.fits_after >= plan.fits_before);
    for (const Move& move : plan.moves) {
      for (const Resident& resident : residents) {
        if (resident.node != move.node) continue;
        RC_ASSERT(resident.host == move.from);
        for (Candidate& host : hosts) {
          const std::int64_t by = host.host == move.from ? resident.amount.vcpus : host.host == move.to ? -resident.amount.vcpus : 0;
          host.free = {host.free.vcpus + by, host.free.memory_mib + by, host.free.disk_gib + by};
          if (by != 0) host.nodes += by > 0 ? static_cast<std::uint32_t>(-1) : 1;
        }
      }
    }
    for (const Candidate& host : hosts) RC_ASSERT(host.free.vcpus >= 0);
    RC_ASSERT(capacity_for(Fleet(hosts), amounts(flavor)) == plan.fits_after);
  }));
}
