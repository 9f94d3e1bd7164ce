// The whole way of a stream, without REST: Tunnels, the agents' channel, the agent's sockets.
#include <chrono>

#include "common/sha256.h"
#include "tests/contract/tunnel_gate_contract.h"
#include "tests/support/tunnel_stand.h"

using namespace dure;
using namespace dure::control;
using contract::noise;
using contract::open_now;
using contract::StreamUser;
using dure::testing::Inbox;
using dure::testing::TcpSocket;
using dure::testing::TunnelStand;

namespace {

Digest sha256(std::string_view bytes) {
  Sha256 sum;
  sum.update(std::as_bytes(std::span(bytes)));
  return sum.finish();
}

constexpr std::size_t kMegabyte = 1'000'000;

}  // namespace

TEST_CASE("tunnel gate: over the real channel to a real server") {
  TunnelStand stand(&dure::testing::echo);
  contract::check_tunnel_gate(*stand.gate);
  CHECK(open_now(*stand.gate, "empty").error().code == Errc::unavailable);
}

TEST_CASE("tunnel gate: 50 MB come back as they went, while reports and orders pass") {
  TunnelStand stand(&dure::testing::echo);
  const auto bytes = noise(50 * kMegabyte);
  std::atomic<bool> over{false};
  // Reports and orders that are said while the tunnel is full: none may be refused or lost.
  std::size_t said = 0, refused = 0;
  std::thread reporting([&] {
    while (!over) {
      ++said;
      refused += stand.agent->link().send("report").ok() ? 0 : 1;
      refused += stand.agents->send(stand.host, "\x0a order").ok() ? 0 : 1;
      const auto report = stand.control_inbox.next();
      const auto order = stand.agent->inbox().next();
      refused += report && order ? 0 : 1;
    }
  });
  StreamUser user(open_now(*stand.gate, "demo").value());
  const auto begin = std::chrono::steady_clock::now();
  const auto back = user.exchange(bytes, bytes.size());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  over = true;
  reporting.join();
  CHECK(back.size() == bytes.size());
  CHECK(sha256(back) == sha256(bytes));
  CHECK(refused == 0);
  CHECK(said > 0);
  MESSAGE("50 MB there and back in " << took.count() << " s: " << 50 / took.count()
                                     << " MB/s each way, " << said << " reports and orders meanwhile");
}

TEST_CASE("tunnel gate: eight streams at once, each its own bytes") {
  TunnelStand stand(&dure::testing::echo);
  std::vector<std::thread> users;
  std::atomic<int> intact{0};
  for (unsigned i = 0; i < 8; ++i) {
    users.emplace_back([&stand, &intact, i] {
      StreamUser user(open_now(*stand.gate, "demo").value());
      const auto bytes = noise(3 * kMegabyte, i);
      if (user.exchange(bytes, bytes.size()) == bytes) ++intact;
    });
  }
  for (auto& user : users) user.join();
  CHECK(intact == 8);
}

TEST_CASE("tunnel gate: a slow reader is waited for, and holds up nobody else") {
  const auto bytes = noise(20 * kMegabyte);
  std::atomic<std::size_t> sent{0};
  TunnelStand stand([&](const TcpSocket& socket) {
    if (socket.receive() == "echo") return dure::testing::echo(socket);
    for (std::size_t at = 0; at < bytes.size(); at += 65536) {
      if (!socket.send_all(std::string_view(bytes).substr(at, 65536))) return;
      sent = at;
    }
  });
  StreamUser slow(open_now(*stand.gate, "demo").value());
  REQUIRE(slow.stream().write("all") == 3);
  // Another one goes all the way meanwhile.
  StreamUser other(open_now(*stand.gate, "demo").value());
  REQUIRE(other.stream().write("echo") == 4);
  const auto more = noise(5 * kMegabyte, 7);
  REQUIRE(other.exchange(more, more.size()) == more);
  // Only what the sockets of both machines take, and one window, is under way.
  CHECK(sent < 15 * kMegabyte);
  CHECK(sha256(slow.exchange("", bytes.size())) == sha256(bytes));
}

TEST_CASE("tunnel gate: a side that goes is noticed by the other") {
  Inbox<bool> ended;
  TunnelStand stand([&](const TcpSocket& socket) {
    if (socket.receive() == "go") return;  // closes
    ended.put(socket.receive().empty());
  });
  StreamUser left(open_now(*stand.gate, "demo").value());
  REQUIRE(left.stream().write("go") == 2);
  CHECK(left.until([&] { return left.stream().at_end() || left.stream().broken(); }));
  StreamUser leaving(open_now(*stand.gate, "demo").value());
  REQUIRE(leaving.stream().write("stay") == 4);
  leaving.hang_up();
  CHECK(ended.next() == true);
}

TEST_CASE("tunnel gate: an agent that dies breaks its streams; the next one serves again") {
  TunnelStand stand(&dure::testing::echo);
  StreamUser user(open_now(*stand.gate, "demo").value());
  REQUIRE(user.exchange("before", 6) == "before");
  stand.agent.reset();
  CHECK(user.until([&] { return user.stream().broken(); }));
  CHECK(user.stream().write("x") == 0);
  CHECK(open_now(*stand.gate, "demo").error().code == Errc::unavailable);
  stand.start_agent();
  const auto refused = open_now(*stand.gate, "demo");
  REQUIRE(!refused.ok());
  // Its session has accepted no order yet.
  CHECK(refused.error().message == "node 'demo-cp1': the agent refuses: the host's order does not name the node");
  stand.agent->tunnels().allow({{stand.node, Ipv4{0x7f000001}}});
  StreamUser again(open_now(*stand.gate, "demo").value());
  CHECK(again.exchange("after", 5) == "after");
}

TEST_CASE("tunnel gate: a host that breaks the rules loses its streams, not the control node") {
  TunnelStand stand(&dure::testing::echo);
  StreamUser user(open_now(*stand.gate, "demo").value());
  REQUIRE(user.exchange("before", 6) == "before");
  REQUIRE(stand.agent->link().send("\x7a nonsense").ok());
  // No frame of a trunk that exists: means nothing.
  CHECK(user.exchange("still", 5) == "still");
  stand.agent->tunnels().allow({});
  CHECK(user.until([&] { return user.stream().broken(); }));
}

TEST_CASE("tunnel gate: a host has 64 streams and not one more") {
  TunnelStand stand(&dure::testing::echo);
  std::vector<std::shared_ptr<TunnelStream>> streams;
  for (std::size_t i = 0; i < kMaxTunnelsPerHost; ++i) streams.push_back(open_now(*stand.gate, "demo").value());
  CHECK(open_now(*stand.gate, "demo").error().code == Errc::unavailable);
  streams.pop_back();
  // The agent hears of the end before it hears of the next.
  CHECK(open_now(*stand.gate, "demo").ok());
}
