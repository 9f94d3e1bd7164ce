#include "controlnode/core/placement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

Candidate host(std::uint32_t number, Resources free, std::uint32_t site = 1) {
  Candidate candidate;
  candidate.host = numbered<HostId>(0xa0, number);
  candidate.name = "pc-" + std::to_string(number);
  candidate.site = numbered<SiteId>(0x5e, site);
  candidate.total = candidate.free = free;
  return candidate;
}

NodeRequest node(std::uint32_t number, Resources amount, Role role = Role::worker) {
  return {numbered<NodeId>(0x0d, number), "n" + std::to_string(number), role, amount};
}

HostId where(const PlacementOutcome& outcome, std::uint32_t number) {
  for (const Placement& placement : outcome.placed) {
    if (placement.node == numbered<NodeId>(0x0d, number)) return placement.host;
  }
  return {};
}

bool refused_for(const PlacementOutcome& outcome, Dimension dimension) {
  return std::any_of(outcome.refusals.begin(), outcome.refusals.end(),
                     [&](const Refusal& refusal) { return refusal.dimension == dimension; });
}

}  // namespace

TEST_CASE("placement: a full host is refused with its missing memory in numbers") {
  const std::vector<Candidate> hosts{host(1, {4, 1000, 50})};
  const std::vector<NodeRequest> wanted{node(1, {1, 2048, 10})};
  const auto outcome = place_all(hosts, wanted, {});
  CHECK(outcome.placed.empty());
  REQUIRE(outcome.refusals.size() == 1);
  CHECK(outcome.refusals[0] == Refusal{hosts[0].host, "pc-1", Dimension::memory, 2048, 1000, 1000, ""});
  CHECK(outcome.summary ==
        "1 of 1 node does not fit: for n1 the nearest host is pc-1: 1000 of 1000 MiB memory free, "
        "2048 wanted");
}

TEST_CASE("placement: every missing dimension of a host is named") {
  const std::vector<Candidate> hosts{host(1, {1, 10, 1})};
  const auto outcome = place_all(hosts, std::vector<NodeRequest>{node(1, {2, 20, 2})}, {});
  CHECK(outcome.refusals.size() == 3);
  CHECK(refused_for(outcome, Dimension::vcpus));
  CHECK(refused_for(outcome, Dimension::memory));
  CHECK(refused_for(outcome, Dimension::disk));
}

TEST_CASE("placement: all nodes are placed or none") {
  const std::vector<Candidate> hosts{host(1, {4, 2048, 50})};
  const std::vector<NodeRequest> wanted{node(1, {1, 1024, 10}), node(2, {1, 1024, 10}),
                                        node(3, {1, 1024, 10})};
  const auto outcome = place_all(hosts, wanted, {});
  CHECK(outcome.placed.empty());
  CHECK(outcome.unplaced.size() == 1);
  CHECK(place_all(hosts, std::span(wanted).first(2), {}).placed.size() == 2);
}

TEST_CASE("placement: control-plane nodes never share a host, also with members placed before") {
  const std::vector<Candidate> hosts{host(1, {9, 9999, 99}), host(2, {9, 9999, 99})};
  const std::vector<NodeRequest> two{node(1, {1, 1, 1}, Role::control_plane),
                                     node(2, {1, 1, 1}, Role::control_plane)};
  const auto outcome = place_all(hosts, two, {});
  CHECK(where(outcome, 1) != where(outcome, 2));
  PlacementPolicy policy;
  policy.members = {{hosts[0].host, Role::control_plane}};
  const auto refused = place_all(hosts, two, policy);
  CHECK(refused.placed.empty());
  CHECK(refused_for(refused, Dimension::distinct_host));
  const auto one = place_all(hosts, std::span(two).first(1), policy);
  CHECK(where(one, 1) == hosts[1].host);
}

