#pragma once

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "controlnode/ports/store.h"
#include "tests/contract/store_sample.h"

// What every Store keeps to, PostgreSQL's and the fake's alike. The binary that includes this gives
// make_store().
namespace dure::control::contract {

// A new and empty store.
std::unique_ptr<Store> make_store();

// A store with a leader, and beside it what a model becomes by apply().
struct World {
  std::unique_ptr<Store> store = make_store();
  std::uint64_t epoch = lead();
  Model expected;

  std::uint64_t lead() {
    auto taken = store->take_lead("one", 0);
    REQUIRE(taken.ok());
    return *taken;
  }
  Result<void> commit(const std::vector<Change>& changes) {
    auto done = store->commit(epoch, changes);
    if (done) {
      for (const Change& change : changes) apply(expected, change);
    }
    return done;
  }
  void must(const std::vector<Change>& changes) {
    const auto done = commit(changes);
    INFO(done.error().message);
    REQUIRE(done.ok());
  }
  // Refused with this code, and nothing of it is left.
  void refused(Errc code, const std::vector<Change>& changes) {
    const auto done = commit(changes);
    REQUIRE_FALSE(done.ok());
    INFO(done.error().message);
    CHECK(to_string(done.error().code) == to_string(code));
    check();
  }
  Model loaded() {
    auto model = store->load();
    INFO((model.ok() ? std::string() : model.error().message));
    REQUIRE(model.ok());
    return *model;
  }
  void check() {
    const Model is = loaded();
    CHECK(is.sites == expected.sites);
    CHECK(is.hosts == expected.hosts);
    CHECK(is.images == expected.images);
    CHECK(is.flavors == expected.flavors);
    CHECK(is.projects == expected.projects);
    CHECK(is.key_pairs == expected.key_pairs);
    CHECK(is.clusters == expected.clusters);
    CHECK(is.nodes == expected.nodes);
    CHECK(is.networks == expected.networks);
    CHECK(is.claims == expected.claims);
    CHECK(is.removals == expected.removals);
    CHECK(is.operations == expected.operations);
    CHECK(is.idempotency == expected.idempotency);
    CHECK(is.observations == expected.observations);
    CHECK(is.last_event == expected.last_event);
    CHECK(is.next_vni == expected.next_vni);
  }
};

template <class Row>
Row with(Row row, const auto& edit) {
  edit(row);
  return row;
}

TEST_CASE("store: a new one is empty") {
  World world;
  world.check();
  CHECK(world.store->events(0, 10)->empty());
}

TEST_CASE("store: a row of every kind is loaded as apply leaves it") {
  World world;
  world.must(Sample{}.all());
  world.check();
  world.must({});
  world.check();
}

TEST_CASE("store: a row that is put again is replaced as a whole, with its lists") {
  World world;
  world.must(Sample{}.all());
  Sample s;
  s.site = {s.site.id, "south", 9000};
  s.host.name = "pc-one";
  s.host.address = ip("10.0.0.12");
  s.host.curve_key = std::string(40, 'b');
  s.host.host_class = HostClass::scavenged;
  s.host.capacity = {4, 8192, 100};
  s.host.reserve = {};
  s.host.cordoned = true;
  s.host.generation = 8;
  s.host.room.clear();
  s.host.labels = {{"a", ""}, {"b/c", "x,\"y\\{}"}};
  s.host.busy = {{{-1}, {4'102'444'800'000'001}}};
  s.host.vcpu_overcommit_percent.reset();
  s.host.order.reset();
  s.host.lost_at.reset();
  s.image = {s.image.id, "debian", {digest(4), 4}, {}, {}, "", 0};
  s.flavor = {s.flavor.id, "large", 8, 8192, 80};
  s.project.name = "class";
  s.key_pair = {s.key_pair.id, s.project.id, "pc", "ssh-rsa BBBB"};
  s.network.mtu = 1350;
  s.network.vni = 4098;
  s.identity.sealed = "other";
  s.access.revoked_at.reset();
  s.cluster.kubernetes = {};
  s.node.joined = false;
  s.node.served = false;
  s.node.power = Power::lapsed;
  s.node.restart = 0;
  s.node.guest_boot = {};
  s.node.not_ready = false;
  s.node.pods = {};
  s.cluster.state = ClusterState::ready;
  s.cluster.reason.clear();
  s.cluster.sites.clear();
  s.cluster.operation.reset();
  s.cluster.delete_at.reset();
  s.cluster.departing.pop_back();
  s.cluster.access_done = 8;
  s.cluster.since = TimePoint{1'700'000'100'000'000};
  s.node.since = TimePoint{1'700'000'100'000'001};
  s.node.doubt = Doubt::mute;
  s.cluster.layout = {Strategy::spread, false, Survive::site};
  s.cluster.until.reset();
  s.cluster.control_planes = {3, {{}, {"a="}, {}}};
  s.node.state = NodeState::ready;
  s.node.stages = {{"ready", 1}};
  s.node.deadline.reset();
  s.node.ready_at.reset();
  s.claim.amount = {1, 1024, 5};
  s.removals.removals.erase(s.removals.removals.begin());
  s.operation.state = OperationState::cancelled;
  s.operation.warning.clear();
  s.operation.error = "no host answers";
  s.operation.steps.resize(1);
  s.operation.finished_at = TimePoint{1'700'000'000'000'009};
  s.idempotency.request = digest(8);
  s.observation.observation.images.clear();
  s.observation.observation.failures.clear();
  s.observation.observation.strangers.clear();
  s.event.number = 2;
  world.must(s.all());
  world.check();
  world.must({PutRemovals{s.host.id, {}}, with(s.operation, [](auto& row) { row.steps.clear(); })});
  world.check();
}

TEST_CASE("store: a row of every kind that can be dropped is gone") {
  World world;
  const Sample s;
  world.must(s.all());
  world.must({DropCluster{s.cluster.id}, DropNode{s.node.id},
              DropNetwork{s.network.id}, DropClaim{s.claim.node}, DropFlavor{s.flavor.id},
              DropIdempotency{s.idempotency.key}, DropImage{s.image.id},
              DropKeyPair{s.key_pair.id}, DropProject{s.project.id}, DropSite{s.site.id},
              DropHost{s.host.id}});
  world.check();
  CHECK(world.loaded().operations.size() == 1);  // outlives its cluster
  world.must({DropOperation{s.operation.id}});
  world.check();
  world.must({DropCluster{s.cluster.id}, DropHost{s.host.id}});  // twice is nothing
  world.check();
}

TEST_CASE("store: a host takes along what only speaks of it") {
  World world;
  Sample s;
  world.must({s.site, s.host, s.observation, s.removals, s.order});
  world.must({s.observation, s.removals, s.order, DropHost{s.host.id}});
  world.check();
  world.must({s.host});
  world.check();
}

TEST_CASE("store: within a batch the later change of a row wins") {
  World world;
  const Site site{id<SiteId>(1), "a", 1500};
  world.must({site, DropSite{site.id}});
  world.check();
  world.must({site, with(site, [](auto& row) { row.name = "b"; })});
  world.check();
  world.must({DropSite{site.id}, with(site, [](auto& row) { row.name = "c"; })});
  world.check();
  CHECK(world.loaded().sites.at(site.id).name == "c");
}

TEST_CASE("store: of hundreds of rows in a batch some are new, and of any age") {
  World world;
  const Sample s;
  world.must(s.all());
  std::uint32_t version = 0;
  const auto node = [&](std::uint32_t key) {
    Node row = s.node;
    row.id.uuid.bytes[1] = 1;  // above the sample's
    row.id.uuid.bytes[14] = static_cast<std::uint8_t>(key >> 8U);
    row.id.uuid.bytes[15] = static_cast<std::uint8_t>(key);
    row.name = "n" + std::to_string(key);
    row.mac.bytes = {2, 1, 0, 0, static_cast<std::uint8_t>(key >> 8U), static_cast<std::uint8_t>(key)};
    row.address = Ipv4{ip("10.200.0.0").value + key};
    row.generation = version;
    return row;
  };
  std::vector<Change> batch;
  for (std::uint32_t key = 2; key <= 1000; key += 2) batch.emplace_back(node(key));
  world.must(batch);
  world.check();
  // Those again, others between them, others above them; the newest one goes and comes again.
  batch = {DropNode{node(1000).id}};
  ++version;
  for (std::uint32_t key = 1; key <= 1400; ++key) batch.emplace_back(node(key));
  world.must(batch);
  world.check();
  // All of them are below the newest one.
  ++version;
  batch.clear();
  for (std::uint32_t key = 1; key < 1400; ++key) batch.emplace_back(node(key));
  world.must(batch);
  world.check();
  // What all had alike only some have.
  ++version;
  for (Change& row : batch) {
    Node& changed = std::get<Node>(row);
    changed.generation = version;
    if (changed.address.value % 3 == 0) changed.deadline.reset(), changed.stages.clear();
    if (changed.address.value % 5 == 0) changed.ready_at = TimePoint{7}, changed.reason = "{\"";
  }
  world.must(batch);
  world.check();
}

TEST_CASE("store: hundreds of rows with lists and times that are all alike") {
  World world;
  const Sample s;
  world.must(s.all());
  std::vector<Change> batch;
  for (std::uint32_t i = 0; i < 400; ++i) {
    Host row = s.host;
    row.id.uuid.bytes[14] = static_cast<std::uint8_t>(i >> 8U);
    row.id.uuid.bytes[15] = static_cast<std::uint8_t>(i);
    row.id.uuid.bytes[1] = 2;
    row.name = "h" + std::to_string(i);
    row.address = Ipv4{ip("10.201.0.0").value + i};
    row.curve_key = std::to_string(1000 + i) + std::string(36, 'k');
    row.busy = {{{3}, {4}}, {{5}, {6}}};
    batch.emplace_back(row);
  }
  world.must(batch);
  world.check();
  for (Change& row : batch) std::get<Host>(row).busy.clear();
  world.must(batch);
  world.check();
}

TEST_CASE("store: names may be swapped and taken over within a batch") {
  World world;
  const Site a{id<SiteId>(1, 1), "a", 1500}, b{id<SiteId>(1, 2), "b", 1500};
  world.must({a, b});
  world.must({Site{a.id, "b", 1500}, Site{b.id, "a", 1500}});
  world.check();
  world.must({Site{id<SiteId>(1, 3), "b", 1500}, DropSite{a.id}});
  world.check();
}

TEST_CASE("store: a host takes the place of another within a batch, with its name, address and removals") {
  World world;
  Sample s;
  world.must({s.site, s.host, s.observation, s.removals, s.order});
  Host next = s.host;
  next.id = id<HostId>(2, 9);
  next.curve_key = std::string(40, 'z');
  next.lost_at.reset();
  PutRemovals moved = s.removals;
  moved.host = next.id;
  for (Removal& removal : moved.removals) removal.host = next.id;
  world.must({next, PutRemovals{s.host.id, {}}, moved, DropHost{s.host.id}, PutOrder{next.id, 8, id<OrderId>(3, 2)}});
  world.check();
  CHECK(world.loaded().removals.at(next.id).size() == 2);
}

TEST_CASE("store: every state comes back as it was written") {
  World world;
  Sample s;
  world.must(s.all());
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(NodeState::stopped); ++i) {
    s.node.state = static_cast<NodeState>(i);
    s.node.vm_state = static_cast<VmState>(i % 7);
    s.node.power = static_cast<Power>(i % 4);
    s.cluster.state = static_cast<ClusterState>(i % 7);
    s.cluster.layout = {static_cast<Strategy>(i % 2), i % 2 == 1, static_cast<Survive>(i % 4)};
    s.operation.kind = static_cast<OperationKind>(i % 3);
    s.operation.state = static_cast<OperationState>(i % 4);
    s.operation.steps[0].state = static_cast<StepState>(i % 4);
    s.node.role = static_cast<Role>(i % 2);
    world.must({s.node, s.cluster, s.operation});
    world.check();
  }
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(FailureCode::crash_loop); ++i) {
    s.observation.observation.failures = {
        {static_cast<ObjectKind>(i % 4), Uuid{}, static_cast<FailureCode>(i), "x"}};
    s.observation.observation.conditions = {{{static_cast<ConditionCode>(i % 9), "y"}, {i}}};
    world.must({s.observation});
    world.check();
  }
}

TEST_CASE("store: hostile text comes back byte for byte") {
  for (const std::string text :
       {"'; DROP TABLE hosts; --", "\"quoted\" and \\back\\slashes\\", "{a,b},NULL", "NULL", "$1 %s ${x}",
        "line\nbreak\ttab\x01\x1b[31m\x7f", "두레 🌾 \u202egnp.exe", " lead and trail ", ","}) {
    CAPTURE(text);
    World world;
    Sample s;
    s.site.name = s.host.name = s.image.name = s.image.cmdline = s.project.name = text;
    s.key_pair.public_key = s.cluster.name = s.cluster.reason = s.node.name = s.node.reason = text;
    s.node.stages[0].name = s.operation.error = s.operation.steps[1].detail = text;
    s.idempotency.key = s.event.message = s.observation.observation.agent_version = text;
    s.observation.observation.failures[0].message = text;
    world.must(s.all());
    world.check();
    CHECK(world.store->events(0, 1)->at(0) == s.event);
    world.must({DropIdempotency{text}});
    world.check();
  }
}

TEST_CASE("store: text that cannot be stored is refused and nothing else of its batch is kept") {
  using namespace std::string_literals;
  World world;
  Sample s;
  for (const std::string& text : {"nul\0inside"s, "\xff"s, "\xc3"s, "\xc0\x80"s, "\xed\xa0\x80"s}) {
    CAPTURE(text.size());
    world.refused(Errc::invalid_argument, {s.project, Site{s.site.id, text, 1500}});
    auto observation = s.observation;
    observation.observation.failures[0].message = text;
    world.refused(Errc::invalid_argument, {s.site, s.host, observation});
    world.refused(Errc::invalid_argument, {s.project, DropIdempotency{text}});
  }
}

TEST_CASE("store: the largest numbers that a host can report are kept") {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  World world;
  Sample s;
  auto& seen = s.observation.observation;
  seen.sequence = seen.accepted_generation = seen.applied_generation = kMax;
  seen.capacity = {0xffffffff, kMax, kMax, false};
  seen.highest_fence = {kMax, kMax};
  seen.images[0].bytes_done = seen.images[0].bytes_total = kMax;
  s.node.observed_generation = s.node.stages[0].at_ms = kMax;
  s.removals.removals[0].number = kMax;
  world.must(s.all());
  world.check();
}

}  // namespace dure::control::contract
