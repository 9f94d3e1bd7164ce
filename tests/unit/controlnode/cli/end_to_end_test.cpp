#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <sstream>

#include "common/files.h"
#include "common/sha256.h"
#include "controlnode/cli/curl_client.h"
#include "controlnode/cli/run.h"
#include "tests/unit/controlnode/cli/cli_stand.h"
#include "tests/unit/controlnode/edges/http/api_stand.h"

// The command line over libcurl against the real HTTP edge.
namespace dure::cli {
namespace {

namespace json = boost::json;
using control::HttpRequest;
using control::HttpResponse;

// The routes accept one Host; curl names the port that the server happens to have.
class AnyHost : public control::HttpHandler {
 public:
  explicit AnyHost(control::HttpHandler& inner) : inner_(inner) {}
  std::optional<HttpResponse> refuse(const HttpRequest& header) override {
    return inner_.refuse(renamed(header));
  }
  std::optional<std::pair<std::string, std::uint64_t>> upload_to(const HttpRequest& header) override {
    return inner_.upload_to(header);
  }
  void handle(HttpRequest request, control::Respond respond) override {
    inner_.handle(std::move(request), std::move(respond));
  }

 private:
  static HttpRequest renamed(HttpRequest header) {
    header.headers["host"] = "dure.test";
    return header;
  }
  control::HttpHandler& inner_;
};

struct Live {
  TempDir directory;
  control::FakeApi api;
  control::BlobShelf shelf{directory.path()};
  SystemClock clock;
  SystemRandom random;
  ThreadTaskRunner tasks{1, 4}, chores{1, 2};
  control::ApiRoutes routes{{"t0ken", {"dure.test"}, 64 << 20, std::chrono::hours(1)}, api, shelf, tasks, chores};
  AnyHost any{routes};
  std::unique_ptr<control::HttpServer> server =
      control::HttpServer::start("127.0.0.1:0", any).value();
  test::FakePatience patience;
  std::ostringstream out, err;
  std::string token_file = directory.path() + "/token";

  Live() {
    REQUIRE(shelf.open().ok());
    REQUIRE(write_file_durably(token_file, "t0ken\n", 0600).ok());
  }

