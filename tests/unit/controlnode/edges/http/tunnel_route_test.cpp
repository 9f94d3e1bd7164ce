#include "controlnode/edges/http/tunnel_route.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <thread>

#include "controlnode/edges/http/http_server.h"
#include "tests/support/fake_tunnel_gate.h"
#include "tests/support/tcp_server.h"
#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

using dure::testing::TcpSocket;
using test::ApiStand;
using test::RawConnection;

// Lets in whoever has the token; answers 204 to everything.
class Next : public HttpHandler {
 public:
  std::optional<HttpResponse> refuse(const HttpRequest& header) override {
    if (header.header("authorization") == "Bearer t") return std::nullopt;
    HttpResponse refused;
    refused.status = 401;
    return refused;
  }
  std::optional<std::pair<std::string, std::uint64_t>> upload_to(const HttpRequest&) override {
    return std::nullopt;
  }
  void handle(HttpRequest, Respond respond) override {
    HttpResponse response;
    response.status = 204;
    respond(std::move(response));
  }
};

struct Stand {
  Stand() {
    gate.clusters = {"demo"};
    gate.plain = {"vms"};
    server = HttpServer::start("127.0.0.1:0", route).value();
  }
  static std::string request(const std::string& path, ApiStand::Headers more) {
    more.insert(more.begin(), {{"Host", "dure.test"}, {"Authorization", "Bearer t"}});
    return ApiStand::request("GET", path, "", more);
  }
  unsigned status_of(const std::string& path, const ApiStand::Headers& more) const {
    RawConnection connection(server->port());
    connection.send(request(path, more));
    return connection.read().value_or(test::RawAnswer{}).status;
  }

  FakeTunnelGate gate;
  Next next;
  TunnelRoute route{next, gate};
  std::unique_ptr<HttpServer> server;
};

const ApiStand::Headers kUpgrade{{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "dure-tunnel"}};
constexpr std::string_view kSwitched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: dure-tunnel\r\n\r\n";

TEST_CASE("tunnel route: after 101 the connection is bytes both ways, also those sent ahead") {
  Stand stand;
  TcpSocket client(TcpSocket::dial(stand.server->port()));
  REQUIRE(client.send_all(Stand::request("/api/v1/clusters/demo/tunnel", kUpgrade) + "ahead"));
  CHECK(client.receive_exactly(kSwitched.size()) == kSwitched);
  CHECK(client.receive_exactly(5) == "ahead");
  std::mt19937 random(1);
  std::string bytes(3'000'000, '\0');
  for (auto& c : bytes) c = static_cast<char>(random());
  std::string back;
  std::thread reading([&] { back = client.receive_exactly(bytes.size()); });
  CHECK(client.send_all(bytes));
  reading.join();
  CHECK(back == bytes);
  client.finish();
  CHECK(client.receive().empty());
}

TEST_CASE("tunnel route: what is wrong is said before the switch") {
  Stand stand;
  CHECK(stand.status_of("/api/v1/clusters/nobody/tunnel", kUpgrade) == 404);
  CHECK(stand.status_of("/api/v1/clusters/vms/tunnel", kUpgrade) == 409);
  CHECK(stand.status_of("/api/v1/clusters/demo/tunnel", {}) == 426);
  CHECK(stand.status_of("/api/v1/clusters/demo/tunnel", {{"Connection", "Upgrade"}, {"Upgrade", "h2c"}}) == 426);
  // Neither path is a tunnel's.
  CHECK(stand.status_of("/api/v1/clusters/a/b/tunnel", kUpgrade) == 204);
  CHECK(stand.status_of("/api/v1/clusters/demo", kUpgrade) == 204);
  RawConnection post(stand.server->port());
  auto headers = kUpgrade;
  headers.insert(headers.begin(), {{"Host", "dure.test"}, {"Authorization", "Bearer t"}});
  post.send(ApiStand::request("POST", "/api/v1/clusters/demo/tunnel", "x", headers));
  CHECK(post.read()->status == 405);
}

TEST_CASE("tunnel route: without a credential nothing is opened") {
  Stand stand;
  RawConnection connection(stand.server->port());
  auto headers = kUpgrade;
  headers.insert(headers.begin(), {{"Host", "dure.test"}, {"Authorization", "Bearer wrong"}});
  connection.send(ApiStand::request("GET", "/api/v1/clusters/demo/tunnel", "", headers));
  CHECK(connection.read()->status == 401);
}

TEST_CASE("tunnel route: open tunnels end with the server, and count as its connections") {
  Stand stand;
  TcpSocket client(TcpSocket::dial(stand.server->port()));
  REQUIRE(client.send_all(Stand::request("/api/v1/clusters/demo/tunnel", kUpgrade)));
  CHECK(client.receive_exactly(kSwitched.size()) == kSwitched);
  stand.server.reset();
  CHECK(client.receive().empty());
}

}  // namespace
}  // namespace dure::control
