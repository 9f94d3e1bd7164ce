#include "controlnode/edges/http/http_server.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "controlnode/edges/http/request_target.h"
#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

using test::ApiStand;
using test::RawConnection;

const ApiStand::Headers kAuthorized{{"Host", "dure.test"}, {"Authorization", "Bearer s3cret-token"}};

HttpLimits small_limits() {
  HttpLimits limits;
  limits.header_bytes = 2048;
  limits.body_bytes = 4096;
  limits.idle_s = 1;
  limits.connections = 8;
  return limits;
}

std::size_t left_in(const std::string& directory) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

TEST_CASE("http: one connection carries many requests, also sent ahead of their answers") {
  ApiStand stand;
  RawConnection connection(stand.port());
  const auto one = ApiStand::request("GET", "/api/v1/sites", "", kAuthorized);
  const auto other = ApiStand::request("GET", "/api/v1/version", "", kAuthorized);
  REQUIRE(connection.send(one + other + one));
  for (const auto* expected : {"items", "version", "items"}) {
    const auto answer = connection.read();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(ApiStand::json(*answer).contains(expected));
  }
}

TEST_CASE("http: Connection: close is obeyed") {
  ApiStand stand;
  RawConnection connection(stand.port());
  auto headers = kAuthorized;
  headers.emplace_back("Connection", "close");
  REQUIRE(connection.send(ApiStand::request("GET", "/api/v1/sites", "", headers)));
  CHECK(connection.read()->status == 200);
  CHECK(connection.closed());
}

TEST_CASE("http: a header above the limit is 431") {
  ApiStand stand(small_limits());
  const auto answer = stand.ask("GET", "/api/v1/sites", "", {{"X-Long", std::string(4096, 'a')}});
  CHECK(answer.status == 431);
}

TEST_CASE("http: a body above the limit is 413, announced or chunked, and is not handled") {
  ApiStand stand(small_limits());
  CHECK(stand.ask("POST", "/api/v1/sites", std::string(5000, 'a')).status == 413);
  // Announced only: refused before a byte of it is sent.
  RawConnection announced(stand.port());
  auto headers = kAuthorized;
  headers.emplace_back("Content-Length", "99999999999");
  REQUIRE(announced.send(ApiStand::request("POST", "/api/v1/sites", "", headers)));
  CHECK(announced.read()->status == 413);

  RawConnection chunked(stand.port());
  headers = kAuthorized;
  headers.emplace_back("Transfer-Encoding", "chunked");
  chunked.send(ApiStand::request("POST", "/api/v1/sites", "", headers) + "2000\r\n" +
               std::string(0x2000, 'a') + "\r\n0\r\n\r\n");
  CHECK(chunked.read()->status == 413);
  CHECK(stand.api.submitted() == 0);
}

TEST_CASE("http: a client that gets 413 reads it even while it still sends") {
  ApiStand stand(small_limits());
  RawConnection connection(stand.port());
  auto headers = kAuthorized;
  headers.emplace_back("Content-Length", "2000000");
  connection.send(ApiStand::request("POST", "/api/v1/sites", "", headers));
  connection.send(std::string(2000000, 'a'));
  const auto answer = connection.read();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 413);
}

TEST_CASE("http: an upload above its limit is 413 and leaves no file") {
  ApiStand stand;
  RawConnection chunked(stand.port());
  auto headers = kAuthorized;
  headers.emplace_back("Transfer-Encoding", "chunked");
  chunked.send(ApiStand::request("POST", "/api/v1/blobs", "", headers) + "500000\r\n" +
               std::string(0x500000, 'a') + "\r\n0\r\n\r\n");
  CHECK(chunked.read()->status == 413);
  CHECK(left_in(stand.directory.path() + "/incoming") == 0);
}

TEST_CASE("http: what is no HTTP is 400") {
  ApiStand stand;
  for (const std::string text :
       {"hello\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost dure.test\r\n\r\n",
        "POST /api/v1/sites HTTP/1.1\r\nHost: dure.test\r\nContent-Length: -5\r\n\r\n",
        "POST /api/v1/sites HTTP/1.1\r\nHost: dure.test\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"}) {
    CAPTURE(text);
    RawConnection connection(stand.port());
    REQUIRE(connection.send(text));
    const auto answer = connection.read();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 400);
    CHECK(connection.closed());
  }
}

