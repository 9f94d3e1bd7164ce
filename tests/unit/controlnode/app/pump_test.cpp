#include "controlnode/app/pump.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocol/wire/codec.h"
#include "protocol/wire/envelope.h"
#include "tests/support/fake_bootstrap_documents.h"
#include "tests/support/fake_cluster_identities.h"
#include "tests/support/stopped_clock.h"

namespace dure::control {
namespace {

struct Wire : AgentLink {
  std::vector<std::string> sent;
  bool connected = true;
  void admit(std::vector<AdmittedHost>) override {}
  Result<void> send(const HostId&, std::string bytes) override {
    if (!connected) return Error{Errc::unavailable, "not connected"};
    sent.push_back(std::move(bytes));
    return {};
  }
  std::size_t send_all(std::vector<AddressedMessage> messages) override {
    std::size_t queued = 0;
    for (auto& message : messages) queued += send(message.host, std::move(message.bytes)) ? 1U : 0U;
    return queued;
  }
};

struct Bench {
  testing::StoppedClock clock;
  Wire wire;
  wire::SigningKey key = wire::SigningKey::from_bytes(std::string(32, 'k')).value();
  Model model;
  HostId host{Uuid{{1}}};
  FakeClusterIdentities identities;
  FakeBootstrapDocuments documents;
  NodeBootstrap bootstrap{identities, documents};
  Pump pump{wire, key, bootstrap};

