// The agent's end over real TCP on loopback, driven frame by frame.
#include "hostagent/edges/tunnel/posix_tunnels.h"
#include "protocol/wire/codec_tunnel.h"
#include "protocol/wire/tunnel_trunk.h"
#include "tests/contract/tunnels_contract.h"
#include "tests/support/agent_link_inbox.h"
#include "tests/support/tcp_server.h"

using namespace dure;
using namespace dure::host;
using dure::testing::Inbox;
using dure::testing::TcpServer;
using dure::testing::TcpSocket;

namespace {

constexpr Ipv4 kLoopback{0x7f000001};

class Recorder : public ControlLink, public ControlLinkListener {
 public:
  Result<void> send(std::string bytes) override {
    if (away) return Error{Errc::unavailable, "away"};
    frames.put(wire::decode_tunnel_frame(bytes).value());
    return {};
  }
  std::size_t send_all(std::vector<std::string> messages) override {
    std::size_t sent = 0;
    for (auto& one : messages) sent += send(std::move(one)) ? 1U : 0U;
    return sent;
  }
  void on_envelope(std::string bytes) override { others.put(std::move(bytes)); }

  std::atomic<bool> away{false};
  Inbox<TunnelFrame> frames;
  Inbox<std::string> others;
};

// A control node that speaks frames.
struct Bench {
  explicit Bench(TcpServer::Serve serve, PosixTunnelsOptions options = {}) : server(std::move(serve)) {
    options.port = server.port();
    tunnels = PosixTunnels::start(recorder, incoming, options).value();
    begin();
  }
  void begin() {
    TrunkId id;
    id.uuid.bytes.fill(++trunks);
    trunk = std::make_unique<wire::TunnelTrunk>(id);
  }
  void say(TunnelBody body) {
    trunk->send(std::move(body));
    say_outgoing();
  }
  void say_outgoing() {
    for (const auto& frame : trunk->outgoing()) incoming.on_envelope(wire::encode(frame));
  }
  // The next body that means something; nothing when none comes.
  std::optional<TunnelBody> hear() {
    while (auto frame = recorder.frames.next()) {
      if (frame->trunk != trunk->id()) continue;  // under way when the trunk was given up
      auto body = trunk->receive(std::move(*frame));
      REQUIRE(body.ok());
      say_outgoing();
      if (!std::holds_alternative<std::monostate>(*body)) return std::move(*body);
    }
    return std::nullopt;
  }
  std::optional<TunnelBody> open(StreamNumber stream, const NodeId& node, std::uint16_t port = kTunnelPort) {
    trunk->open(stream);
    say(TunnelOpen{stream, node, port});
    return hear();
  }

  TcpServer server;
  Recorder recorder;
  TunnelSwitch incoming{recorder};
  std::unique_ptr<PosixTunnels> tunnels;
  std::unique_ptr<wire::TunnelTrunk> trunk;
  std::uint8_t trunks = 0;
};

const NodeId kNode = contract::tunnel_node(1);

}  // namespace

TEST_CASE("tunnels: POSIX sockets") {
  Bench bench(&dure::testing::echo);
  StreamNumber next = 0;
  contract::TunnelsWorld world{*bench.tunnels, kLoopback, [&](const NodeId& node) {
    // Streams to whoever is allowed no more are closed first.
    bench.begin();
    next = 0;
    const auto answer = bench.open(++next, node);
    REQUIRE(answer.has_value());
    return std::holds_alternative<TunnelOpened>(*answer);
  }};
  contract::tunnels_contract(world);
}

TEST_CASE("tunnels: bytes come back, and the end after them") {
  Bench bench(&dure::testing::echo);
  bench.tunnels->allow({{kNode, kLoopback}});
  CHECK(bench.open(1, kNode) == TunnelBody{TunnelOpened{1}});
  bench.say(TunnelData{1, "hello"});
  CHECK(bench.hear() == TunnelBody{TunnelData{1, "hello"}});
  bench.say(TunnelEnd{1});
  CHECK(bench.hear() == TunnelBody{TunnelEnd{1}});
}

TEST_CASE("tunnels: another port than the API server's is refused, as is the 65th stream") {
  Bench bench(&dure::testing::echo);
  bench.tunnels->allow({{kNode, kLoopback}});
  CHECK(bench.open(1, kNode, 22) == TunnelBody{TunnelClose{1, TunnelReason::refused}});
  for (StreamNumber stream = 2; stream < 2 + kMaxTunnelsPerHost; ++stream) {
    CHECK(bench.open(stream, kNode) == TunnelBody{TunnelOpened{stream}});
  }
  CHECK(bench.open(66, kNode) == TunnelBody{TunnelClose{66, TunnelReason::too_many}});
}

