#pragma once

#include <doctest/doctest.h>

#include <utility>

#include "tests/contract/store_contract.h"

// What a Store refuses, who may write, and what it tells of history.
namespace dure::control::contract {

// Of the same project as the sample's, on a network of its own.
inline std::pair<Network, Cluster> second_cluster(const Sample& s) {
  Network network = s.network;
  network.id = id<NetworkId>(8, 2);
  network.cluster = id<ClusterId>(10, 2);
  network.vni = 4098;
  network.prefix = *Ipv4Prefix::parse("10.128.1.0/24");
  Cluster cluster = s.cluster;
  cluster.id = network.cluster;
  cluster.name = "second";
  cluster.network = network.id;
  return {network, cluster};
}

TEST_CASE("store: only the newest leader writes") {
  World world;
  const Sample s;
  world.must({s.site});
  const std::uint64_t old = world.epoch;
  world.epoch = *world.store->take_lead("two", 0);
  CHECK(world.epoch > old);
  world.must({s.project});
  const auto late = world.store->commit(old, std::vector<Change>{s.flavor});
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == Errc::lost_leadership);
  const auto early = world.store->commit(world.epoch + 1, std::vector<Change>{s.flavor});
  REQUIRE_FALSE(early.ok());
  CHECK(early.error().code == Errc::lost_leadership);
  CHECK_FALSE(world.store->commit(old, std::vector<Change>{}).ok());
  world.check();
}

TEST_CASE("store: a commit in two parts is there when it is finished, and fails as one in one part does") {
  World world;
  const Sample s;
  CHECK(world.store->finish_commit().ok());
  const std::vector<Change> site{s.site};
  world.store->begin_commit(world.epoch, site);
  REQUIRE(world.store->finish_commit().ok());
  control::apply(world.expected, Change{s.site});
  world.check();
  CHECK(world.store->finish_commit().ok());
  const std::vector<Change> unfounded{s.key_pair};
  world.store->begin_commit(world.epoch, unfounded);
  CHECK(world.store->finish_commit().error().code == Errc::conflict);
  world.store->begin_commit(world.epoch + 1, site);
  CHECK(world.store->finish_commit().error().code == Errc::lost_leadership);
  world.check();
}

TEST_CASE("store: an epoch rises above what any host has seen, up to the last one") {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  World world;
  CHECK(*world.store->take_lead("one", 1000) == 1001);
  CHECK(*world.store->take_lead("one", 5) == 1002);
  CHECK(*world.store->take_lead("one", kMax - 1) == kMax);
  for (const std::uint64_t at_least : {kMax, std::uint64_t{0}}) {
    const auto over = world.store->take_lead("one", at_least);
    REQUIRE_FALSE(over.ok());
    CHECK(over.error().code == Errc::conflict);
  }
  world.epoch = kMax;
  world.must({Sample{}.site});
  world.check();
}

TEST_CASE("store: who leads rises above an epoch, and who does not lead is told so") {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  World world;
  const std::uint64_t before = world.epoch;
  CHECK(*world.store->rise_above(before, 0) == before + 1);
  CHECK(*world.store->rise_above(before + 1, 5000) == 5001);
  CHECK(world.store->rise_above(before, 9000).error().code == Errc::lost_leadership);
  CHECK(world.store->rise_above(5000, 9000).error().code == Errc::lost_leadership);
  CHECK(world.store->rise_above(5001, kMax).error().code == Errc::conflict);
  world.epoch = 5001;
  world.must({Sample{}.site});
  world.check();
}

TEST_CASE("store: the system's id is made once") {
  World world;
  const auto first = id<SystemId>(0xa0, 1), second = id<SystemId>(0xa0, 2);
  CHECK(world.loaded().system.is_nil());
  CHECK(*world.store->system_id(first) == first);
  CHECK(*world.store->system_id(second) == first);
  CHECK(world.loaded().system == first);
}