  int run(const std::vector<std::string>& arguments) {
    out.str("");
    err.str("");
    // A proxy that is not there must not be asked for what is on this machine.
    World world{Terminal{out, err},
                {{"DURE_ADDR", "http://127.0.0.1:" + std::to_string(server->port())},
                 {"DURE_TOKEN_FILE", token_file}},
                [this](const Endpoint& endpoint) { return connect_by_curl(endpoint, patience); },
                patience, random, clock};
    return static_cast<int>(cli::run(arguments, world));
  }
};

TEST_CASE("end to end: a decision is listed, explained and replayed, and a refusal as well") {
  Live live;
  live.api.act([](control::test::Campus& campus) {
    campus.site("east");
    campus.host("pc-1", "east");
    campus.host("pc-2", "east");
    campus.catalog();
  });
  const auto create = [&](const std::string& name, const std::string& workers) {
    return live.run({"cluster", "create", name, "--workers", workers, "--flavor", "small", "--image", "debian-13",
                     "--keypair", "me", "--no-wait"});
  };
  REQUIRE(create("demo", "1") == 0);
  REQUIRE(create("big", "40") == 6);
  CHECK(live.run({"plan", "decisions", "-o", "name"}) == 0);
  CHECK(live.out.str() == "2\n1\n");
  CHECK(live.run({"cluster", "explain", "demo"}) == 0);
  CHECK(test::contains(live.out.str(), "demo-cp1  control-plane  pc-1  east  of 2 hosts that it fits on"));
  CHECK(live.run({"cluster", "explain", "big"}) == 0);
  CHECK(test::contains(live.out.str(), "MiB memory free, 1024 wanted"));
  CHECK(test::contains(live.out.str(), "It would fit\n"));
  CHECK(live.run({"plan", "replay", "1"}) == 0);
  CHECK(live.run({"plan", "replay", "2"}) == 0);
  live.api.tamper([](control::PlacementRecord& record) { record.summary += "!"; });
  CHECK(live.run({"plan", "replay", "2"}) == 1);
  CHECK(test::contains(live.out.str(), "different: summary\n"));
  CHECK(live.run({"plan", "replay", "3"}) == 3);
}

TEST_CASE("end to end: a campus is described, a cluster is made, watched and deleted") {
  Live live;
  CHECK(live.run({"site", "create", "east", "--underlay-mtu", "1400"}) == 0);
  CHECK(live.run({"site", "create", "east"}) == 5);
  CHECK(live.run({"site", "create", "East"}) == 2);
  CHECK(live.run({"flavor", "create", "tiny", "--vcpus", "1", "--memory-mib", "512", "--disk-gib", "5",
                  "-o", "json"}) == 0);
  CHECK(json::parse(live.out.str()).at("memory_mib") == json::value(512));
  const auto key = live.directory.path() + "/key.pub";
  REQUIRE(write_file_durably(
              key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA me\n",
              0600).ok());
  live.api.act([](control::test::Campus& campus) {
    campus.host("pc-1", "east");
    campus.host("pc-2", "east");
    campus.catalog();
  });
  CHECK(live.run({"keypair", "create", "mine", "--public-key-file", key}) == 0);
  CHECK(live.run({"host", "list", "-o", "name"}) == 0);
  CHECK(live.out.str() == "pc-1\npc-2\n");

  const std::vector<std::string> create{"cluster", "create",  "demo",      "--workers", "1",
                                        "--flavor", "small",  "--image",   "debian-13", "--keypair",
                                        "me",       "--no-wait"};
  CHECK(live.run(create) == 0);
  auto operation = live.out.str();
  operation.pop_back();
  CHECK(live.run({"operation", "wait", operation, "--timeout", "1s"}) == 7);
  CHECK(live.run(create) == 5);
  live.api.act([](control::test::Campus& campus) { campus.report_all(); });
  CHECK(live.run({"operation", "wait", operation, "-o", "json"}) == 0);
  CHECK(json::parse(live.out.str()).at("state") == "succeeded");
  CHECK(live.run({"cluster", "show", "demo"}) == 0);
  CHECK(test::contains(live.out.str(), "demo-w1"));
  CHECK(live.run({"node", "list", "--cluster", "demo", "-o", "yaml"}) == 0);
  CHECK(test::contains(live.out.str(), "role: control-plane"));
  CHECK(live.run({"cluster", "scale", "demo", "--workers", "60", "--no-wait"}) == 6);
  CHECK(test::contains(live.err.str(), "pc-1"));
  CHECK(live.run({"event", "list", "--limit", "2", "-o", "json"}) == 0);
  CHECK(json::parse(live.out.str()).at("items").as_array().size() == 2);
  CHECK(live.run({"cluster", "delete", "demo", "--no-wait"}) == 0);
  CHECK(live.run({"flavor", "delete", "small"}) == 5);
}

TEST_CASE("end to end: a credential is asked for, written, listed and revoked") {
  Live live;
  live.api.act([](control::test::Campus& campus) {
    campus.site("east");
    for (const auto* host : {"pc-1", "pc-2"}) campus.host(host, "east");
    campus.catalog({2, 2048, 10});
    for (auto& [id, image] : campus.model.images) image.kubernetes = "v1.32.13";
    campus.create("demo", 1, 1);
  });
  const auto file = live.directory.path() + "/kubeconfig";
  CHECK(live.run({"cluster", "kubeconfig", "demo", "--out", file}) == 0);
  CHECK(test::contains(read_file(file, 1 << 20).value(), "client-key-data: \"U0VDUkVU\""));
  CHECK(live.run({"cluster", "access", "list", "demo", "-o", "name"}) == 0);
  auto user = live.out.str();
  CHECK(user.starts_with("dure:"));
  user.pop_back();
  CHECK(test::contains(read_file(file, 1 << 20).value(), user));
  CHECK(live.run({"cluster", "access", "revoke", "demo", user}) == 0);
  CHECK(live.run({"cluster", "access", "list", "demo", "-o", "json"}) == 0);
  CHECK(json::parse(live.out.str()).at("items").at(0).at("revoked_at").is_string());
  CHECK(live.run({"cluster", "access", "revoke", "demo", "nobody"}) == 3);
  CHECK(live.run({"cluster", "kubeconfig", "none", "--out", file}) == 3);
}

TEST_CASE("end to end: a wrong token is exit 4, no server exit 1, and the token is never shown") {
  Live live;
  REQUIRE(write_file_durably(live.token_file, "wr0ng\n", 0600).ok());
  CHECK(live.run({"site", "list"}) == 4);
  CHECK_FALSE(test::contains(live.err.str() + live.out.str(), "wr0ng"));
  live.server.reset();
  live.server = control::HttpServer::start("127.0.0.1:0", live.any).value();
  CHECK(live.run({"site", "list", "--addr", "http://127.0.0.1:1"}) == 1);
}

TEST_CASE("end to end: an image of megabytes is uploaded by pieces and sent only once") {
  Live live;
  const std::string bytes(5'000'000, 'd');
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes.data(), bytes.size())));
  const auto digest = hash.finish().str();
  REQUIRE(make_directories(live.directory.path() + "/image/blobs", 0700).ok());
  REQUIRE(write_file_durably(live.directory.path() + "/image/blobs/" + digest, bytes, 0600).ok());
  const auto manifest = live.directory.path() + "/image/node-image.json";
  REQUIRE(write_file_durably(
              manifest,
              json::serialize(json::object{{"disk", json::object{{"sha256", digest},
                                                                 {"size_bytes", bytes.size()},
                                                                 {"virtual_size_bytes", 1 << 30}}},
                                           {"kernel", nullptr},
                                           {"initrd", nullptr},
                                           {"cmdline", ""}}),
              0600).ok());
  CHECK(live.run({"image", "import", "node", "--manifest", manifest}) == 0);
  CHECK(test::contains(live.err.str(), "disk  sent"));
  CHECK(live.run({"image", "import", "other", "--manifest", manifest}) == 0);
  CHECK(test::contains(live.err.str(), "is there already"));
}