TEST_CASE("http: a target that could mean two things is 400") {
  ApiStand stand;
  for (const std::string target :
       {"/api/v1/../v1/sites", "/api//v1/sites", "/api/v1/%2e%2e/sites", "/api/v1/sites%00",
        "/api/v1/%zz", "/api/v1/%2", "/api/v1/%ff", "/api/v1/sites?cluster=%0a",
        "/api/v1/sites?a=1&a=2", "/api/v1/nodes?=x", "http://elsewhere.test/api/v1/sites", "*"}) {
    CAPTURE(target);
    CHECK(stand.ask("GET", target).status == 400);
  }
}

TEST_CASE("http: a header given twice is 400, so that nobody reads the other one") {
  ApiStand stand;
  CHECK(stand.ask("GET", "/api/v1/sites", "", {{"Host", "elsewhere.test"}}).status == 400);
  CHECK(stand.ask("GET", "/api/v1/sites", "", {{"authorization", "Bearer x"}}).status == 400);
}

TEST_CASE("http: HEAD has the header of GET and no body, and the connection stays in step") {
  ApiStand stand;
  RawConnection connection(stand.port());
  REQUIRE(connection.send(ApiStand::request("HEAD", "/api/v1/sites", "", kAuthorized)));
  const auto head = connection.read(true);
  REQUIRE(head.has_value());
  CHECK(head->status == 200);
  CHECK(head->headers.at("content-length") == "12");  // {"items":[]}
  REQUIRE(connection.send(ApiStand::request("GET", "/api/v1/sites", "", kAuthorized)));
  const auto get = connection.read();
  REQUIRE(get.has_value());
  CHECK(get->body == R"({"items":[]})");
}

TEST_CASE("http: a client that stops in the middle of a request is cut off after the idle limit") {
  ApiStand stand(small_limits());
  RawConnection silent(stand.port());
  RawConnection half_header(stand.port());
  half_header.send("GET /api/v1/sites HT");
  RawConnection half_body(stand.port());
  auto headers = kAuthorized;
  headers.emplace_back("Content-Length", "100");
  half_body.send(ApiStand::request("POST", "/api/v1/sites", "", headers) + "{");
  RawConnection half_upload(stand.port());
  half_upload.send(ApiStand::request("POST", "/api/v1/blobs", "", headers) + "abc");
  CHECK(silent.closed());
  CHECK(half_header.closed());
  CHECK(half_body.closed());
  CHECK(half_upload.closed());
  CHECK(stand.api.submitted() == 0);
  // The connection is seen to end a moment before its file goes; answers come from the same thread.
  for (int i = 0; i < 200 && left_in(stand.directory.path() + "/incoming") > 0; ++i) {
    (void)stand.ask("GET", "/healthz");
  }
  CHECK(left_in(stand.directory.path() + "/incoming") == 0);
}

TEST_CASE("http: above the limit of connections new ones are closed, and room comes back") {
  ApiStand stand(small_limits());
  {
    std::vector<std::unique_ptr<RawConnection>> many;
    for (int i = 0; i < 8; ++i) {
      many.push_back(std::make_unique<RawConnection>(stand.port()));
      REQUIRE(many.back()->send(ApiStand::request("GET", "/healthz", "", kAuthorized)));
      REQUIRE(many.back()->read()->status == 200);
    }
    RawConnection late(stand.port());
    late.send(ApiStand::request("GET", "/healthz", "", kAuthorized));
    CHECK(late.closed());
  }
  // The server hears of the eight ends in its own time.
  bool answered = false;
  for (int i = 0; i < 100 && !answered; ++i) {
    answered = stand.ask("GET", "/healthz").status == 200;
  }
  CHECK(answered);
}

TEST_CASE("http: many clients at once are all answered") {
  ApiStand stand;
  std::vector<std::unique_ptr<RawConnection>> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back(std::make_unique<RawConnection>(stand.port()));
    REQUIRE(many.back()->send(ApiStand::request("GET", "/api/v1/hosts", "", kAuthorized)));
  }
  for (const auto& connection : many) {
    const auto answer = connection->read();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
  }
}