TEST_CASE("store: what is unique is refused the second time") {
  World world;
  const Sample s;
  world.must(s.all());
  Host host = s.host;
  host.id = id<HostId>(2, 2);
  host.name = "pc-2";
  host.address = ip("10.0.0.99");
  host.curve_key = std::string(40, 'z');
  world.refused(Errc::conflict, {with(host, [&](auto& row) { row.name = s.host.name; })});
  world.refused(Errc::conflict, {with(host, [&](auto& row) { row.address = s.host.address; })});
  world.refused(Errc::conflict, {with(host, [&](auto& row) { row.curve_key = s.host.curve_key; })});
  world.refused(Errc::conflict, {Site{id<SiteId>(1, 2), s.site.name, 1500}});
  world.refused(Errc::conflict, {Project{id<ProjectId>(6, 2), s.project.name}});
  Network network{id<NetworkId>(8, 2), id<ClusterId>(10, 2), 5000, *Ipv4Prefix::parse("10.128.1.0/24"),
                  ip("10.128.1.1"), {{2}}, 1450};
  world.refused(Errc::conflict, {with(network, [&](auto& row) { row.vni = s.network.vni; })});
  world.refused(Errc::conflict, {with(network, [&](auto& row) { row.prefix = s.network.prefix; })});
  Cluster cluster = s.cluster;
  cluster.id = network.cluster;
  cluster.network = network.id;
  world.refused(Errc::conflict, {network, cluster});
  Node node = s.node;
  node.id = id<NodeId>(9, 2);
  node.name = "demo-cp2";
  node.address = ip("10.128.0.20");
  node.mac = {{2, 0, 0, 0, 0, 2}};
  world.refused(Errc::conflict, {with(node, [&](auto& row) { row.mac = s.node.mac; })});
  world.refused(Errc::conflict, {with(node, [&](auto& row) { row.name = s.node.name; })});
  world.refused(Errc::conflict, {with(node, [&](auto& row) { row.address = s.node.address; })});
  world.must({host, network, node});
  world.must({with(cluster, [](auto& row) { row.project = id<ProjectId>(6, 2); }),
              Project{id<ProjectId>(6, 2), "other"}});  // unique in its project only
  world.check();
}

TEST_CASE("store: a row that others refer to stays, and none refers to nothing") {
  World world;
  const Sample s;
  world.must(s.all());
  world.refused(Errc::conflict, {s.event, DropSite{s.site.id}});
  const std::vector<Change> drops{
      DropSite{s.site.id},       DropHost{s.host.id},       DropFlavor{s.flavor.id},
      DropImage{s.image.id},     DropKeyPair{s.key_pair.id}, DropProject{s.project.id}, DropNetwork{s.network.id},
      DropCluster{s.cluster.id}};
  for (const Change& drop : drops) {
    CAPTURE(drop.index());
    world.refused(Errc::conflict, {Project{id<ProjectId>(6, 3), "kept?"}, drop});
  }
  world.refused(Errc::conflict, {with(s.claim, [](auto& row) { row.host = id<HostId>(2, 9); })});
  world.refused(Errc::conflict, {PutOrder{id<HostId>(2, 9), 1, id<OrderId>(3)}});
}

TEST_CASE("store: a cluster has its own network, and a node a cluster") {
  World world;
  const Sample s;
  world.must(s.all());
  auto [network, second] = second_cluster(s);
  second.network = s.network.id;
  world.refused(Errc::conflict, {network, second});
  second.network = network.id;
  const auto moved = with(s.node, [](auto& row) { row.cluster = id<ClusterId>(10, 2); });
  world.refused(Errc::conflict, {moved});
  world.must({network, second});
  world.must({moved});
  world.check();
}

TEST_CASE("store: a batch with one bad change leaves nothing of the others") {
  World world;
  const Sample s;
  world.must({s.site, s.event});
  world.refused(Errc::conflict, {s.project, s.event});  // the number is taken
  world.refused(Errc::conflict, {s.project, Flavor{s.flavor.id, "none", 0, 0, 0}});
  world.refused(Errc::conflict, {with(s.event, [](auto& row) { row.number = 2; }),
                                 with(s.event, [](auto& row) { row.number = 2; })});
  world.must({with(s.event, [](auto& row) { row.number = 2; }), s.project});
  world.check();
}

