// What a hostile or broken peer gets from the agents' channel: nothing. Each case waits for positive
// evidence (an event, a counter, a later message on the same connection), never for time to pass.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <vector>

#include "controlnode/edges/zmq/connections.h"
#include "controlnode/edges/zmq/curve_keys.h"
#include "controlnode/edges/zmq/curve_listener.h"
#include "controlnode/edges/zmq/gatekeeper.h"
#include "controlnode/edges/zmq/zmq_agent_link.h"
#include "protocol/messages/host_report.h"
#include "tests/support/agent_link_inbox.h"
#include "tests/support/agent_link_raw_zmq.h"

namespace {

using namespace dure;
using namespace dure::testing;

HostId host_id(std::uint8_t number) {
  HostId id;
  id.uuid.bytes.fill(number);
  return id;
}

struct Server {
  RawKeys keys = raw_keys();
  RawKeys key_a = raw_keys();
  RawKeys key_b = raw_keys();
  HostId a = host_id(0xa);
  HostId b = host_id(0xb);
  ControlInbox inbox;
  std::unique_ptr<control::ZmqAgentLink> link;

  explicit Server(std::chrono::milliseconds first_word_within = std::chrono::seconds(30)) {
    auto made = control::ZmqAgentLink::create({"tcp://127.0.0.1:*", keys.secret_key, first_word_within}, inbox);
    REQUIRE(made.ok());
    link = std::move(made).value();
    link->admit({{a, key_a.public_key}, {b, key_b.public_key}});
  }
  void prepare(RawPeer& peer, const RawKeys& peer_keys) const { peer.be_client(peer_keys, keys.public_key); }
};

// A listener with the product's settings and no gatekeeper in its context.
struct Ungated {
  RawKeys keys = raw_keys();
  control::ZmqContext context{zmq_ctx_new()};
  control::ZmqSocket socket;
  control::ZmqSocket monitor;
  explicit Ungated(bool enforce_domain) {
    auto made = control::make_curve_listener(context.get(), {keys.secret_key, enforce_domain});
    REQUIRE(made.ok());
    socket = std::move(made).value();
    monitor.reset(RawPeer::watch(context.get(), socket.get(), kHandshakeOutcomes));
    REQUIRE(zmq_bind(socket.get(), "tcp://127.0.0.1:*") == 0);
  }
  ~Ungated() { zmq_socket_monitor(socket.get(), nullptr, 0); }
  std::string endpoint() const { return RawPeer::endpoint_of(socket.get()); }
  int outcome() const { return RawPeer::next_event(monitor.get()); }
};

}  // namespace

