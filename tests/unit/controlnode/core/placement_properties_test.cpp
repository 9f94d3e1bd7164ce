#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>

#include "controlnode/core/placement.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct Case {
  std::vector<Candidate> hosts;
  std::vector<NodeRequest> wanted;
  PlacementPolicy policy;
};

Case any_case(int max_hosts, int max_nodes) {
  Case made;
  const int hosts = *rc::gen::inRange(0, max_hosts + 1);
  for (int i = 0; i < hosts; ++i) {
    Candidate host;
    host.host = numbered<HostId>(0xa0, static_cast<std::uint32_t>(i + 1));
    host.name = "pc-" + std::to_string(i + 1);
    host.site = numbered<SiteId>(0x5e, *rc::gen::inRange<std::uint32_t>(1, 4));
    host.host_class = *rc::gen::element(HostClass::anchor, HostClass::scavenged);
    host.usable = *rc::gen::inRange(0, 8) != 0;
    if (!host.usable) host.why_not = "is cordoned";
    host.total = {*rc::gen::inRange<std::int64_t>(1, 9), *rc::gen::inRange<std::int64_t>(1, 9),
                  *rc::gen::inRange<std::int64_t>(1, 9)};
    host.free = host.total;
    host.free.memory_mib -= *rc::gen::inRange<std::int64_t>(0, 3);
    made.hosts.push_back(host);
  }
  const int nodes = *rc::gen::inRange(1, max_nodes + 1);
  for (int i = 0; i < nodes; ++i) {
    const Resources amount{*rc::gen::inRange<std::int64_t>(1, 5),
                           *rc::gen::inRange<std::int64_t>(1, 5),
                           *rc::gen::inRange<std::int64_t>(1, 5)};
    made.wanted.push_back({numbered<NodeId>(0x0d, static_cast<std::uint32_t>(i + 1)),
                           "n" + std::to_string(i + 1),
                           *rc::gen::element(Role::control_plane, Role::worker, Role::worker),
                           amount});
  }
  for (std::uint32_t site = 1; site <= 3; ++site) {
    if (*rc::gen::inRange(0, 3) == 0) made.policy.sites.push_back(numbered<SiteId>(0x5e, site));
  }
  return made;
}

bool allowed(const Case& made, const Candidate& host) {
  const auto& sites = made.policy.sites;
  return host.usable &&
         (sites.empty() || std::find(sites.begin(), sites.end(), host.site) != sites.end());
}

// The naive model: does this assignment keep every rule?
bool valid(const Case& made, const std::vector<std::size_t>& hosts) {
  std::map<std::size_t, Resources> used;
  std::set<std::size_t> planes;
  for (std::size_t i = 0; i < made.wanted.size(); ++i) {
    const NodeRequest& node = made.wanted[i];
    if (!allowed(made, made.hosts[hosts[i]])) return false;
    if (node.role == Role::control_plane && !planes.insert(hosts[i]).second) return false;
    Resources& sum = used[hosts[i]];
    sum.vcpus += node.amount.vcpus;
    sum.memory_mib += node.amount.memory_mib;
    sum.disk_gib += node.amount.disk_gib;
    const Resources& free = made.hosts[hosts[i]].free;
    if (sum.vcpus > free.vcpus || sum.memory_mib > free.memory_mib || sum.disk_gib > free.disk_gib) {
      return false;
    }
  }
  return true;
}

bool brute_force(const Case& made) {
  if (made.hosts.empty()) return false;
  std::vector<std::size_t> hosts(made.wanted.size(), 0);
  while (true) {
    if (valid(made, hosts)) return true;
    std::size_t digit = 0;
    while (digit < hosts.size() && ++hosts[digit] == made.hosts.size()) hosts[digit++] = 0;
    if (digit == hosts.size()) return false;
  }
}

std::vector<std::size_t> assignment(const Case& made, const PlacementOutcome& outcome) {
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

}  // namespace

TEST_CASE("placement: never over capacity, all or none, distinct control planes, for any request") {
  CHECK(rc::check([] {
    const Case made = any_case(8, 10);
    const auto outcome = place_all(made.hosts, made.wanted, made.policy);
    if (outcome.placed.empty()) {
      RC_ASSERT(!outcome.unplaced.empty());
      RC_ASSERT(!outcome.summary.empty());
    } else {
      RC_ASSERT(outcome.unplaced.empty());
      RC_ASSERT(outcome.placed.size() == made.wanted.size());
      RC_ASSERT(valid(made, assignment(made, outcome)));
    }
  }));
}

TEST_CASE("placement: agrees with brute force on small fleets about what fits") {
  CHECK(rc::check([] {
    const Case made = any_case(4, 5);
    const auto outcome = place_all(made.hosts, made.wanted, made.policy);
    RC_ASSERT(outcome.unplaced.empty() == brute_force(made));
  }));
}

TEST_CASE("placement: the order of hosts and of requests does not change the answer") {
  CHECK(rc::check([] {
    const Case made = any_case(8, 8);
    Case turned = made;
    const auto by = *rc::gen::inRange<std::size_t>(0, 8);
    if (!turned.hosts.empty()) {
      std::rotate(turned.hosts.begin(),
                  turned.hosts.begin() + static_cast<std::ptrdiff_t>(by % turned.hosts.size()),
                  turned.hosts.end());
    }
    std::reverse(turned.wanted.begin(), turned.wanted.end());
    const auto one = place_all(made.hosts, made.wanted, made.policy);
    const auto two = place_all(turned.hosts, turned.wanted, turned.policy);
    RC_ASSERT(one.placed == two.placed);
    RC_ASSERT(one.unplaced == two.unplaced);
    RC_ASSERT(one.refusals == two.refusals);
    RC_ASSERT(one.summary == two.summary);
  }));
}

TEST_CASE("placement: a refusal tells the truth about each host for the first node without a place") {
  CHECK(rc::check([] {
    const Case made = any_case(6, 6);
    const auto outcome = place_all(made.hosts, made.wanted, made.policy);
    for (const Refusal& refusal : outcome.refusals) {
      if (refusal.detail.empty()) RC_ASSERT(refusal.wanted > refusal.free);
      RC_ASSERT(refusal.free <= refusal.total);
    }
    if (outcome.unplaced.empty()) RC_ASSERT(outcome.refusals.empty());
  }));
}