TEST_CASE("end to end: a lease that crosses a class is refused with the way out, and a shorter one is created") {
  Live live;
  live.api.act([](control::test::Campus& campus) {
    campus.site("east");
    campus.host("pc-1", "east");
    campus.catalog();
  });
  // The campus begins on 2023-11-14 at 22:13:20.
  REQUIRE(live.run({"host", "busy", "pc-1", "--add", "2023-11-15T18:00:00+09:00/2023-11-15T20:00:00+09:00"}) == 0);
  const auto create = [&](const std::string& until) {
    return live.run({"cluster", "create", "demo", "--workers", "1", "--flavor", "small", "--image", "debian-13",
                     "--keypair", "me", "--no-wait", "--until", until});
  };
  CHECK(create("2023-11-15T19:00:00+09:00") == 6);
  CHECK(test::contains(live.err.str(), "is needed by its owner from 2023-11-15T09:00:00.000Z"));
  CHECK(test::contains(live.err.str(), "if it ends by 2023-11-15T09:00:00.000Z"));
  CHECK(create("2023-11-14T22:00:00Z") == 2);
  CHECK(test::contains(live.err.str(), "is in the past"));
  CHECK(create("2023-11-15T18:00:00+09:00") == 0);
  CHECK(live.run({"cluster", "extend", "demo", "--no-end"}) == 6);
  CHECK(test::contains(live.err.str(), "host pc-1, which has demo-cp1, demo-w1, is needed by its owner"));
  CHECK(live.run({"cluster", "extend", "demo", "--until", "2023-11-15T08:00:00Z"}) == 0);
  CHECK(live.run({"cluster", "list", "--columns", "NAME,UNTIL", "--no-headers"}) == 0);
  CHECK(live.out.str() == "demo  2023-11-15T08:00:00.000Z\n");
}

TEST_CASE("end to end: a request whose first answer was lost is repeated and done once") {
  Live live;
  live.api.act([](control::test::Campus& campus) {
    campus.site("east");
    campus.host("pc-1", "east");
    campus.host("pc-2", "east");
    campus.catalog();
  });
  const std::vector<std::string> create{"cluster", "create", "demo",    "--workers", "1",
                                        "--flavor", "small", "--image", "debian-13", "--keypair",
                                        "me",       "--no-wait", "--idempotency-key", "same"};
  REQUIRE(live.run(create) == 0);
  const auto first = live.out.str();
  REQUIRE(live.run(create) == 0);
  CHECK(live.out.str() == first);
  CHECK(live.run({"cluster", "list", "-o", "name"}) == 0);
  CHECK(live.out.str() == "demo\n");
}

}  // namespace
}  // namespace dure::cli
