#include "controlnode/cli/tunnel_proxy.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "common/files.h"
#include "controlnode/edges/http/http_server.h"
#include "controlnode/edges/http/tunnel_route.h"
#include "tests/support/agent_link_inbox.h"
#include "tests/support/fake_tunnel_gate.h"
#include "tests/support/tcp_server.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/controlnode/cli/cli_stand.h"

namespace dure::cli {
namespace {

using control::HttpRequest;
using control::HttpResponse;
using dure::testing::Inbox;
using dure::testing::TcpSocket;

class Next : public control::HttpHandler {
 public:
  std::optional<HttpResponse> refuse(const HttpRequest& header) override {
    if (header.header("authorization") == "Bearer t0ken" && header.header("host").starts_with("127.0.0.1:")) {
      return std::nullopt;
    }
    HttpResponse refused;
    refused.status = 401;
    return refused;
  }
  std::optional<std::pair<std::string, std::uint64_t>> upload_to(const HttpRequest&) override {
    return std::nullopt;
  }
  void handle(HttpRequest, control::Respond respond) override { respond({}); }
};

// A control node of one cluster whose API server is an echo, and a proxy to it.
struct Live {
  explicit Live(const std::string& cluster = "demo", const std::string& token = "t0ken") {
    gate.clusters = {"demo"};
    server = control::HttpServer::start("127.0.0.1:0", route).value();
    const Endpoint endpoint{"http://127.0.0.1:" + std::to_string(server->port()), token};
    proxy = TunnelProxy::start(
                "127.0.0.1", 0,
                [endpoint, cluster](int stop) {
                  return open_tunnel(endpoint, "/clusters/" + cluster + "/tunnel", stop);
                },
                [this](const Failure& failure) { refusals.put(describe(failure)); })
                .value();
  }

  control::FakeTunnelGate gate;
  Next next;
  control::TunnelRoute route{next, gate};
  std::unique_ptr<control::HttpServer> server;
  Inbox<std::string> refusals;
  std::unique_ptr<TunnelProxy> proxy;
};

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (auto& c : bytes) c = static_cast<char>(random());
  return bytes;
}

bool echoes(std::uint16_t port, std::size_t size, unsigned seed) {
  const TcpSocket client(TcpSocket::dial(port));
  const auto bytes = noise(size, seed);
  std::string back;
  std::thread reading([&] { back = client.receive_exactly(bytes.size()); });
  const bool sent = client.send_all(bytes);
  client.finish();
  reading.join();
  return sent && back == bytes && client.receive().empty();
}

TEST_CASE("proxy: several connections at once, each its own bytes to the last one") {
  Live live;
  std::atomic<int> intact{0};
  std::vector<std::thread> users;
  for (unsigned i = 0; i < 6; ++i) {
    users.emplace_back([&, i] { intact += echoes(live.proxy->port(), 1'000'000 + i, i) ? 1 : 0; });
  }
  for (auto& user : users) user.join();
  CHECK(intact == 6);
  CHECK(live.refusals.empty());
}

TEST_CASE("proxy: why there is no stream is told for each connection, and the listener stays") {
  Live wrong_cluster("nobody");
  for (int i = 0; i < 2; ++i) {
    const TcpSocket client(TcpSocket::dial(wrong_cluster.proxy->port()));
    CHECK(client.receive().empty());
    CHECK(wrong_cluster.refusals.next() == "error: there is no cluster of that name\n");
  }
  Live wrong_token("demo", "other");
  const TcpSocket client(TcpSocket::dial(wrong_token.proxy->port()));
  CHECK(client.receive().empty());
  CHECK(wrong_token.refusals.next().value_or("").starts_with("error: the control node answered with status 401"));
}

TEST_CASE("proxy: a control node that goes ends its connections; the next are told of it") {
  Live live;
  const TcpSocket client(TcpSocket::dial(live.proxy->port()));
  REQUIRE(client.send_all("hello"));
  REQUIRE(client.receive_exactly(5) == "hello");
  live.server.reset();
  CHECK(client.receive().empty());
  const TcpSocket late(TcpSocket::dial(live.proxy->port()));
  CHECK(late.receive().empty());
  CHECK(live.refusals.next().value_or("").find("cannot be reached") != std::string::npos);
}

TEST_CASE("proxy: it ends with connections open") {
  Live live;
  const TcpSocket client(TcpSocket::dial(live.proxy->port()));
  REQUIRE(client.send_all("hello"));
  REQUIRE(client.receive_exactly(5) == "hello");
  live.proxy.reset();
  CHECK(client.receive().empty());
}

TEST_CASE("proxy: an address that is none and a port that is taken are refused") {
  const auto never = [](int) -> Outcome<std::unique_ptr<TunnelClient>> { return Failure{}; };
  const auto start = [&](const std::string& address, std::uint16_t port) {
    return TunnelProxy::start(address, port, never, [](const Failure&) {});
  };
  CHECK(start("localhost", 0).error().code == Errc::invalid_argument);
  const auto first = start("127.0.0.1", 0);
  REQUIRE(first.ok());
  CHECK(start("127.0.0.1", (*first)->port()).error().code == Errc::unavailable);
}

TEST_CASE("proxy: the command tells how to use it, and a wrong name at once") {
  TempDir directory;
  REQUIRE(write_file_durably(directory.path() + "/token", "t0ken\n", 0600).ok());
  test::CliStand stand;
  stand.environment["DURE_TOKEN_FILE"] = directory.path() + "/token";
  stand.patience.interrupt_after = 1;
  stand.http.on("GET /api/v1/clusters/demo", 200, R"({"name":"demo"})");
  CHECK(stand.run({"cluster", "proxy", "demo", "--port", "0"}) == 0);
  CHECK(stand.out.str().empty());
  CHECK(test::contains(stand.err.str(), "https://127.0.0.1:"));
  CHECK(test::contains(stand.err.str(), "dure cluster kubeconfig demo --server https://127.0.0.1:"));
  CHECK(stand.run({"cluster", "proxy", "nobody", "--port", "0"}) == static_cast<int>(Exit::not_found));
  CHECK(stand.run({"cluster", "proxy", "demo", "--address", "here"}) == static_cast<int>(Exit::usage));
}

}  // namespace
}  // namespace dure::cli
