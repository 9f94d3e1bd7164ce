#include "controlnode/core/placement/gang.h"

#include <doctest/doctest.h>

#include "tests/unit/controlnode/core/placement/any_fleet.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

Candidate pc(std::uint32_t number, const std::string& room, std::uint32_t site = 1, Resources size = {8, 8192, 80}) {
  Candidate host;
  host.host = numbered<HostId>(0xa0, number);
  host.name = "pc-" + std::to_string(number);
  host.site = numbered<SiteId>(0x5e, site);
  host.room = room;
  host.total = host.free = size;
  return host;
}

std::vector<NodeRequest> nodes(std::size_t planes, std::size_t workers, Resources amount = {1, 1024, 10}) {
  std::vector<NodeRequest> wanted;
  for (std::uint32_t i = 0; i < planes + workers; ++i) {
    wanted.push_back({numbered<NodeId>(0x0d, i + 1), "n" + std::to_string(i + 1),
                      i < planes ? Role::control_plane : Role::worker, amount});
  }
  return wanted;
}

bool lacks(const PlacementOutcome& outcome, Dimension dimension) {
  return std::any_of(outcome.refusals.begin(), outcome.refusals.end(),
                     [&](const Refusal& refusal) { return refusal.dimension == dimension; });
}

}  // namespace

TEST_CASE("gang: every placement keeps every rule, and is all or none") {
  CHECK(rc::check([] {
    const AnyCase made = any_rules(10, 10);
    const auto outcome = place_all(made.hosts, made.wanted, made.policy);
    RC_ASSERT(outcome.placed.empty() != outcome.unplaced.empty());
    if (outcome.placed.empty()) return;
    const auto hosts = assignment_of(made, outcome);
    RC_ASSERT(hosts.size() == made.wanted.size());
    RC_ASSERT(keeps_all_rules(made, hosts));
  }));
}

TEST_CASE("gang: agrees with brute force on small fleets under all rules") {
  CHECK(rc::check([] {
    const AnyCase made = any_rules(5, 4);
    const auto outcome = place_all(made.hosts, made.wanted, made.policy);
    RC_ASSERT(outcome.unplaced.empty() == brute_force_fits(made));
  }));
}

TEST_CASE("gang: the order of hosts and of requests does not matter under all rules") {
  CHECK(rc::check([] {
    const AnyCase made = any_rules(12, 8);
    AnyCase turned = made;
    std::reverse(turned.hosts.begin(), turned.hosts.end());
    std::reverse(turned.wanted.begin(), turned.wanted.end());
    const auto one = place_all(made.hosts, made.wanted, made.policy);
    const auto two = place_all(turned.hosts, turned.wanted, turned.policy);
    RC_ASSERT(one.placed == two.placed);
    RC_ASSERT(one.refusals == two.refusals);
    RC_ASSERT(one.summary == two.summary);
  }));
}

TEST_CASE("gang: what is not kept leaves the fleet as it was, and what is kept can be given back") {
  CHECK(rc::check([] {
    const AnyCase made = any_rules(8, 6);
    const auto order = placing_order(made.wanted);
    Fleet fleet(made.hosts);
    const auto first = place_gang(fleet, order, made.policy, false);
    RC_ASSERT(place_gang(fleet, order, made.policy, false).hosts == first.hosts);
    const auto kept = place_gang(fleet, order, made.policy, true);
    RC_ASSERT(kept.hosts == first.hosts);
    for (std::size_t i = 0; i < kept.hosts.size(); ++i) fleet.give_back(kept.hosts[i], amounts(order[i].amount));
    RC_ASSERT(place_gang(fleet, order, made.policy, false).hosts == first.hosts);
  }));
}

TEST_CASE("gang: control planes are spread so that no room holds a majority") {
  const std::vector<Candidate> hosts{pc(1, "301"), pc(2, "301"), pc(3, "301"), pc(4, "302"), pc(5, "303")};
  PlacementPolicy policy;
  policy.survive = Survive::room;
  const auto wanted = nodes(3, 0);
  const auto outcome = place_all(hosts, wanted, policy);
  REQUIRE(outcome.placed.size() == 3);
  std::set<std::string> rooms;
  for (const Placement& placed : outcome.placed) {
    for (const Candidate& host : hosts) {
      if (host.host == placed.host) rooms.insert(host.room);
    }
  }
  CHECK(rooms.size() == 3);
  const auto refused = place_all(std::span(hosts).first(4), wanted, policy);
  CHECK(refused.placed.empty());
  CHECK(lacks(refused, Dimension::survive));
  CHECK(refused.summary.find("holds 1 of 3 control-plane nodes already") != std::string::npos);
}