  Bench() {
    Host row;
    row.id = host;
    row.generation = 3;
    row.order = OrderId{Uuid{{9}}};
    model.hosts[host] = row;
    pump.restart({1, 5}, std::string(64, 'p'), clock.steady_now());
  }
  // As the deciding thread does it: the row, then what is committed.
  void order(std::uint64_t generation) {
    const Change change = PutOrder{host, generation, OrderId{Uuid{{9}}}};
    control::apply(model, change);
    pump.take({&change, 1});
  }
  TimePoint send_due() { return {pump.send_due(model, ModelIndex(model), {clock.time, clock.steady_now()}).us}; }
  HostReport report(std::uint8_t session, std::uint64_t accepted) {
    HostReport said;
    said.host = host;
    said.session = SessionId{Uuid{{session}}};
    said.accepted_generation = accepted;
    return said;
  }
  HostOrder last() {
    const auto public_key = wire::VerifyingKey::from_bytes(key.public_key());
    const auto payload = wire::open(wire::EnvelopeKind::order, wire.sent.back(), *public_key);
    return wire::decode_host_order(*payload).value();
  }
};

}  // namespace

TEST_CASE("pump: a credential that runs out is sent anew, under the same generation, and nothing spins meanwhile") {
  Bench bench;
  Cluster cluster;
  cluster.id = ClusterId{Uuid{{2}}};
  cluster.name = "demo";
  cluster.kubernetes.version = "v1.32.13";
  Node node;
  node.id = NodeId{Uuid{{3}}};
  node.cluster = cluster.id;
  node.host = bench.host;
  node.name = "demo-w1";
  bench.model.clusters[cluster.id] = cluster;
  bench.model.nodes[node.id] = node;
  bench.model.identities[cluster.id] = bench.identities.make(cluster.id, "demo", bench.clock.time).value();
  bench.model.claims[node.id] = {node.id, bench.host, {}, {}};
  bench.order(3);
  bench.pump.heard(bench.model, bench.report(7, 0));
  bench.send_due();
  REQUIRE(bench.wire.sent.size() == 1);
  bench.pump.heard(bench.model, bench.report(7, 3));
  const Duration half{bench.model.settings.join_credential_s * 1'000'000 / 2};
  bench.clock.time = bench.clock.time + half - std::chrono::seconds(30);
  const auto wake = bench.send_due();
  CHECK(bench.wire.sent.size() == 1);
  CHECK(wake - bench.clock.time == std::chrono::seconds(30));
  bench.clock.time = wake;
  CHECK(bench.send_due() > bench.clock.time);
  CHECK(bench.wire.sent.size() == 2);
  // Joined: what is sent is the last of it.
  bench.model.nodes[node.id].joined = true;
  bench.clock.time = bench.clock.time + half;
  bench.send_due();
  CHECK(bench.wire.sent.size() == 3);
  bench.clock.time = bench.clock.time + half + half;
  bench.send_due();
  CHECK(bench.wire.sent.size() == 3);
}

TEST_CASE("pump: an order waits for the agent's session and carries it") {
  Bench bench;
  bench.order(3);
  bench.send_due();
  CHECK(bench.wire.sent.empty());
  bench.pump.heard(bench.model, bench.report(7, 0));
  bench.send_due();
  REQUIRE(bench.wire.sent.size() == 1);
  CHECK(bench.last().session == SessionId{Uuid{{7}}});
  CHECK(bench.last().fence == Fence{1, 5});
  CHECK(bench.last().generation == 3);
}

TEST_CASE("pump: an order carries the proof of its fence, and after a rise the new one") {
  Bench bench;
  bench.order(3);
  bench.pump.heard(bench.model, bench.report(7, 0));
  bench.send_due();
  CHECK(bench.last().fence_proof == std::string(64, 'p'));
  bench.pump.rise({1, 9}, std::string(64, 'q'));
  bench.send_due();
  REQUIRE(bench.wire.sent.size() == 2);
  CHECK(bench.last().fence == Fence{1, 9});
  CHECK(bench.last().sequence == 1);
  CHECK(bench.last().fence_proof == std::string(64, 'q'));
}

TEST_CASE("pump: a VM that no agent could read is left out of the order and told once, its siblings are ordered") {
  Bench bench;
  Cluster cluster;
  cluster.id = ClusterId{Uuid{{2}}};
  cluster.name = "demo";
  cluster.flavor = FlavorId{Uuid{{4}}};
  cluster.image = ImageId{Uuid{{5}}};
  cluster.network = NetworkId{Uuid{{6}}};
  bench.model.flavors[cluster.flavor] = Flavor{cluster.flavor, "small", 1, 1024, 10};
  auto bad = cluster;
  bad.id = ClusterId{Uuid{{7}}};
  bad.name = "bad";
  bad.key_pair = KeyPairId{Uuid{{8}}};
  bench.model.key_pairs[bad.key_pair] = KeyPair{bad.key_pair, {}, "k", "ssh-ed25519 AAAA lab\u200eadmin"};
  std::uint8_t number = 20;
  for (const auto& one : {cluster, bad}) {
    bench.model.clusters[one.id] = one;
    Node node;
    node.id = NodeId{Uuid{{number}}};
    node.cluster = one.id;
    node.host = bench.host;
    node.name = one.name + "-w1";
    node.mac = Mac{{2, 0, 0, 0, 0, number}};
    bench.model.nodes[node.id] = node;
    bench.model.claims[node.id] = {node.id, bench.host, {}, {}};
    ++number;
  }
  bench.order(3);
  bench.pump.heard(bench.model, bench.report(7, 0));
  bench.send_due();
  REQUIRE(bench.wire.sent.size() == 1);
  REQUIRE(bench.last().vms.size() == 1);
  CHECK(bench.last().vms[0].name == "demo-w1");
  const auto told = bench.pump.take_unsayable();
  REQUIRE(told.size() == 1);
  CHECK(told[0].node == NodeId{Uuid{{21}}});
  CHECK(told[0].reason.find("ssh_public_key is not printable text") != std::string::npos);
  bench.order(4);
  bench.send_due();
  CHECK(bench.wire.sent.size() == 2);
  CHECK(bench.last().vms.size() == 1);
  CHECK(bench.pump.take_unsayable().empty());
  // Tried again, it cannot be said either: who asked wants to know.
  Node again = bench.model.nodes.at(NodeId{Uuid{{21}}});
  again.state = NodeState::creating;
  bench.pump.take(std::vector<Change>{again});
  bench.order(5);
  bench.send_due();
  CHECK(bench.pump.take_unsayable().size() == 1);
}

TEST_CASE("pump: an accepted order is not sent again, an unanswered one is, later and later") {
  Bench bench;
  bench.order(3);
  bench.pump.heard(bench.model, bench.report(7, 0));
  auto wake = bench.send_due();
  auto wait = wake - bench.clock.time;
  for (int i = 0; i < 3; ++i) {
    bench.clock.time = wake;
    wake = bench.send_due();
    CHECK(wake - bench.clock.time > wait);
    wait = wake - bench.clock.time;
  }
  CHECK(bench.wire.sent.size() == 4);
  bench.pump.heard(OrderAck{bench.host, SessionId{Uuid{{7}}}, {}, 4, 3, true, {}});
  bench.clock.time = wake + std::chrono::hours(1);
  bench.send_due();
  CHECK(bench.wire.sent.size() == 4);
}

TEST_CASE("pump: a host that did not listen to several decisions gets one order, of the newest") {
  Bench bench;
  for (std::uint64_t generation = 4; generation <= 9; ++generation) bench.order(generation);
  bench.pump.heard(bench.model, bench.report(7, 3));
  bench.send_due();
  REQUIRE(bench.wire.sent.size() == 1);
  CHECK(bench.last().generation == 9);
}

TEST_CASE("pump: of many orders a part is sent at a time, and each of them once") {
  Bench bench;
  constexpr std::uint32_t kHosts = 600;
  for (std::uint32_t i = 1; i <= kHosts; ++i) {
    Host row;
    row.id = HostId{Uuid{{2, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}}};
    row.generation = 1;
    bench.model.hosts[row.id] = row;
    HostReport said = bench.report(7, 0);
    said.host = row.id;
    bench.pump.heard(bench.model, said);
  }
  int calls = 0;
  for (std::size_t before = 0; bench.send_due() == bench.clock.time; before = bench.wire.sent.size()) {
    ++calls;
    REQUIRE(bench.wire.sent.size() > before);
    REQUIRE(bench.wire.sent.size() - before < kHosts);
  }
  CHECK(calls > 1);
  CHECK(bench.wire.sent.size() == kHosts);
}

TEST_CASE("pump: an acknowledgement of another session counts for nothing") {
  Bench bench;
  bench.order(3);
  bench.pump.heard(bench.model, bench.report(7, 0));
  bench.pump.heard(OrderAck{bench.host, SessionId{Uuid{{8}}}, {}, 1, 3, true, {}});
  bench.send_due();
  CHECK(bench.wire.sent.size() == 1);
}

TEST_CASE("pump: a new session gets the order again, though it is no longer in the outbox") {
  Bench bench;
  bench.pump.heard(bench.model, bench.report(7, 3));
  bench.send_due();
  CHECK(bench.wire.sent.empty());
  bench.pump.heard(bench.model, bench.report(8, 0));
  bench.send_due();
  REQUIRE(bench.wire.sent.size() == 1);
  CHECK(bench.last().generation == 3);
}

TEST_CASE("pump: sequences rise, also over hosts") {
  Bench bench;
  bench.order(3);
  bench.pump.heard(bench.model, bench.report(7, 0));
  bench.send_due();
  const auto first = bench.last().sequence;
  bench.pump.heard(bench.model, bench.report(8, 0));
  bench.send_due();
  CHECK(bench.last().sequence > first);
}

namespace {

// Two sites with a host each; the pump's own is at the first.
struct SurveyBench : Bench {
  SiteId east{Uuid{{1}}}, west{Uuid{{2}}};
  HostId other{Uuid{{2}}};
  static constexpr Ipv4 kOther{0x0a000002};

