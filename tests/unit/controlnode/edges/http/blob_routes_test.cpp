#include "controlnode/edges/http/blob_routes.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <future>

#include "common/sha256.h"
#include "tests/unit/controlnode/edges/http/api_stand.h"

namespace dure::control {
namespace {

using test::ApiStand;
using test::RawConnection;

std::string digest_of(std::string_view bytes) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes.data(), bytes.size())));
  return hash.finish().str();
}

// Larger than the pieces that the server reads.
std::string large() {
  std::string bytes(300'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>('a' + i % 23);
  return bytes;
}

struct Shelf {
  ApiStand stand;
  std::string bytes = large();
  std::string path = "/blobs/" + digest_of(bytes);
  Shelf() { REQUIRE(stand.ask("POST", "/api/v1/blobs", bytes).status == 201); }
  test::RawAnswer get(const std::string& target, const ApiStand::Headers& headers = {}) {
    return ApiStand::ask_plain(stand.blob_port(), "GET", target, "", headers);
  }
};

std::size_t left_in(const std::string& directory) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

TEST_CASE("blobs: what was uploaded is fetched, whole and by its digest") {
  Shelf shelf;
  const auto answer = shelf.get(shelf.path);
  CHECK(answer.status == 200);
  CHECK(answer.body == shelf.bytes);
  CHECK(answer.headers.at("content-type") == "application/octet-stream");
  CHECK(answer.headers.at("accept-ranges") == "bytes");
  CHECK(answer.headers.at("etag") == "\"" + digest_of(shelf.bytes) + "\"");
}

TEST_CASE("blobs: a fetch resumes where it was cut off") {
  Shelf shelf;
  const auto size = std::to_string(shelf.bytes.size());
  const auto rest = shelf.get(shelf.path, {{"Range", "bytes=299990-"}});
  CHECK(rest.status == 206);
  CHECK(rest.body == shelf.bytes.substr(299'990));
  CHECK(rest.headers.at("content-range") == "bytes 299990-299999/" + size);
  const auto middle = shelf.get(shelf.path, {{"Range", "bytes=100-199"}});
  CHECK(middle.status == 206);
  CHECK(middle.body == shelf.bytes.substr(100, 100));
  const auto beyond = shelf.get(shelf.path, {{"Range", "bytes=299999-999999"}});
  CHECK(beyond.status == 206);
  CHECK(beyond.body == shelf.bytes.substr(299'999));
}

TEST_CASE("blobs: a range that cannot be is 416 and tells the size") {
  Shelf shelf;
  for (const std::string range :
       {"bytes=300000-", "bytes=5-4", "bytes=-5", "bytes=", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1",
        "bytes=0", "bytes=-", "bytes=99999999999999999999-", "bytes=0x1-2", "bytes= 0-1"}) {
    CAPTURE(range);
    const auto answer = shelf.get(shelf.path, {{"Range", range}});
    CHECK(answer.status == 416);
    CHECK(answer.headers.at("content-range") == "bytes */300000");
  }
}

TEST_CASE("blobs: nothing but blobs can be read, and nothing written") {
  Shelf shelf;
  for (const std::string target :
       {"/", "/blobs", "/blobs/", "/blobs/none", "/incoming/1", "/api/v1/sites",
        "/blobs/incoming/1", "/blobs/%2e%2e/incoming/1", "/blobs/..%2fincoming%2f1",
        "/blobs/../../etc/passwd", "//etc/passwd", "/blobs//etc/passwd", "/blobs/%00"}) {
    CAPTURE(target);
    const auto answer = shelf.get(target);
    CHECK((answer.status == 404 || answer.status == 400));
    CHECK(answer.body.find("root:") == std::string::npos);
  }
  auto upper = shelf.path;
  for (auto& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(shelf.get(upper).status == 404);
  for (const std::string method : {"POST", "PUT", "DELETE"}) {
    CHECK(ApiStand::ask_plain(shelf.stand.blob_port(), method, shelf.path, "", {}).status == 405);
  }
  const auto head = ApiStand::ask_plain(shelf.stand.blob_port(), "HEAD", shelf.path, "", {});
  CHECK(head.status == 200);
  CHECK(head.headers.at("content-length") == "300000");
}

TEST_CASE("upload: the wrong digest is 400 and nothing is kept") {
  ApiStand stand;
  const auto answer =
      stand.ask("POST", "/api/v1/blobs?sha256=" + std::string(64, '0').replace(0, 1, "1"), "bytes");
  CHECK(answer.status == 400);
  CHECK(ApiStand::json(answer).at("code") == "corrupt");
  CHECK(left_in(stand.directory.path() + "/blobs") == 0);
  CHECK(left_in(stand.directory.path() + "/incoming") == 0);
}

TEST_CASE("upload: a malformed digest, no bytes, or a qcow2 that reads other files are 400") {
  ApiStand stand;
  CHECK(stand.ask("POST", "/api/v1/blobs?sha256=abc", "bytes").status == 400);
  CHECK(stand.ask("POST", "/api/v1/blobs").status == 400);
  std::string disk("QFI\xfb", 4);
  disk.resize(512, '\0');
  disk[7] = 3;
  disk[15] = 104;
  CHECK(stand.ask("POST", "/api/v1/blobs", disk).status == 400);
  CHECK(left_in(stand.directory.path() + "/blobs") == 0);
  CHECK(left_in(stand.directory.path() + "/incoming") == 0);
}

TEST_CASE("upload: the same bytes twice are one blob, read-only") {
  ApiStand stand;
  const auto digest = digest_of("bytes");
  for (int i = 0; i < 2; ++i) {
    const auto answer = stand.ask("POST", "/api/v1/blobs?sha256=" + digest, "bytes");
    CHECK(answer.status == 201);
    CHECK(ApiStand::json(answer).at("size_bytes") == boost::json::value(5));
  }
  CHECK(left_in(stand.directory.path() + "/blobs") == 1);
  namespace fs = std::filesystem;
  const auto mode = fs::status(stand.directory.path() + "/blobs/" + digest).permissions();
  CHECK((mode & fs::perms::all) == static_cast<fs::perms>(0444));
  const auto shown = ApiStand::json(stand.ask("GET", "/api/v1/blobs/" + digest));
  CHECK(shown.at("size_bytes") == boost::json::value(5));
}

TEST_CASE("upload: when too many wait to be checked the next are 503, and everything else is answered") {
  ApiStand stand;
  std::promise<void> started, release;
  stand.tasks.run([&, released = release.get_future().share()] {
    started.set_value();
    released.wait();
  });
  started.get_future().wait();
  while (stand.tasks.try_run([] {})) {
  }
  for (int i = 0; i < 66; ++i) {
    const auto refused = stand.ask("POST", "/api/v1/blobs", "bytes");
    REQUIRE(refused.status == 503);
    CHECK(refused.headers.at("retry-after") == "1");
    CHECK(ApiStand::json(refused).at("code") == "unavailable");
    REQUIRE(stand.ask("GET", "/healthz").status == 200);
  }
  CHECK(left_in(stand.directory.path() + "/incoming") == 0);
  release.set_value();
  unsigned status = 503;
  for (int i = 0; i < 2000 && status == 503; ++i) status = stand.ask("POST", "/api/v1/blobs", "bytes").status;
  CHECK(status == 201);
}

TEST_CASE("blobs: what no image has goes at the first tick, and then every hour") {
  ApiStand stand;
  const auto digest = digest_of("bytes");
  const auto there = [&] { return stand.ask("GET", "/api/v1/blobs/" + digest).status == 200; };
  const auto tick = [&](Duration later) {
    REQUIRE(stand.ask("POST", "/api/v1/blobs", "bytes").status == 201);
    stand.routes.tick(SteadyPoint{1'000'000} + later);
    std::promise<void> done;
    stand.chores.run([&] { done.set_value(); });
    done.get_future().wait();
  };
  tick(Duration{});
  CHECK_FALSE(there());
  tick(std::chrono::minutes(59));
  CHECK(there());
  tick(std::chrono::minutes(60));
  CHECK_FALSE(there());
  tick(std::chrono::minutes(119));
  CHECK(there());
}

TEST_CASE("upload: one that breaks off leaves nothing, and so does one before a crash") {
  ApiStand stand;
  const auto incoming = stand.directory.path() + "/incoming";
  // Each look is a request that the server answers between two of its steps with the other connection.
  const auto comes_to = [&](std::size_t wanted) {
    for (int i = 0; i < 2000 && left_in(incoming) != wanted; ++i) (void)stand.ask("GET", "/healthz");
    return left_in(incoming) == wanted;
  };
  {
    RawConnection connection(stand.port());
    connection.send(ApiStand::request("POST", "/api/v1/blobs", "",
                                      {{"Host", "dure.test"},
                                       {"Authorization", "Bearer s3cret-token"},
                                       {"Content-Length", "100"}}) +
                    "half");
    REQUIRE(comes_to(1));
  }
  CHECK(comes_to(0));
  REQUIRE(write_file_durably(incoming + "/7", "left", 0600).ok());
  REQUIRE(BlobShelf(stand.directory.path()).open().ok());
  CHECK(left_in(incoming) == 0);
}

}  // namespace
}  // namespace dure::control