TEST_CASE("tunnels: a guest that does not answer is told of") {
  PosixTunnelsOptions options;
  options.connect_within = std::chrono::milliseconds(300);
  Bench bench(&dure::testing::echo, options);
  // TEST-NET-1 has nobody; the machine says so or lets it wait.
  bench.tunnels->allow({{kNode, Ipv4{0xc0000201}}});
  CHECK(bench.open(1, kNode) == TunnelBody{TunnelClose{1, TunnelReason::unreachable}});
}

TEST_CASE("tunnels: a VM that the next order does not name loses its streams") {
  Bench bench(&dure::testing::echo);
  bench.tunnels->allow({{kNode, kLoopback}});
  CHECK(bench.open(1, kNode) == TunnelBody{TunnelOpened{1}});
  bench.tunnels->allow({});
  CHECK(bench.hear() == TunnelBody{TunnelClose{1, TunnelReason::refused}});
}

TEST_CASE("tunnels: a silent stream ends, and all of them when the control node is silent") {
  PosixTunnelsOptions options;
  options.idle = std::chrono::milliseconds(200);
  Bench bench(&dure::testing::echo, options);
  bench.tunnels->allow({{kNode, kLoopback}});
  CHECK(bench.open(1, kNode) == TunnelBody{TunnelOpened{1}});
  CHECK(bench.hear() == TunnelBody{TunnelClose{1, TunnelReason::idle}});

  Inbox<bool> ended;
  options = {};
  options.silence = std::chrono::milliseconds(200);
  Bench silent([&](const TcpSocket& socket) { ended.put(socket.receive().empty()); }, options);
  silent.tunnels->allow({{kNode, kLoopback}});
  CHECK(silent.open(1, kNode) == TunnelBody{TunnelOpened{1}});
  CHECK(ended.next() == true);
}

TEST_CASE("tunnels: a gap ends the trunk, and what follows of it is answered with its loss") {
  Inbox<bool> ended;
  Bench bench([&](const TcpSocket& socket) { ended.put(socket.receive().empty()); });
  bench.tunnels->allow({{kNode, kLoopback}});
  CHECK(bench.open(1, kNode) == TunnelBody{TunnelOpened{1}});
  bench.incoming.on_envelope(wire::encode({bench.trunk->id(), 9, 0, false, TunnelData{1, "x"}}));
  CHECK(ended.next() == true);
  bench.incoming.on_envelope(wire::encode(bench.trunk->receipt(true)));
  CHECK(bench.hear() == TunnelBody{TunnelClose{0, TunnelReason::lost}});
  // The next trunk is as good as the first.
  bench.begin();
  CHECK(bench.open(1, kNode) == TunnelBody{TunnelOpened{1}});
  // Frames that are none change nothing, and what is no frame goes on to the queue.
  bench.incoming.on_envelope("\x7a\xff");
  bench.incoming.on_envelope("\x0a envelope");
  CHECK(bench.recorder.others.next() == "\x0a envelope");
  bench.say(TunnelEnd{1});
  CHECK(bench.hear() == TunnelBody{TunnelEnd{1}});
}

TEST_CASE("tunnels: a slow guest costs one window, a slow control node another") {
  Inbox<bool> go;
  Bench bench([&](const TcpSocket& socket) {
    go.next();
    dure::testing::echo(socket);
  });
  bench.tunnels->allow({{kNode, kLoopback}});
  CHECK(bench.open(1, kNode) == TunnelBody{TunnelOpened{1}});
  const std::string piece(kMaxTunnelDataBytes, 'x');
  std::size_t said = 0, heard = 0;
  const std::size_t whole = 64 * kMaxTunnelDataBytes;
  bool started = false;
  while (heard < whole) {
    while (said < whole && bench.trunk->room(1) == piece.size()) {
      bench.say(TunnelData{1, piece});
      said += piece.size();
    }
    if (!std::exchange(started, true)) go.put(true);
    const auto body = bench.hear();
    REQUIRE(body.has_value());
    if (const auto* data = std::get_if<TunnelData>(&*body)) {
      heard += data->bytes.size();
      bench.trunk->consumed(1, data->bytes.size());
      bench.say_outgoing();
    }
  }
  CHECK(heard == whole);
}

TEST_CASE("tunnels: without a control node the guests are hung up on") {
  Inbox<bool> ended;
  Bench bench([&](const TcpSocket& socket) {
    socket.send_all("greeting");
    ended.put(socket.receive().empty());
  });
  bench.tunnels->allow({{kNode, kLoopback}});
  bench.recorder.away = true;
  bench.trunk->open(1);
  bench.say(TunnelOpen{1, kNode, kTunnelPort});
  CHECK(ended.next() == true);
}