TEST_CASE("gang: with fewer than three control planes no loss can be survived, and the refusal says so") {
  const std::vector<Candidate> hosts{pc(1, "301"), pc(2, "302", 2)};
  for (const Survive survive : {Survive::host, Survive::room, Survive::site}) {
    PlacementPolicy policy;
    policy.survive = survive;
    const auto outcome = place_all(hosts, nodes(2, 0), policy);
    CHECK(outcome.placed.empty());
    CHECK(outcome.summary.find("cannot survive") != std::string::npos);
    CHECK(outcome.summary.find("at least 3 are needed") != std::string::npos);
    CHECK(place_all(hosts, nodes(0, 2), policy).placed.size() == 2);
  }
}

TEST_CASE("gang: a lease that meets a class is infeasible on that host, one that ends before it is not") {
  std::vector<Candidate> hosts{pc(1, "301")};
  hosts[0].busy = {{seconds_in(100), seconds_in(200)}};
  PlacementPolicy policy;
  policy.now = kStart;
  policy.until = seconds_in(100);
  CHECK(place_all(hosts, nodes(0, 1), policy).placed.size() == 1);
  policy.until = seconds_in(101);
  CHECK(lacks(place_all(hosts, nodes(0, 1), policy), Dimension::busy));
  policy.until.reset();
  CHECK(lacks(place_all(hosts, nodes(0, 1), policy), Dimension::busy));
  policy.now = seconds_in(200);
  CHECK(place_all(hosts, nodes(0, 1), policy).placed.size() == 1);
}

TEST_CASE("gang: pack fills one host, spread takes another each time, apart forbids sharing") {
  const std::vector<Candidate> hosts{pc(1, "301"), pc(2, "301"), pc(3, "301")};
  const auto used = [&](const PlacementPolicy& policy) {
    std::set<HostId> distinct;
    for (const Placement& placed : place_all(hosts, nodes(0, 3), policy).placed) distinct.insert(placed.host);
    return distinct.size();
  };
  PlacementPolicy policy;
  CHECK(used(policy) == 3);
  policy.strategy = Strategy::pack;
  CHECK(used(policy) == 1);
  policy.apart = true;
  CHECK(used(policy) == 3);
  CHECK(lacks(place_all(hosts, nodes(0, 4), policy), Dimension::apart));
}

TEST_CASE("gang: pools go to the rooms, labels and classes that their rules name") {
  std::vector<Candidate> hosts{pc(1, "301"), pc(2, "302"), pc(3, "303")};
  hosts[1].labels = {"gpu"};
  hosts[2].host_class = HostClass::anchor;
  PlacementPolicy policy;
  policy.pools.resize(3);
  policy.pools[0].rooms = {"301"};
  policy.pools[1].labels = {"gpu"};
  policy.pools[2].classes = {HostClass::anchor};
  auto wanted = nodes(0, 3);
  for (std::uint32_t i = 0; i < 3; ++i) wanted[i].pool = i;
  const auto outcome = place_all(hosts, wanted, policy);
  REQUIRE(outcome.placed.size() == 3);
  for (const Placement& placed : outcome.placed) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (placed.node == wanted[i].node) CHECK(placed.host == hosts[i].host);
    }
  }
  policy.pools[1].labels = {"tpm"};
  CHECK(lacks(place_all(hosts, wanted, policy), Dimension::label));
}

TEST_CASE("gang: hosts that have the image, and where fewer guests are starting, are liked better") {
  std::vector<Candidate> hosts{pc(1, "301"), pc(2, "301"), pc(3, "301")};
  PlacementPolicy policy;
  policy.image = numbered<ImageId>(1, 1);
  hosts[1].images = hosts[2].images = {*policy.image};
  hosts[1].booting = 2;
  const auto outcome = place_all(hosts, nodes(0, 1), policy);
  REQUIRE(outcome.placed.size() == 1);
  CHECK(outcome.placed[0].host == hosts[2].host);
}

TEST_CASE("gang: control planes stay within the round trip that is asked for, unmeasured is too far") {
  const std::vector<Candidate> hosts{pc(1, "a", 1, {16, 16384, 160}), pc(2, "b", 2), pc(3, "c", 3)};
  PlacementPolicy policy;
  policy.round_trip_us = 1000;
  policy.round_trips = {{hosts[2].site, hosts[1].site, 800}};
  const auto outcome = place_all(hosts, nodes(2, 0), policy);
  REQUIRE(outcome.placed.size() == 2);
  for (const Placement& placed : outcome.placed) CHECK(placed.host != hosts[0].host);
  CHECK(lacks(place_all(hosts, nodes(3, 0), policy), Dimension::round_trip));
}