TEST_CASE("placement: control-plane nodes go to anchors first, workers need not") {
  std::vector<Candidate> hosts{host(1, {9, 9999, 99}), host(2, {9, 500, 99})};
  hosts[1].host_class = HostClass::anchor;
  const std::vector<NodeRequest> wanted{node(1, {1, 100, 1}, Role::control_plane),
                                        node(2, {1, 100, 1})};
  const auto outcome = place_all(hosts, wanted, {});
  CHECK(where(outcome, 1) == hosts[1].host);
  CHECK(where(outcome, 2) == hosts[0].host);
}

TEST_CASE("placement: nodes spread evenly over the sites that were asked for") {
  const std::vector<Candidate> hosts{host(1, {9, 9999, 99}, 1), host(2, {9, 9999, 99}, 1),
                                     host(3, {9, 9999, 99}, 1), host(4, {9, 9999, 99}, 2)};
  PlacementPolicy policy;
  policy.sites = {hosts[0].site, hosts[3].site};
  std::vector<NodeRequest> wanted;
  for (std::uint32_t i = 1; i <= 4; ++i) wanted.push_back(node(i, {1, 100, 1}));
  const auto outcome = place_all(hosts, wanted, policy);
  CHECK(std::count_if(outcome.placed.begin(), outcome.placed.end(),
                      [&](const Placement& p) { return p.host == hosts[3].host; }) == 2);
}

TEST_CASE("placement: a host at another site than allowed is refused for its site") {
  const std::vector<Candidate> hosts{host(1, {9, 9999, 99}, 1)};
  PlacementPolicy policy;
  policy.sites = {numbered<SiteId>(0x5e, 2)};
  const auto outcome = place_all(hosts, std::vector<NodeRequest>{node(1, {1, 1, 1})}, policy);
  CHECK(refused_for(outcome, Dimension::site));
}

TEST_CASE("placement: nodes of a cluster take distinct hosts while there are some, then the roomiest") {
  const std::vector<Candidate> hosts{host(1, {9, 9000, 99}), host(2, {9, 3000, 99}),
                                     host(3, {9, 6000, 99})};
  std::vector<NodeRequest> wanted;
  for (std::uint32_t i = 1; i <= 4; ++i) wanted.push_back(node(i, {1, 1000, 1}));
  const auto outcome = place_all(hosts, wanted, {});
  std::set<HostId> used;
  for (const Placement& placement : outcome.placed) used.insert(placement.host);
  CHECK(used.size() == 3);
  CHECK(where(outcome, 1) == hosts[0].host);
  CHECK(where(outcome, 4) == hosts[0].host);
}

TEST_CASE("placement: an unusable host is refused with its reason") {
  std::vector<Candidate> hosts{host(1, {9, 9000, 99})};
  hosts[0].usable = false;
  hosts[0].why_not = "is cordoned";
  const auto outcome = place_all(hosts, std::vector<NodeRequest>{node(1, {1, 1, 1})}, {});
  REQUIRE(outcome.refusals.size() == 1);
  CHECK(outcome.refusals[0].dimension == Dimension::unusable);
  CHECK(outcome.refusals[0].detail == "is cordoned");
  CHECK(outcome.summary.find("pc-1: is cordoned") != std::string::npos);
  CHECK(place_all({}, std::vector<NodeRequest>{node(1, {1, 1, 1})}, {}).summary.find(
            "there are no hosts") != std::string::npos);
}

TEST_CASE("placement: what the greedy choice misses, the search finds") {
  // Biggest first by memory puts n1 where only n2's vCPUs would fit.
  const std::vector<Candidate> hosts{host(1, {8, 1000, 99}), host(2, {2, 600, 99})};
  const std::vector<NodeRequest> wanted{node(1, {1, 600, 1}), node(2, {8, 500, 1})};
  const auto outcome = place_all(hosts, wanted, {});
  REQUIRE(outcome.placed.size() == 2);
  CHECK(where(outcome, 1) == hosts[1].host);
  CHECK(where(outcome, 2) == hosts[0].host);
}

