#include "controlnode/core/placement/record.h"

#include <doctest/doctest.h>

#include "controlnode/core/placement/chain.h"
#include "tests/unit/controlnode/core/placement/any_fleet.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

// Some hosts go, some come, some are other than before.
std::vector<Candidate> later(const std::vector<Candidate>& fleet) {
  std::map<HostId, Candidate> by_id;
  for (const Candidate& host : fleet) {
    const int fate = *rc::gen::inRange(0, 6);
    if (fate == 0) continue;
    Candidate after = host;
    if (fate == 1) after.free.memory_mib -= 1;
    if (fate == 2) after.busy.push_back({seconds_in(1), seconds_in(2)});
    by_id.emplace(host.host, after);
  }
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    const Candidate fresh = any_host(*rc::gen::inRange<std::uint32_t>(1, 40));
    by_id.insert_or_assign(fresh.host, fresh);
  }
  std::vector<Candidate> result;
  for (auto& [id, host] : by_id) result.push_back(std::move(host));
  return result;
}

PlacementRecord answered(const AnyCase& made, NearRule near = {}) {
  Question question{made.hosts, made.wanted, made.policy};
  auto record = record_of(PlacementKind::create, numbered<ClusterId>(0xc1, 1), "demo", question.wanted, question.policy, near);
  set_answer(record, place_near(near, question));
  return record;
}

PlacementRecord linked(const PlacementChain& chain, const std::vector<Candidate>& hosts) {
  PlacementRecord record;
  link(record, chain, hosts);
  return record;
}

}  // namespace

TEST_CASE("record: what differs between two fleets makes the one from the other") {
  CHECK(rc::check([] {
    const auto before = any_rules(12, 1).hosts;
    const auto after = later(before);
    auto fleet = before;
    apply_delta(fleet, difference(before, after));
    RC_ASSERT(fleet == after);
    RC_ASSERT(difference(after, after) == FleetDelta{});
  }));
}

TEST_CASE("record: a chain of records holds every fleet, and little of what stays the same") {
  CHECK(rc::check([] {
    PlacementChain chain;
    std::vector<std::vector<Candidate>> fleets;
    std::vector<FleetDelta> deltas;
    auto fleet = any_rules(12, 1).hosts;
    for (int i = *rc::gen::inRange(1, 8); i > 0; --i) {
      const auto record = linked(chain, fleet);
      add_record(chain, record);
      RC_ASSERT(record.number == fleets.size() + 1);
      RC_ASSERT(record.segment == 1u);
      deltas.push_back(record.fleet);
      fleets.push_back(fleet);
      for (std::size_t at = 0; at < fleets.size(); ++at) {
        RC_ASSERT(fleet_of(std::span(deltas).first(at + 1)) == fleets[at]);
      }
      RC_ASSERT(linked(chain, fleet).fleet == FleetDelta{});
      fleet = later(fleet);
    }
  }));
}

TEST_CASE("record: asked again of its fleet, a question has the same answer to the last bit") {
  CHECK(rc::check([] {
    const AnyCase made = any_rules(8, 6);
    const auto record = answered(made);
    auto shuffled = made.hosts;
    std::reverse(shuffled.begin(), shuffled.end());
    RC_ASSERT(replay(record, shuffled).identical());
  }));
}

TEST_CASE("record: so has one whose control plane must stay together") {
  CHECK(rc::check([] {
    AnyCase made = any_rules(8, 5);
    made.policy.round_trip_us.reset();
    for (NodeRequest& node : made.wanted) node.pool = 9;
    NearRule near{Duration{1000},
                  {{numbered<SiteId>(0x5e, 1), numbered<SiteId>(0x5e, 2), Duration{900}},
                   {numbered<SiteId>(0x5e, 2), numbered<SiteId>(0x5e, 3), Duration{1100}}},
                  {{numbered<SiteId>(0x5e, 1), "north"}}};
    const auto record = answered(made, near);
    RC_ASSERT(record.wanted == made.wanted);
    RC_ASSERT(replay(record, made.hosts).identical());
  }));
}

