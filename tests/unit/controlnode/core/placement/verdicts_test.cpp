#include "controlnode/core/placement/verdicts.h"

#include <doctest/doctest.h>

#include "tests/unit/controlnode/core/placement/any_fleet.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

Candidate pc(std::uint32_t number, std::int64_t memory_mib, HostClass host_class = HostClass::scavenged) {
  Candidate host;
  host.host = numbered<HostId>(0xa0, number);
  host.name = "pc-" + std::to_string(number);
  host.site = numbered<SiteId>(0x5e, 1);
  host.host_class = host_class;
  host.total = host.free = {16, memory_mib, 100};
  return host;
}

NodeRequest node(std::uint32_t number, Role role, std::int64_t memory_mib) {
  return {numbered<NodeId>(0x0d, number), (role == Role::worker ? "w" : "cp") + std::to_string(number), role,
          {1, memory_mib, 10}};
}

PlacementRecord asked(const Question& question) {
  auto record = record_of(PlacementKind::create, numbered<ClusterId>(0xc1, 1), "demo", question.wanted, question.policy);
  set_answer(record, place_all(question.hosts, question.wanted, question.policy));
  return record;
}

Verdicts verdicts_of(const Question& question) {
  const auto record = asked(question);
  const auto again = replay(record, question.hosts);
  REQUIRE(again.identical());
  return verdicts(record, again);
}

}  // namespace

TEST_CASE("verdicts: a placed request has each node's host with its reason, and each host its word") {
  const auto seen = verdicts_of({{pc(1, 8192), pc(2, 4096, HostClass::anchor), pc(3, 2048), pc(4, 512)},
                                 {node(1, Role::control_plane, 1024), node(2, Role::worker, 1024)},
                                 {}});
  REQUIRE(seen.nodes.size() == 2);
  CHECK(seen.nodes[0].node == "cp1");
  CHECK(seen.nodes[0].host_name == "pc-2");
  CHECK(seen.nodes[0].fitting == 3u);
  CHECK(seen.nodes[0].why == "of 3 hosts that it fits on, one that stays on (anchor)");
  CHECK(seen.nodes[1].host_name == "pc-1");
  CHECK(seen.nodes[1].why == "of 3 hosts that it fits on, with fewest nodes of the cluster, then with most room left");
  REQUIRE(seen.turns.size() == 2);
  CHECK(seen.turns[0].role == Role::control_plane);
  REQUIRE(seen.hosts.size() == 4);
  CHECK(seen.hosts[1].chosen == std::vector<std::string>{"cp1"});
  CHECK(seen.hosts[2].chosen.empty());
  CHECK(seen.hosts[2].lacks == std::vector<std::vector<Refusal>>(2));
  REQUIRE(seen.hosts[3].lacks[1].size() == 1);
  const Refusal& lack = seen.hosts[3].lacks[1][0];
  CHECK(lack.dimension == Dimension::memory);
  CHECK(lack.wanted == 1024);
  CHECK(lack.free == 512);
  CHECK(lack.total == 512);
}

TEST_CASE("verdicts: the figures are those of a node's turn, when others have taken their part") {
  const auto seen = verdicts_of({{pc(1, 1536), pc(2, 1024)},
                                 {node(1, Role::control_plane, 1024), node(2, Role::worker, 1024)},
                                 {}});
  REQUIRE(seen.turns.size() == 2);
  CHECK(seen.hosts[0].lacks[0].empty());
  CHECK(seen.hosts[0].chosen == std::vector<std::string>{"cp1"});
  REQUIRE(seen.hosts[0].lacks[1].size() == 1);
  CHECK(seen.hosts[0].lacks[1][0].free == 512);
  CHECK(seen.nodes[1].why == "the only host that it fits on");
}

TEST_CASE("verdicts: of a refused request each host says what the first node without a place lacks there") {
  const auto seen = verdicts_of({{pc(1, 1024), pc(2, 512)}, {node(1, Role::worker, 1024), node(2, Role::worker, 1024)}, {}});
  CHECK(seen.nodes.empty());
  REQUIRE(seen.turns.size() == 1);
  CHECK(seen.turns[0].node == "w2");
  REQUIRE(seen.hosts.size() == 2);
  REQUIRE(seen.hosts[0].lacks[0].size() == 1);
  CHECK(seen.hosts[0].lacks[0][0].free == 0);
  CHECK(seen.hosts[1].lacks[0][0].free == 512);
}

TEST_CASE("verdicts: a host that lacks nothing is one that the node may be put on, and no other is") {
  CHECK(rc::check([] {
    const AnyCase made = any_rules(8, 5);
    const Question question{made.hosts, made.wanted, made.policy};
    const auto record = asked(question);
    if (record.refused()) return;
    const auto seen = verdicts(record, replay(record, question.hosts));
    const auto order = placing_order(question.wanted);
    // At the first turn nothing is taken: the rules of one node and one host decide with what is free.
    for (std::size_t i = 0; i < made.hosts.size(); ++i) {
      const Candidate& host = made.hosts[i];
      const bool room = covers(amounts(host.free), amounts(order[0].amount)) && host.nodes < kMaxNodesPerHost;
      if (!may_hold(made, host, order[0]) || !room) RC_ASSERT_FALSE(seen.hosts[i].lacks[0].empty());
    }
    std::size_t chosen = 0;
    for (const HostVerdict& host : seen.hosts) chosen += host.chosen.size();
    RC_ASSERT(chosen == question.wanted.size());
    RC_ASSERT(seen.nodes.size() == question.wanted.size());
    const auto first = std::find_if(seen.hosts.begin(), seen.hosts.end(),
                                    [&](const HostVerdict& host) { return host.host == seen.nodes[0].host; });
    RC_ASSERT(first->lacks[0].empty());
    for (const NodeChoice& choice : seen.nodes) RC_ASSERT(choice.fitting.value_or(0) >= 1u);
  }));
}