TEST_CASE("candidates: free is capacity with overcommit less reserve less claims") {
  Campus campus;
  campus.site("east");
  const HostId id = campus.host("pc-1", "east", {4, 8192, 100});
  campus.model.hosts[id].reserve = {2, 1024, 10};
  campus.model.settings.vcpu_overcommit = 2.5;
  campus.model.claims[numbered<NodeId>(1, 1)] = {numbered<NodeId>(1, 1), id, {1, 1000, 20}};
  const auto hosts = candidates(campus.model, at(campus.now));
  REQUIRE(hosts.size() == 1);
  CHECK(hosts[0].total == Resources{8, 7168, 90});
  CHECK(hosts[0].free == Resources{7, 6168, 70});
  CHECK(hosts[0].nodes == 1);
  CHECK(hosts[0].usable);
}

TEST_CASE("candidates: a host's own overcommit is used in place of that of all hosts") {
  Campus campus;
  campus.site("east");
  const HostId id = campus.host("pc-1", "east", {3, 8192, 100});
  campus.model.hosts[id].reserve = {1, 0, 0};
  campus.model.settings.vcpu_overcommit = 4;
  const auto vcpus = [&] { return candidates(campus.model, at(campus.now)).at(0).total.vcpus; };
  CHECK(vcpus() == 11);
  campus.model.hosts[id].vcpu_overcommit_percent = 150;
  CHECK(vcpus() == 3);  // of 4.5 the whole ones, less the owner's
  campus.model.hosts[id].vcpu_overcommit_percent = 100;
  CHECK(vcpus() == 2);
  CHECK(allocatable(campus.model, campus.model.hosts[id]) == Resources{2, 8192, 100});
}

TEST_CASE("candidates: who is cordoned, unheard of, silent, ahead, crowded, lost, owing or unwell gets no nodes") {
  Campus campus;
  campus.site("east");
  const HostId cordoned = campus.host("pc-1", "east");
  campus.model.hosts[cordoned].cordoned = true;
  const HostId fresh = campus.host("pc-2", "east", Campus::kCapacity, HostClass::scavenged, false);
  const HostId quiet = campus.host("pc-3", "east");
  campus.model.heard[quiet].at = steady(kStart - Duration{15'000'000});
  const HostId ahead = campus.host("pc-4", "east");
  campus.model.observations[ahead].accepted_generation = 5;
  const HostId crowded = campus.host("pc-5", "east");
  for (std::uint32_t i = 0; i < kMaxNodesPerHost; ++i) {
    const auto node_id = numbered<NodeId>(2, i);
    campus.model.claims[node_id] = {node_id, crowded, {0, 0, 0}};
  }
  const HostId lost = campus.host("pc-6", "east");
  campus.model.hosts[lost].lost_at = kStart;
  const HostId owing = campus.host("pc-7", "east");
  campus.model.removals[owing] = {{owing, ObjectKind::vm, Uuid{{1}}, 1, 1, "demo-w1", {}, true}};
  const HostId unwell = campus.host("pc-8", "east");
  campus.model.observations[unwell].conditions = {{{ConditionCode::hypervisor_away, "libvirtd does not answer"}, kStart}};
  // The control node has just begun to lead, and this one has not reported to it.
  const HostId unheard = campus.host("pc-9", "east");
  campus.model.heard.erase(unheard);
  const HostId good = campus.host("pc-10", "east");
  campus.model.observations[good].conditions = {{{ConditionCode::clock, "its clock is 3 min behind"}, kStart}};
  for (const Candidate& candidate : candidates(campus.model, at(campus.now))) {
    CAPTURE(candidate.name);
    CHECK(candidate.usable == (candidate.host == good));
    CHECK(candidate.why_not.empty() == candidate.usable);
    if (candidate.host == fresh) CHECK(candidate.why_not == "has not reported yet");
  }
}
