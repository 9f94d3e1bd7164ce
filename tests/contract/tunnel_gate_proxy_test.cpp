// All of the way that a user's kubectl goes: proxy, REST, control node, channel, agent, server.
#include <chrono>
#include <thread>

#include "common/sha256.h"
#include "controlnode/cli/tunnel_proxy.h"
#include "controlnode/edges/http/http_server.h"
#include "controlnode/edges/http/tunnel_route.h"
#include "tests/contract/tunnel_gate_contract.h"
#include "tests/support/tunnel_stand.h"

using namespace dure;
using dure::testing::Inbox;
using dure::testing::TcpSocket;
using dure::testing::TunnelStand;

namespace {

Digest sha256(std::string_view bytes) {
  Sha256 sum;
  sum.update(std::as_bytes(std::span(bytes)));
  return sum.finish();
}

class Next : public control::HttpHandler {
 public:
  std::optional<control::HttpResponse> refuse(const control::HttpRequest&) override { return std::nullopt; }
  std::optional<std::pair<std::string, std::uint64_t>> upload_to(const control::HttpRequest&) override {
    return std::nullopt;
  }
  void handle(control::HttpRequest, control::Respond respond) override { respond({}); }
};

struct Whole {
  explicit Whole(dure::testing::TcpServer::Serve serve) : stand(std::move(serve)) {
    server = control::HttpServer::start("127.0.0.1:0", route).value();
    const cli::Endpoint endpoint{"http://127.0.0.1:" + std::to_string(server->port()), "t"};
    proxy = cli::TunnelProxy::start(
                "127.0.0.1", 0,
                [endpoint](int stop) { return cli::open_tunnel(endpoint, "/clusters/demo/tunnel", stop); },
                [this](const cli::Failure& failure) { refusals.put(failure.message); })
                .value();
  }

  TunnelStand stand;
  Next next;
  control::TunnelRoute route{next, *stand.gate};
  std::unique_ptr<control::HttpServer> server;
  Inbox<std::string> refusals;
  std::unique_ptr<cli::TunnelProxy> proxy;
};

bool echoes(std::uint16_t port, std::size_t size, unsigned seed) {
  const TcpSocket client(TcpSocket::dial(port));
  const auto bytes = control::contract::noise(size, seed);
  std::string back;
  std::thread reading([&] { back = client.receive_exactly(bytes.size()); });
  const bool sent = client.send_all(bytes);
  client.finish();
  reading.join();
  return sent && sha256(back) == sha256(bytes) && client.receive().empty();
}

}  // namespace

TEST_CASE("tunnel: 50 MB through all of it come back with the same SHA-256") {
  Whole whole(&dure::testing::echo);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(echoes(whole.proxy->port(), 50'000'000, 1));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  MESSAGE("50 MB there and back in " << took.count() << " s: " << 50 / took.count() << " MB/s each way");
}

TEST_CASE("tunnel: eight connections at once") {
  Whole whole(&dure::testing::echo);
  std::atomic<int> intact{0};
  std::vector<std::thread> users;
  for (unsigned i = 0; i < 8; ++i) {
    users.emplace_back([&, i] { intact += echoes(whole.proxy->port(), 2'000'000, i) ? 1 : 0; });
  }
  for (auto& user : users) user.join();
  CHECK(intact == 8);
}

TEST_CASE("tunnel: the agent dies in the middle") {
  Whole whole(&dure::testing::echo);
  const TcpSocket client(TcpSocket::dial(whole.proxy->port()));
  REQUIRE(client.send_all("hello"));
  REQUIRE(client.receive_exactly(5) == "hello");
  whole.stand.agent.reset();
  CHECK(client.receive().empty());
  const TcpSocket late(TcpSocket::dial(whole.proxy->port()));
  CHECK(late.receive().empty());
  CHECK(whole.refusals.next().value_or("").find("node 'demo-cp1'") == 0);
}

TEST_CASE("tunnel: a server that greets and goes is heard to the end") {
  const auto bytes = control::contract::noise(3'000'000);
  Whole whole([&](const TcpSocket& socket) { socket.send_all(bytes); });
  const TcpSocket client(TcpSocket::dial(whole.proxy->port()));
  CHECK(client.receive_exactly(bytes.size()) == bytes);
  CHECK(client.receive().empty());
}