TEST_CASE("store: busy windows and rules are bounded") {
  World world;
  Sample s;
  s.host.busy.assign(64, {{1}, {2}});
  const HostRules most{std::vector<std::string>(64, "301"), std::vector<std::string>(16, "a=b"), {}};
  s.cluster.control_planes.rules = s.cluster.workers.rules = most;
  world.must(s.all());
  world.check();
  world.refused(Errc::conflict, {with(s.host, [](Host& row) { row.busy.push_back({{3}, {4}}); })});
  for (const std::int64_t percent : {99, 6401}) {
    world.refused(Errc::conflict, {with(s.host, [&](Host& row) { row.vcpu_overcommit_percent = percent; })});
  }
  for (NodePool Cluster::* pool : {&Cluster::control_planes, &Cluster::workers}) {
    const auto rules = [&](auto change) { return with(s.cluster, [&](Cluster& row) { change((row.*pool).rules); }); };
    world.refused(Errc::conflict, {rules([](HostRules& row) { row.rooms.emplace_back("302"); })});
    world.refused(Errc::conflict, {rules([](HostRules& row) { row.labels.emplace_back("c=d"); })});
  }
}

TEST_CASE("store: a host is never promised more memory or disk than it may give") {
  World world;
  Sample s;
  world.must(s.all());  // has 16384 - 4096 MiB, of which 2048 are claimed; 200 - 50 GiB, 10 claimed
  const auto claim = [&](std::uint8_t node, std::int64_t memory_mib, std::int64_t disk_gib) {
    return Claim{id<NodeId>(9, node), s.host.id, {100, memory_mib, disk_gib}, s.project.id};
  };
  world.refused(Errc::conflict, {claim(2, 10241, 1)});
  world.refused(Errc::conflict, {claim(2, 1, 141)});
  world.refused(Errc::conflict, {claim(2, 8000, 1), claim(3, 8000, 1)});
  world.must({claim(2, 10240, 140)});
  world.refused(Errc::conflict, {claim(3, 1, 0)});
  world.refused(Errc::conflict, {claim(2, 10241, 140)});
  world.must({DropClaim{s.claim.node}, claim(3, 2048, 10)});
  world.check();

  s.host.capacity.memory_mib = 8192;  // a module was taken out: what is there stays
  world.must({s.host, claim(3, 2048, 10)});
  world.must({claim(3, 1024, 10)});
  world.refused(Errc::conflict, {claim(3, 1025, 10)});
  world.check();
}

TEST_CASE("store: a project never holds more than its quota, and keeps what it had when it is lowered") {
  World world;
  Sample s;
  s.project.quota = {200, 8192, 60, 3, 1};
  world.must(s.all());  // 2 vCPUs, 2048 MiB, 10 GiB
  const auto claim = [&](std::uint8_t node, Resources amount) {
    return Claim{id<NodeId>(9, node), s.host.id, amount, s.project.id};
  };
  world.refused(Errc::conflict, {claim(2, {199, 1, 1})});
  world.refused(Errc::conflict, {claim(2, {1, 6145, 1})});
  world.refused(Errc::conflict, {claim(2, {1, 1, 51})});
  world.refused(Errc::conflict, {claim(2, {1, 1, 1}), claim(3, {1, 1, 1}), claim(4, {1, 1, 1})});
  world.must({claim(2, {198, 6144, 50})});
  world.refused(Errc::conflict, {claim(3, {1, 0, 0})});
  world.refused(Errc::conflict, {claim(2, {199, 6144, 50})});
  world.must({DropClaim{s.claim.node}, claim(3, {2, 2048, 10})});
  const Project other{id<ProjectId>(6, 2), "other"};
  world.must({other, with(claim(4, {1, 1, 1}), [&](auto& row) { row.project = other.id; })});
  world.refused(Errc::conflict, {claim(4, {1, 1, 1})});
  world.check();

  s.project.quota = {1, 1, 1, 1, 0};
  world.must({s.project, claim(3, {2, 2048, 10})});
  world.must({claim(3, {1, 1024, 5})});
  world.refused(Errc::conflict, {claim(5, {1, 1, 1})});
  world.check();
}

TEST_CASE("store: the claim of a node that is replaced counts on its host, and no longer for its project") {
  World world;
  Sample s;
  s.project.quota.nodes = 1;
  world.must(s.all());
  const Claim next{id<NodeId>(9, 2), s.host.id, {2, 2048, 10}, s.project.id};
  const auto replaced = with(s.claim, [](auto& row) { row.replaced = true; });
  world.refused(Errc::conflict, {next});
  world.must({replaced, next});
  world.check();
  world.refused(Errc::conflict, {s.claim});
  world.refused(Errc::conflict, {with(next, [](auto& row) { row.node = id<NodeId>(9, 3); })});
  const std::int64_t room = s.host.capacity.memory_mib - s.host.reserve.memory_mib;
  world.refused(Errc::conflict, {with(next, [&](auto& row) { row.amount.memory_mib = room - s.claim.amount.memory_mib + 1; })});
  world.must({DropClaim{s.claim.node}});
  world.check();
}

