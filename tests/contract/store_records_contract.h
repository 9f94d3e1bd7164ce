#pragma once

#include <algorithm>

#include "controlnode/core/placement/chain.h"
#include "tests/contract/store_contract.h"

// Decisions about hosts: what was written is read, with its fleet, and the oldest go.
namespace dure::control::contract {

inline Candidate recorded_host(std::uint8_t number, std::int64_t free_mib) {
  Candidate host;
  host.host = id<HostId>(2, number);
  host.name = "pc-" + std::to_string(number);
  host.site = id<SiteId>(1);
  host.total = {16, 8192, 100};
  host.free = {16, free_mib, 100};
  return host;
}

// No field has the value that it begins with.
inline Candidate full_host() {
  return {id<HostId>(2, 9),   "pc-9",
          id<SiteId>(1, 2),   HostClass::anchor,
          false,              "is cordoned by 'someone'",
          {8, -4096, 100},    {-1, 1024, 7},
          63,                 Unusable::cordoned,
          "301",              {"gpu=none", "ssd"},
          {{TimePoint{-5}, TimePoint{1'700'000'000'000'000}}, {TimePoint{2}, TimePoint{3}}},
          {id<ImageId>(4), id<ImageId>(4, 2)},
          3};
}

inline PlacementRecord full_record() {
  PlacementRecord record;
  record.at = {1'700'000'000'123'456};
  record.kind = PlacementKind::repair;
  record.cluster = id<ClusterId>(10);
  record.cluster_name = "demo";
  record.wanted = {{id<NodeId>(9, 1), "demo-cp1", Role::control_plane, {2, 2048, 20}, 1},
                   {id<NodeId>(9, 2), "demo-w1", Role::worker, {1, 1024, 10}, 0}};
  PlacementPolicy& policy = record.policy;
  policy.sites = {id<SiteId>(1), id<SiteId>(1, 2)};
  policy.members = {{id<HostId>(2), Role::control_plane}, {id<HostId>(2, 3), Role::worker}};
  policy.strategy = Strategy::pack;
  policy.apart = true;
  policy.survive = Survive::room;
  policy.now = {1'700'000'000'000'007};
  policy.until = TimePoint{1'700'000'900'000'000};
  policy.pools = {{{id<SiteId>(1)}, {"301", "302"}, {"ssd"}, {HostClass::anchor, HostClass::scavenged}}, {}};
  policy.image = id<ImageId>(4);
  policy.round_trip_us = 4'000'000'000;
  policy.round_trips = {{id<SiteId>(1), id<SiteId>(1, 2), 900}};
  policy.closed = {{id<SiteId>(1, 2), "is at site south, whose underlay MTU is too small"}};
  record.near = {Duration{10'000},
                 {{id<SiteId>(1), id<SiteId>(1, 2), Duration{12'345}}},
                 {{id<SiteId>(1), "north"}, {id<SiteId>(1, 2), "south"}}};
  record.unplaced = {id<NodeId>(9, 1), id<NodeId>(9, 2)};
  record.summary = "2 of 2 nodes do not fit: it's 'full'";
  record.refusals = 77;
  record.refusals_digest = digest(5);
  record.remedies = {{"more-room", "with 1024 MiB more memory on pc-9"}, {"uncordon", "if pc-9 were uncordoned"}};
  return record;
}

// The next decision after what the model of this world has.
inline PlacementRecord next_record(World& world, PlacementRecord record, const std::vector<Candidate>& hosts) {
  link(record, own(world.expected.placements), hosts);
  return record;
}

inline std::vector<std::uint64_t> numbers(World& world, const PlacementQuery& query) {
  const auto found = world.store->placement_records(query);
  INFO((found.ok() ? std::string() : found.error().message));
  REQUIRE(found.ok());
  std::vector<std::uint64_t> result;
  for (const PlacementRecord& record : *found) {
    CHECK(record.fleet == FleetDelta{});
    result.push_back(record.number);
  }
  return result;
}

inline std::optional<RecordedPlacement> read_record(World& world, std::uint64_t number) {
  auto found = world.store->placement_record(number);
  INFO((found.ok() ? std::string() : found.error().message));
  REQUIRE(found.ok());
  return *found;
}

inline void check_chain(World& world) {
  const Model is = world.loaded();
  const PlacementChain& expected = own(world.expected.placements);
  REQUIRE(is.placements != nullptr);
  CHECK(is.placements->last == expected.last);
  CHECK(is.placements->segments == expected.segments);
  CHECK_FALSE(is.placements->open);
  CHECK(is.placements->fleet.empty());
}

using Numbers = std::vector<std::uint64_t>;

TEST_CASE("store: without a decision there is none, and the model knows of none") {
  World world;
  CHECK(numbers(world, {{}, {}, 0, 10}).empty());
  CHECK_FALSE(read_record(world, 1));
  CHECK_FALSE(read_record(world, std::numeric_limits<std::uint64_t>::max()));
  const Model model = world.loaded();
  CHECK((!model.placements || model.placements->last == 0));
}

TEST_CASE("store: a decision comes back with every field and with its fleet") {
  World world;
  const std::vector<Candidate> hosts{recorded_host(1, 1024), full_host()};
  auto record = next_record(world, full_record(), hosts);
  world.must({PutPlacementRecord{record}});
  const auto found = read_record(world, 1);
  REQUIRE(found);
  CHECK(found->fleet == hosts);
  record.fleet = {};
  CHECK(found->record == record);
  CHECK(*world.store->placement_records({{}, {}, 0, 1}) == std::vector{record});
  check_chain(world);
}

TEST_CASE("store: each decision has the fleet of its own time, within one commit and over many") {
  World world;
  const std::vector<std::vector<Candidate>> fleets{{recorded_host(1, 8192), recorded_host(2, 8192)},
                                                   {recorded_host(1, 4096), recorded_host(2, 8192)},
                                                   {recorded_host(1, 4096)},
                                                   {},
                                                   {recorded_host(2, 1), recorded_host(3, 8192)}};
  const auto first = next_record(world, {}, fleets[0]);
  Model ahead = world.expected;
  apply(ahead, PutPlacementRecord{first});
  PlacementRecord second;
  link(second, *ahead.placements, fleets[1]);
  CHECK(second.segment == 1);
  world.must({PutPlacementRecord{first}, PutPlacementRecord{second}});
  for (std::size_t i = 2; i < fleets.size(); ++i) world.must({PutPlacementRecord{next_record(world, {}, fleets[i])}});
  for (std::size_t i = 0; i < fleets.size(); ++i) CHECK(read_record(world, i + 1)->fleet == fleets[i]);
  CHECK_FALSE(read_record(world, fleets.size() + 1));
  check_chain(world);
}

TEST_CASE("store: decisions are read newest first, in parts, by cluster or by the name it was to have") {
  World world;
  const auto add = [&](std::uint8_t cluster, const std::string& name) {
    PlacementRecord record;
    record.cluster = id<ClusterId>(10, cluster);
    record.cluster_name = name;
    world.must({PutPlacementRecord{next_record(world, record, {})}});
  };
  add(1, "a"), add(2, "b"), add(3, "a"), add(1, "a"), add(4, "it's");
  CHECK(numbers(world, {{}, {}, 0, 10}) == Numbers{5, 4, 3, 2, 1});
  CHECK(numbers(world, {{}, {}, 0, 2}) == Numbers{5, 4});
  CHECK(numbers(world, {{}, {}, 4, 2}) == Numbers{3, 2});
  CHECK(numbers(world, {{}, {}, 1, 2}).empty());
  CHECK(numbers(world, {{}, {}, 0, 0}).empty());
  CHECK(numbers(world, {id<ClusterId>(10, 1), {}, 0, 10}) == Numbers{4, 1});
  CHECK(numbers(world, {id<ClusterId>(10, 1), {}, 4, 10}) == Numbers{1});
  CHECK(numbers(world, {id<ClusterId>(10, 9), {}, 0, 10}).empty());
  CHECK(numbers(world, {id<ClusterId>(10, 1), "a", 0, 10}) == Numbers{4, 1});
  CHECK(numbers(world, {id<ClusterId>(10, 3), "a", 0, 10}) == Numbers{3});
  CHECK(numbers(world, {id<ClusterId>(10, 1), "b", 0, 10}).empty());
  CHECK(numbers(world, {{}, "a", 0, 10}) == Numbers{4, 3, 1});
  CHECK(numbers(world, {{}, "it's", 0, 10}) == Numbers{5});
  CHECK(numbers(world, {{}, "' OR true --", 0, 10}).empty());
}

TEST_CASE("store: a decision's number is taken once") {
  World world;
  const auto record = next_record(world, full_record(), {});
  world.must({PutPlacementRecord{record}});
  const auto again = world.store->commit(world.epoch, std::vector<Change>{PutPlacementRecord{record}});
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == Errc::conflict);
  CHECK(numbers(world, {{}, {}, 0, 10}) == Numbers{1});
}

TEST_CASE("store: whole segments of decisions go, and what is left is complete") {
  World world;
  for (int segment = 0; segment < 3; ++segment) {
    for (int i = 0; i < 2; ++i) {
      const std::vector<Candidate> hosts{recorded_host(1, 100 * segment + i)};
      world.must({PutPlacementRecord{next_record(world, {}, hosts)}});
    }
    own(world.expected.placements).open = false;  // as after a load
  }
  world.must({DropPlacementRecords{3}});
  CHECK(numbers(world, {{}, {}, 0, 10}) == Numbers{6, 5, 4, 3});
  CHECK_FALSE(read_record(world, 2));
  CHECK(read_record(world, 4)->fleet == std::vector{recorded_host(1, 101)});
  check_chain(world);
  // In one commit with what takes their place.
  const auto record = next_record(world, {}, {recorded_host(1, 7)});
  REQUIRE(record.number == 7);
  world.must({PutPlacementRecord{record}, DropPlacementRecords{7}});
  CHECK(numbers(world, {{}, {}, 0, 10}) == Numbers{7});
  CHECK(read_record(world, 7)->fleet == std::vector{recorded_host(1, 7)});
  check_chain(world);
}

}  // namespace dure::control::contract