TEST_CASE("record: whatever of an answer is not what comes out is seen") {
  AnyCase made;
  for (std::uint32_t i = 1; i <= 3; ++i) {
    Candidate host;
    host.host = numbered<HostId>(0xa0, i);
    host.name = "pc-" + std::to_string(i);
    host.site = numbered<SiteId>(0x5e, 1);
    host.total = host.free = {8, 8192, 80};
    made.hosts.push_back(host);
  }
  made.wanted = {{numbered<NodeId>(0x0d, 1), "demo-w1", Role::worker, {1, 1024, 10}}};
  const auto placed = answered(made);
  REQUIRE(replay(placed, made.hosts).identical());
  auto other = placed;
  other.placed[0].host = numbered<HostId>(0xa0, 3);
  CHECK_FALSE(replay(other, made.hosts).placements);
  auto fleet = made.hosts;
  fleet[0].usable = false;
  fleet[0].reason = Unusable::cordoned;
  CHECK_FALSE(replay(placed, fleet).identical());

  made.wanted[0].amount.memory_mib = 9000;
  const auto refused = answered(made);
  REQUIRE(refused.refused());
  REQUIRE(replay(refused, made.hosts).identical());
  other = refused;
  other.summary += "!";
  CHECK_FALSE(replay(other, made.hosts).summary);
  fleet = made.hosts;
  fleet[2].free.memory_mib -= 1;  // not the nearest host: only the figures differ
  const auto again = replay(refused, fleet);
  CHECK_FALSE(again.refusals);
  CHECK(again.summary);
  CHECK_FALSE(again.identical());
}

TEST_CASE("record: a segment ends after its number of records, and whole segments go") {
  PlacementChain chain;
  const std::vector<Candidate> fleet;
  std::vector<std::uint64_t> begun;
  for (std::uint64_t i = 1; i <= kSegmentRecords * (kSegments + 2); ++i) {
    const auto record = linked(chain, fleet);
    add_record(chain, record);
    if (record.segment == record.number) begun.push_back(record.number);
    if (const auto kept = first_kept(chain)) drop_before(chain, *kept);
    REQUIRE(chain.segments.size() <= kSegments);
  }
  REQUIRE(begun.size() == kSegments + 2);
  CHECK(begun[1] == kSegmentRecords + 1);
  CHECK(chain.segments.front().first == begun[2]);
  CHECK(chain.last == kSegmentRecords * (kSegments + 2));
}

TEST_CASE("record: a segment whose first record is heavy goes on until the others weigh as much") {
  PlacementChain chain;
  auto first = linked(chain, {});
  first.bytes = 1'000'000;
  add_record(chain, first);
  std::uint64_t records = 1;
  for (; chain.segments.size() == 1; ++records) {
    auto record = linked(chain, {});
    record.bytes = 1'000;
    add_record(chain, record);
  }
  CHECK(chain.segments.front().records == 1'001);
  CHECK(records == 1'002);
}

TEST_CASE("record: what is kept is bounded in bytes too, but never less than the newest segment") {
  PlacementChain chain;
  for (std::uint64_t i = 1; i <= 12; ++i) {
    auto record = linked(chain, {});
    record.bytes = kSegmentBytes;
    add_record(chain, record);
    if (const auto kept = first_kept(chain)) drop_before(chain, *kept);
  }
  // Twice the whole fleet ends a segment.
  CHECK(chain.segments.size() == 4);
  CHECK(chain.segments.back().records == 2);
  auto huge = linked(chain, {});
  huge.bytes = 2 * kRecordBytes;
  REQUIRE(huge.segment == huge.number);
  add_record(chain, huge);
  REQUIRE(first_kept(chain) == huge.number);
  drop_before(chain, huge.number);
  CHECK(chain.segments.size() == 1);
  CHECK_FALSE(first_kept(chain));
}

TEST_CASE("record: after a load the next decision begins a segment") {
  PlacementChain chain;
  add_record(chain, linked(chain, {}));
  chain.open = false;
  const auto record = linked(chain, {});
  CHECK(record.number == 2);
  CHECK(record.segment == 2);
}

TEST_CASE("record: copies of a model do not share what one of them goes on with") {
  Model model;
  PlacementRecord record;
  link(record, own(model.placements), {});
  control::apply(model, PutPlacementRecord{record});
  const Model before = model;
  link(record, *model.placements, {});
  control::apply(model, PutPlacementRecord{record});
  CHECK(before.placements->last == 1);
  CHECK(model.placements->last == 2);
}