TEST_CASE("http: Expect: 100-continue is answered before the body, or refused without it") {
  ApiStand stand;
  auto headers = kAuthorized;
  headers.emplace_back("Expect", "100-continue");
  headers.emplace_back("Content-Length", "3");
  RawConnection connection(stand.port());
  REQUIRE(connection.send(ApiStand::request("POST", "/api/v1/blobs", "", headers)));
  CHECK(connection.read(true)->status == 100);
  REQUIRE(connection.send("abc"));
  CHECK(connection.read()->status == 201);

  headers[1].second = "Bearer wrong";
  RawConnection stranger(stand.port());
  REQUIRE(stranger.send(ApiStand::request("POST", "/api/v1/blobs", "", headers)));
  CHECK(stranger.read()->status == 401);
}

// Keeps what it is asked, and throws on demand.
class OddHandler : public HttpHandler {
 public:
  std::optional<HttpResponse> refuse(const HttpRequest&) override { return std::nullopt; }
  std::optional<std::pair<std::string, std::uint64_t>> upload_to(const HttpRequest&) override {
    return std::nullopt;
  }
  void handle(HttpRequest request, Respond respond) override {
    if (request.path == "/throw") throw std::runtime_error("on demand");
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(respond));
    arrived_.notify_all();
  }
  std::vector<Respond> take(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::seconds(5), [&] { return kept_.size() >= count; });
    return std::exchange(kept_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Respond> kept_;
};

TEST_CASE("http: an answer that comes after the server's end is dropped") {
  OddHandler handler;
  auto server = HttpServer::start("127.0.0.1:0", handler).value();
  RawConnection connection(server->port());
  REQUIRE(connection.send("GET / HTTP/1.1\r\n\r\n"));
  auto kept = handler.take(1);
  REQUIRE(kept.size() == 1);
  server.reset();
  kept.front()(HttpResponse{});
  CHECK(connection.closed());
}

TEST_CASE("http: an answer given from another thread arrives, and a second one is dropped") {
  OddHandler handler;
  const auto server = HttpServer::start("127.0.0.1:0", handler).value();
  RawConnection connection(server->port());
  REQUIRE(connection.send("GET / HTTP/1.1\r\n\r\n"));
  auto kept = handler.take(1);
  REQUIRE(kept.size() == 1);
  std::thread elsewhere([&] {
    HttpResponse response;
    response.body = "once";
    kept.front()(response);
    response.body = "twice";
    kept.front()(response);
  });
  elsewhere.join();
  CHECK(connection.read()->body == "once");
  REQUIRE(connection.send("GET / HTTP/1.1\r\n\r\n"));
  kept = handler.take(1);
  REQUIRE(kept.size() == 1);
  HttpResponse third;
  third.body = "third";
  kept.front()(third);
  CHECK(connection.read()->body == "third");
}

TEST_CASE("http: a handler that throws costs its own request only") {
  OddHandler handler;
  const auto server = HttpServer::start("127.0.0.1:0", handler).value();
  RawConnection first(server->port());
  REQUIRE(first.send("GET /throw HTTP/1.1\r\n\r\n"));
  CHECK(first.read()->status == 500);
  RawConnection second(server->port());
  REQUIRE(second.send("GET / HTTP/1.1\r\n\r\n"));
  auto kept = handler.take(1);
  REQUIRE(kept.size() == 1);
  kept.front()(HttpResponse{});
  CHECK(second.read()->status == 200);
}

TEST_CASE("http: an address that is none, or is taken, is an error that names it") {
  OddHandler handler;
  for (const std::string listen : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:8x",
                                   "localhost:80"}) {
    const auto server = HttpServer::start(listen, handler);
    CAPTURE(listen);
    REQUIRE_FALSE(server.ok());
    CHECK(server.error().code == Errc::invalid_argument);
  }
  const auto first = HttpServer::start("127.0.0.1:0", handler).value();
  const auto second = HttpServer::start("127.0.0.1:" + std::to_string(first->port()), handler);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == Errc::unavailable);
}

TEST_CASE("http: percent-decoding") {
  CHECK(percent_decode("/a%20b+c", false) == "/a b+c");
  CHECK(percent_decode("a+b%2B", true) == "a b+");
  CHECK(percent_decode("%41", false) == "A");
  for (const auto* wrong : {"%", "%4", "%4g", "%00", "%1f", "%7F", "a\nb"}) {
    CAPTURE(wrong);
    CHECK_FALSE(percent_decode(wrong, false).has_value());
  }
}

}  // namespace
}  // namespace dure::control