  SurveyBench() {
    model.sites[east] = {east, "east"};
    model.sites[west] = {west, "west"};
    model.hosts[host].site = east;
    model.hosts[host].address = Ipv4{0x0a000001};
    Host row;
    row.id = other;
    row.site = west;
    row.address = kOther;
    model.hosts[other] = row;
    for (const auto& id : {host, other}) model.observations[id].host = id;
  }
  // Everybody speaks, and so much time has passed that the pump looks again who measures whom.
  void survey(bool other_is_silent = false) {
    clock.time = clock.time + std::chrono::seconds(20);
    model.heard[host].at = clock.steady_now();
    if (!other_is_silent) model.heard[other].at = clock.steady_now();
    send_due();
  }
  OrderAck ack(bool accepted = true) {
    const auto order = last();
    return {host, order.session, order.order, order.sequence, order.generation, accepted, accepted ? "" : "superseded"};
  }
};

}  // namespace

TEST_CASE("pump: whom to measure goes out under the generation that is there, until it is accepted") {
  SurveyBench bench;
  bench.pump.heard(bench.model, bench.report(7, 3));
  bench.send_due();
  CHECK(bench.wire.sent.empty());
  bench.survey();
  REQUIRE(bench.wire.sent.size() == 1);
  CHECK(bench.last().host == bench.host);
  CHECK(bench.last().generation == 3);
  CHECK(bench.last().round_trip_targets == std::vector<RoundTripTarget>{{bench.west, SurveyBench::kOther}});
  bench.send_due();
  CHECK(bench.wire.sent.size() == 1);
  bench.survey();
  CHECK(bench.wire.sent.size() == 2);
  bench.pump.heard(bench.ack(false));
  bench.survey();
  CHECK(bench.wire.sent.size() == 3);
  bench.pump.heard(bench.ack());
  bench.survey();
  CHECK(bench.wire.sent.size() == 3);
  // A new process has to be told again; an order for another reason carries it, too.
  bench.pump.heard(bench.model, bench.report(8, 0));
  bench.send_due();
  REQUIRE(bench.wire.sent.size() == 4);
  CHECK(bench.last().round_trip_targets.size() == 1);
  bench.pump.heard(bench.ack());
  bench.survey();
  CHECK(bench.wire.sent.size() == 4);
  // The other one is gone: nobody is to be measured any more.
  bench.survey(true);
  REQUIRE(bench.wire.sent.size() == 5);
  CHECK(bench.last().round_trip_targets.empty());
  CHECK(bench.last().generation == 3);
}

TEST_CASE("pump: a host that was never ordered anything is told whom to measure by an empty order") {
  SurveyBench bench;
  bench.model.hosts[bench.host].generation = 0;
  bench.model.hosts[bench.host].order.reset();
  bench.pump.heard(bench.model, bench.report(7, 0));
  bench.survey();
  REQUIRE(bench.wire.sent.size() == 1);
  CHECK(bench.last().host == bench.host);
  CHECK(bench.last().generation == 0);
  CHECK(bench.last().vms.empty());
  CHECK(bench.last().round_trip_targets.size() == 1);
}

TEST_CASE("pump: what a host measures for the leader before is ended, but not before the first look") {
  SurveyBench bench;
  auto report = bench.report(7, 3);
  report.round_trips = {{bench.west, 1, 5, 0, 0, 0}};
  bench.pump.heard(bench.model, report);
  bench.send_due();
  CHECK(bench.wire.sent.empty());
  bench.survey(true);
  REQUIRE(bench.wire.sent.size() == 1);
  CHECK(bench.last().round_trip_targets.empty());
  bench.pump.heard(bench.ack());
  bench.pump.heard(bench.model, bench.report(7, 3));
  bench.survey(true);
  CHECK(bench.wire.sent.size() == 1);
}

TEST_CASE("pump: an order that is not answered goes without targets, which an earlier agent does not know") {
  SurveyBench bench;
  bench.pump.heard(bench.model, bench.report(7, 3));
  bench.survey();
  bench.order(4);
  bench.send_due();
  CHECK(bench.last().generation == 4);
  CHECK(bench.last().round_trip_targets.size() == 1);
  bench.survey();
  CHECK(bench.last().round_trip_targets.size() == 1);
  bench.survey();
  CHECK(bench.last().generation == 4);
  CHECK(bench.last().round_trip_targets.empty());
}

TEST_CASE("pump: a host that knows a newer order than the database is not bothered with targets") {
  SurveyBench bench;
  bench.pump.heard(bench.model, bench.report(7, 9));
  bench.survey();
  CHECK(bench.wire.sent.empty());
}

}  // namespace dure::control