TEST_CASE("store: a project never has more clusters than its quota") {
  World world;
  Sample s;
  s.project.quota = {{}, {}, {}, {}, 1};
  world.must(s.all());
  const auto [network, second] = second_cluster(s);
  world.refused(Errc::conflict, {network, second});
  world.must({with(s.cluster, [](auto& row) { row.state = ClusterState::ready; })});
  s.project.quota.clusters = 2;
  world.must({s.project, network, second});
  world.check();
}

TEST_CASE("store: history is read by number, oldest first, in pages") {
  World world;
  std::vector<EventRow> written;
  for (std::uint64_t number = 1; number <= 25; ++number) {
    written.push_back({number, {static_cast<std::int64_t>(number) * 1'000'001}, "site.made",
                       id<SiteId>(1).uuid, "north", "number " + std::to_string(number)});
  }
  world.must(std::vector<Change>(written.rbegin(), written.rend()));
  world.check();
  std::vector<EventRow> read;
  for (std::uint64_t after = 0;;) {
    auto page = world.store->events(after, 10);
    REQUIRE(page.ok());
    CHECK(page->size() <= 10);
    if (page->empty()) break;
    after = page->back().number;
    read.insert(read.end(), page->begin(), page->end());
  }
  CHECK(read == written);
  CHECK(world.store->events(24, 10)->size() == 1);
  CHECK(world.store->events(std::numeric_limits<std::uint64_t>::max(), 10)->empty());
  CHECK(world.store->events(0, 0)->empty());
}

TEST_CASE("store: history has gaps, and commits of very many events") {
  World world;
  const auto event = [](std::uint64_t number) {
    return EventRow{number, {static_cast<std::int64_t>(number)}, "a", id<SiteId>(1).uuid, "it's", "{\"x\",NULL,\\}"};
  };
  std::vector<EventRow> written;
  for (std::uint64_t number = 1; number <= 440; ++number) {
    if (number <= 300 || number == 302 || number >= 310) written.push_back(event(number));
  }
  world.must(std::vector<Change>(written.begin(), written.begin() + 301));
  world.must(std::vector<Change>(written.begin() + 301, written.end()));
  world.check();
  for (const std::uint64_t after : {0U, 1U, 63U, 64U, 65U, 299U, 300U, 301U, 302U, 309U, 310U, 439U, 440U, 441U}) {
    for (const std::size_t limit : {1U, 2U, 64U, 65U, 200U, 1000U}) {
      CAPTURE(after);
      CAPTURE(limit);
      std::vector<EventRow> expected;
      for (const EventRow& row : written) {
        if (row.number > after && expected.size() < limit) expected.push_back(row);
      }
      const auto found = world.store->events(after, limit);
      REQUIRE(found.ok());
      CHECK(*found == expected);
    }
  }
  world.refused(Errc::conflict, {event(441), event(200)});
  world.refused(Errc::conflict, {event(302)});
}

TEST_CASE("store: a host is ordered anew without its own row, and its row says the same") {
  World world;
  Sample s;
  world.must({s.site, s.host});
  world.must({PutOrder{s.host.id, 8, id<OrderId>(3, 8)}});
  world.check();
  CHECK(world.loaded().hosts.at(s.host.id).generation == 8);
  world.must({PutOrder{s.host.id, 9, id<OrderId>(3, 9)}, PutOrder{s.host.id, 10, id<OrderId>(3, 10)}});
  world.check();
  CHECK(world.loaded().hosts.at(s.host.id).order == id<OrderId>(3, 10));
  // The later of both wins.
  s.host.generation = 11;
  s.host.order = id<OrderId>(3, 11);
  world.must({PutOrder{s.host.id, 12, id<OrderId>(3, 12)}, s.host});
  world.check();
  world.must({s.host, PutOrder{s.host.id, 13, id<OrderId>(3, 13)}});
  world.check();
  CHECK(world.loaded().hosts.at(s.host.id).generation == 13);
  world.must({PutOrder{s.host.id, 14, id<OrderId>(3, 14)}, DropHost{s.host.id}});
  world.check();
}

}  // namespace dure::control::contract
