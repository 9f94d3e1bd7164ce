#include "hostagent/edges/zmq/curve_keys.h"
#include "hostagent/edges/zmq/zmq_control_link.h"
#include "protocol/messages/host_report.h"
#include "protocol/wire/envelope.h"
#include "tests/contract/control_link_contract.h"
#include "tests/support/agent_link_raw_zmq.h"

namespace {

using namespace dure;
using namespace dure::testing;

// A control node that is nothing but a ROUTER under CURVE.
class RawControlNode {
 public:
  RawControlNode(const RawKeys& keys, const std::string& endpoint) : peer_(ZMQ_ROUTER) {
    peer_.set(ZMQ_CURVE_SERVER, 1);
    peer_.set(ZMQ_CURVE_SECRETKEY, keys.secret_key);
    peer_.set(ZMQ_ROUTER_MANDATORY, 1);
    peer_.watch(kHandshakeOutcomes | ZMQ_EVENT_DISCONNECTED);
    REQUIRE(zmq_bind(peer_.socket(), endpoint.c_str()) == 0);
  }
  std::string endpoint() const { return RawPeer::endpoint_of(peer_.socket()); }
  int next_event() { return peer_.next_event(); }
  std::optional<std::string> hear() {
    const auto from = peer_.hear();
    if (!from) return std::nullopt;
    agent_ = *from;
    return peer_.hear();
  }
  void say(const std::vector<std::string>& frames) {
    std::vector<std::string> addressed = {agent_};
    addressed.insert(addressed.end(), frames.begin(), frames.end());
    peer_.say(addressed);
  }

 private:
  RawPeer peer_;
  std::string agent_;
};

// A port that nobody listens on yet: bound once and given back.
std::string free_endpoint() {
  RawPeer peer(ZMQ_ROUTER);
  return peer.bind();
}

class ZmqBench final : public ControlLinkBench {
 public:
  ZmqBench() {
    auto made = host::ZmqControlLink::create(
        {endpoint_, agent_keys_.secret_key, keys_.public_key, std::chrono::milliseconds(500)}, inbox_);
    REQUIRE(made.ok());
    link_ = std::move(made).value();
  }
  host::ControlLink& link() override { return *link_; }
  HostInbox& inbox() override { return inbox_; }
  void start_control_node() override { node_ = std::make_unique<RawControlNode>(keys_, endpoint_); }
  void stop_control_node() override { node_.reset(); }
  std::optional<std::string> control_node_hears() override { return node_->hear(); }
  void control_node_says(std::string bytes) override { node_->say({std::move(bytes)}); }
  RawControlNode& node() { return *node_; }

 private:
  RawKeys keys_ = raw_keys();
  RawKeys agent_keys_ = raw_keys();
  std::string endpoint_ = free_endpoint();
  HostInbox inbox_;
  std::unique_ptr<RawControlNode> node_;
  std::unique_ptr<host::ZmqControlLink> link_;
};

bool say(host::ControlLink& link, const std::string& bytes) {
  return eventually([&] { return link.send(bytes).ok(); });
}

}  // namespace

TEST_CASE("control link: ZeroMQ") {
  ZmqBench bench;
  check_control_link(bench);
}

TEST_CASE("control link: a control node with another key is never spoken to") {
  const auto pinned = raw_keys();
  RawControlNode impostor(raw_keys(), "tcp://127.0.0.1:*");
  HostInbox inbox;
  const auto link =
      host::ZmqControlLink::create({impostor.endpoint(), raw_keys().secret_key, pinned.public_key}, inbox);
  REQUIRE(link.ok());
  for (int i = 0; i < 2; ++i) {
    const int event = impostor.next_event();
    CHECK(event != 0);
    CHECK(event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  }
  CHECK((*link)->send("hello").error().code == Errc::unavailable);
}

TEST_CASE("control link: a message of two frames is refused as a whole") {
  ZmqBench bench;
  bench.start_control_node();
  REQUIRE(say(bench.link(), "hello"));
  REQUIRE(bench.node().hear() == "hello");
  bench.node().say({"one", "two"});
  bench.node().say({"", "", ""});
  bench.node().say({"good"});
  CHECK(bench.inbox().next() == "good");
  CHECK(bench.inbox().empty());
}

TEST_CASE("control link: the longest envelope arrives, a longer frame closes the connection") {
  ZmqBench bench;
  bench.start_control_node();
  REQUIRE(say(bench.link(), "hello"));
  REQUIRE(bench.node().next_event() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  REQUIRE(bench.node().hear() == "hello");
  bench.node().say({std::string(wire::kMaxEnvelopeBytes, 'e')});
  const auto longest = bench.inbox().next();
  REQUIRE(longest.has_value());
  CHECK(*longest == std::string(wire::kMaxEnvelopeBytes, 'e'));
  bench.node().say({std::string(wire::kMaxEnvelopeBytes + 4096, 'e')});
  CHECK(bench.node().next_event() == ZMQ_EVENT_DISCONNECTED);
  // Until the link itself has seen the end, it takes what can no longer arrive: only what is said on
  // the next connection is heard.
  REQUIRE(bench.node().next_event() == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  REQUIRE(say(bench.link(), "again"));
  REQUIRE(bench.node().hear() == "again");
  bench.node().say({"good"});
  CHECK(bench.inbox().next() == "good");
}

TEST_CASE("control link: something else behind the address for a while does not end the dialling") {
  // A plain TCP service that greets with a line, as mail servers do.
  RawPeer other(ZMQ_STREAM);
  const auto endpoint = other.bind();
  const auto keys = raw_keys();
  HostInbox inbox;
  const auto link = host::ZmqControlLink::create(
      {endpoint, raw_keys().secret_key, keys.public_key, std::chrono::milliseconds(500)}, inbox);
  REQUIRE(link.ok());
  const auto visitor = other.hear();
  REQUIRE(visitor.has_value());
  other.say({*visitor, "220 mail.example.org ready, and a line that is long enough for a greeting of ZeroMQ\r\n"});
  other.watch(ZMQ_EVENT_CLOSED);
  REQUIRE(zmq_unbind(other.socket(), endpoint.c_str()) == 0);
  // The port is free when ZeroMQ's own thread has closed it, which is later.
  REQUIRE(other.next_event() == ZMQ_EVENT_CLOSED);
  RawControlNode node(keys, endpoint);
  REQUIRE(say(**link, "hello"));
  CHECK(node.hear() == "hello");
}

TEST_CASE("control link: a report above its bound and keys that are none are refused") {
  ZmqBench bench;
  CHECK(bench.link().send(std::string(kMaxReportBytes + 1, 'x')).error().code == Errc::invalid_argument);
  HostInbox inbox;
  const auto keys = host::generate_curve_keys();
  REQUIRE(keys.ok());
  CHECK(*host::curve_public_key(keys->secret_key) == keys->public_key);
  CHECK(!host::ZmqControlLink::create({"tcp://127.0.0.1:1", "short", keys->public_key}, inbox).ok());
  CHECK(!host::ZmqControlLink::create({"tcp://127.0.0.1:1", keys->secret_key, "short"}, inbox).ok());
  CHECK(!host::ZmqControlLink::create({"nonsense", keys->secret_key, keys->public_key}, inbox).ok());
}