TEST_CASE("agents' channel: an unknown CURVE key is refused by the gatekeeper") {
  Server server;
  RawPeer stranger(ZMQ_DEALER);
  server.prepare(stranger, raw_keys());
  stranger.watch(kHandshakeOutcomes);
  stranger.connect(server.link->endpoint());
  const int event = stranger.next_event();
  CHECK(event != 0);
  CHECK(event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  CHECK(server.inbox.empty());
}

TEST_CASE("agents' channel: with the gatekeeper stopped an unknown key is refused") {
  Ungated ungated(true);
  RawPeer stranger(ZMQ_DEALER);
  stranger.be_client(raw_keys(), ungated.keys.public_key);
  stranger.connect(ungated.endpoint());
  for (int i = 0; i < 3; ++i) {
    const int outcome = ungated.outcome();
    CHECK(outcome != 0);
    CHECK(outcome != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  }
}

TEST_CASE("agents' channel: a gatekeeper that is gone lets nobody in, an admitted host neither") {
  Ungated ungated(true);
  const auto agent_keys = raw_keys();
  control::Admission admission;
  admission.replace({{host_id(1), agent_keys.public_key}});
  auto gatekeeper = control::Gatekeeper::start(ungated.context.get(), admission, "seal");
  REQUIRE(gatekeeper.ok());
  {
    RawPeer agent(ZMQ_DEALER);
    agent.be_client(agent_keys, ungated.keys.public_key);
    agent.connect(ungated.endpoint());
    CHECK(ungated.outcome() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  }
  gatekeeper = Error{};
  RawPeer agent(ZMQ_DEALER);
  agent.be_client(agent_keys, ungated.keys.public_key);
  agent.connect(ungated.endpoint());
  const int outcome = ungated.outcome();
  CHECK(outcome != 0);
  CHECK(outcome != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

TEST_CASE("agents' channel: the self-test notices a libzmq that does not enforce the domain") {
  const auto keys = raw_keys();
  CHECK(control::prove_unknown_key_is_refused({keys.secret_key, true}).ok());
  const auto open_door = control::prove_unknown_key_is_refused({keys.secret_key, false});
  REQUIRE(!open_door.ok());
  CHECK(open_door.error().message.find("lets an unknown key in") != std::string::npos);
}

TEST_CASE("agents' channel: a peer without CURVE is refused") {
  Server server;
  for (const bool plain : {false, true}) {
    RawPeer peer(ZMQ_DEALER);
    if (plain) {
      peer.set(ZMQ_PLAIN_USERNAME, server.a.str());
      peer.set(ZMQ_PLAIN_PASSWORD, "x");
    }
    peer.watch(kHandshakeOutcomes);
    peer.connect(server.link->endpoint());
    const int event = peer.next_event();
    CHECK(event != 0);
    CHECK(event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  }
  CHECK(server.inbox.empty());
}

TEST_CASE("agents' channel: whoever claims another host's routing id gets nothing of it") {
  Server server;
  RawPeer victim(ZMQ_DEALER);
  server.prepare(victim, server.key_a);
  victim.set(ZMQ_ROUTING_ID, "host-a");
  victim.connect(server.link->endpoint());
  victim.say({"hello"});
  REQUIRE(server.inbox.next() == Heard{server.a, "hello"});

  RawPeer thief(ZMQ_DEALER);
  server.prepare(thief, server.key_b);
  thief.set(ZMQ_ROUTING_ID, "host-a");
  thief.watch(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  thief.connect(server.link->endpoint());
  REQUIRE(thief.next_event() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  thief.say({"I am host-a"});
  REQUIRE(server.link->send(server.a, "secret of a").ok());
  CHECK(victim.hear() == "secret of a");
  // The thief is known by its own name only, and only where it used an id of its own.
  RawPeer honest(ZMQ_DEALER);
  server.prepare(honest, server.key_b);
  honest.connect(server.link->endpoint());
  honest.say({"hello"});
  REQUIRE(server.inbox.next() == Heard{server.b, "hello"});
  thief.set(ZMQ_RCVTIMEO, 0);
  CHECK(!thief.hear().has_value());
}

TEST_CASE("agents' channel: a routing id that its host has left leads nowhere, whoever takes it up") {
  Server server;
  {
    RawPeer victim(ZMQ_DEALER);
    server.prepare(victim, server.key_a);
    victim.set(ZMQ_ROUTING_ID, "host-a");
    victim.connect(server.link->endpoint());
    victim.say({"hello"});
    REQUIRE(server.inbox.next() == Heard{server.a, "hello"});
  }
  // Until the server has seen the end of that connection the id is taken.
  RawPeer thief(ZMQ_DEALER);
  server.prepare(thief, server.key_b);
  CHECK(eventually([&] {
    (void)server.link->send(server.a, "is anybody there");
    return !server.link->send(server.a, "secret of a").ok();
  }));
  thief.set(ZMQ_ROUTING_ID, "host-a");
  thief.connect(server.link->endpoint());
  thief.say({"hello"});
  REQUIRE(server.inbox.next() == Heard{server.b, "hello"});
  CHECK(server.link->send(server.a, "secret of a").error().code == Errc::unavailable);
  REQUIRE(server.link->send(server.b, "for b").ok());
  CHECK(thief.hear() == "for b");
}

TEST_CASE("agents' channel: which routing id a peer will be given cannot be known before") {
  // As a peer of the listener is named that was given none, in a process whose random() was never seeded.
  const auto given = [](Ungated& ungated, const RawKeys& agent_keys) {
    RawPeer agent(ZMQ_DEALER);
    agent.be_client(agent_keys, ungated.keys.public_key);
    agent.connect(ungated.endpoint());
    agent.say({"hello"});
    char id[8] = {};
    const int size = zmq_recv(ungated.socket.get(), id, sizeof id, 0);
    REQUIRE(size == 5);
    return std::string(id, 5);
  };
  std::set<std::string> seen;
  for (int n = 0; n < 3; ++n) {
    srandom(1);
    Ungated ungated(true);
    const auto agent_keys = raw_keys();
    control::Admission admission;
    admission.replace({{host_id(1), agent_keys.public_key}});
    auto gatekeeper = control::Gatekeeper::start(ungated.context.get(), admission, "seal");
    REQUIRE(gatekeeper.ok());
    seen.insert(given(ungated, agent_keys));
  }
  CHECK(seen.size() == 3);
}

TEST_CASE("agents' channel: a key that connects again and again is let in a few times, and others all the same") {
  Server server;
  std::vector<std::unique_ptr<RawPeer>> flood;
  const auto begun = std::chrono::steady_clock::now();
  int admitted = 0;
  for (int n = 0; n < 8; ++n) {
    auto& peer = *flood.emplace_back(std::make_unique<RawPeer>(ZMQ_DEALER));
    server.prepare(peer, server.key_b);
    peer.set(ZMQ_RECONNECT_IVL, -1);
    peer.watch(kHandshakeOutcomes);
    peer.connect(server.link->endpoint());
    admitted += peer.next_event() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ? 1 : 0;
  }
  const auto more = (std::chrono::steady_clock::now() - begun) / control::ConnectionRate::kOneMoreAfter;
  CHECK(admitted >= 4);
  CHECK(admitted <= 4 + more);
  CHECK(admitted < 8);
  RawPeer honest(ZMQ_DEALER);
  server.prepare(honest, server.key_a);
  honest.connect(server.link->endpoint());
  honest.say({"hello"});
  CHECK(server.inbox.next() == Heard{server.a, "hello"});
}

TEST_CASE("agents' channel: a key's allowance comes back with time, up to a burst, and is its own") {
  using control::ConnectionRate;
  ConnectionRate rate;
  auto now = ConnectionRate::Steady::time_point{};
  const auto in_a_row = [&](const std::string& key) {
    int n = 0;
    while (rate.may_connect(key, now)) ++n;
    return n;
  };
  CHECK(in_a_row("a") == 4);
  CHECK(in_a_row("b") == 4);
  now += std::chrono::seconds(4);
  CHECK(in_a_row("a") == 0);
  now += std::chrono::seconds(2);
  CHECK(in_a_row("a") == 1);
  now += std::chrono::hours(24);
  CHECK(in_a_row("a") == 4);
}

TEST_CASE("agents' channel: of one key's connections the last few stay, and others' are not touched") {
  Server server;
  const auto dial = [&](RawPeer& peer, const RawKeys& keys) {
    server.prepare(peer, keys);
    peer.set(ZMQ_RECONNECT_IVL, -1);
    peer.watch(ZMQ_EVENT_DISCONNECTED);
    peer.connect(server.link->endpoint());
  };
  RawPeer other(ZMQ_DEALER);
  dial(other, server.key_a);
  other.say({"from a"});
  REQUIRE(server.inbox.next() == Heard{server.a, "from a"});
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (std::size_t n = 0; n <= control::Connections::kMostOfOneKey; ++n) {
    auto& peer = *peers.emplace_back(std::make_unique<RawPeer>(ZMQ_DEALER));
    dial(peer, server.key_b);
    peer.say({"hello"});
    REQUIRE(server.inbox.next() == Heard{server.b, "hello"});
  }
  CHECK(peers.front()->next_event() == ZMQ_EVENT_DISCONNECTED);
  other.say({"from a again"});
  CHECK(server.inbox.next() == Heard{server.a, "from a again"});
  for (std::size_t n = 1; n < peers.size(); ++n) {
    peers[n]->say({"hello again"});
    CHECK(server.inbox.next() == Heard{server.b, "hello again"});
  }
  REQUIRE(server.link->send(server.b, "for b").ok());
  CHECK(peers.back()->hear() == "for b");
}

TEST_CASE("agents' channel: a connection over which nothing is said is ended, one that has spoken is not") {
  Server server(std::chrono::seconds(2));
  const auto dial = [&](RawPeer& peer, const RawKeys& keys) {
    server.prepare(peer, keys);
    peer.set(ZMQ_RECONNECT_IVL, -1);
    peer.watch(ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    peer.connect(server.link->endpoint());
  };
  RawPeer honest(ZMQ_DEALER);
  dial(honest, server.key_a);
  honest.say({"hello"});
  REQUIRE(server.inbox.next() == Heard{server.a, "hello"});
  RawPeer silent(ZMQ_DEALER);
  dial(silent, server.key_b);
  REQUIRE(silent.next_event() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  CHECK(silent.next_event() == ZMQ_EVENT_DISCONNECTED);
  honest.say({"still here"});
  CHECK(server.inbox.next() == Heard{server.a, "still here"});
}

TEST_CASE("agents' channel: a message of two frames, or of many, is refused as a whole") {
  Server server;
  RawPeer peer(ZMQ_DEALER);
  server.prepare(peer, server.key_a);
  peer.connect(server.link->endpoint());
  peer.say({"one", "two"});
  peer.say(std::vector<std::string>(100, "x"));
  peer.say({"", "hidden"});
  peer.say({"good"});
  CHECK(server.inbox.next() == Heard{server.a, "good"});
  CHECK(server.link->refused_messages() == 3);
  CHECK(server.inbox.empty());
}

TEST_CASE("agents' channel: a frame above the limit closes the connection") {
  Server server;
  RawPeer peer(ZMQ_DEALER);
  server.prepare(peer, server.key_a);
  peer.watch(ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
  peer.connect(server.link->endpoint());
  REQUIRE(peer.next_event() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  peer.say({std::string(kMaxReportBytes + 4096, 'x')});
  CHECK(peer.next_event() == ZMQ_EVENT_DISCONNECTED);
  REQUIRE(peer.next_event() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  peer.say({"good"});
  CHECK(server.inbox.next() == Heard{server.a, "good"});
}

TEST_CASE("agents' channel: a message just above what a report may have is refused though the frame fits") {
  Server server;
  RawPeer peer(ZMQ_DEALER);
  server.prepare(peer, server.key_a);
  peer.connect(server.link->endpoint());
  peer.say({std::string(kMaxReportBytes + 1, 'x')});
  peer.say({"good"});
  CHECK(server.inbox.next() == Heard{server.a, "good"});
  CHECK(server.link->refused_messages() == 1);
}

TEST_CASE("agents' channel: keys that are none are refused at the start") {
  ControlInbox inbox;
  for (const auto* key : {"", "short", "00000000000000000000000000000000000000000000",
                          "                                        "}) {
    CAPTURE(key);
    CHECK(!control::ZmqAgentLink::create({"tcp://127.0.0.1:*", key}, inbox).ok());
  }
  const auto keys = control::generate_curve_keys();
  REQUIRE(keys.ok());
  CHECK(*control::curve_public_key(keys->secret_key) == keys->public_key);
  CHECK(!control::ZmqAgentLink::create({"nonsense", keys->secret_key}, inbox).ok());
}
