#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "hostagent/edges/fetch/http_blob_store.h"
#include "tests/contract/blob_store_contract.h"
#include "tests/contract/blob_store_server.h"

using namespace dure;
using namespace dure::host;
using test::BlobServer;
using test::random_bytes;
using test::ref_of;

namespace {

constexpr std::size_t kSize = std::size_t{3} * 1024 * 1024 + 17;

// A directory of its own, a server, and one blob that it serves.
struct Fixture {
  std::string directory = (std::filesystem::temp_directory_path() / "dure-blobs-XXXXXX").string();
  BlobServer server;
  std::string bytes = random_bytes(kSize, 1);
  BlobRef blob = ref_of(bytes);

  Fixture() {
    REQUIRE(::mkdtemp(directory.data()) != nullptr);
    server.serve(blob.digest, bytes);
  }
  Fixture(const Fixture&) = delete;
  ~Fixture() { std::filesystem::remove_all(directory); }

  HttpBlobStoreOptions options() const {
    HttpBlobStoreOptions options;
    options.state_dir = directory;
    options.base_url = server.url();
    options.keep_free_bytes = 0;
    options.connect_timeout_ms = 2000;
    options.stalled_after_s = 1;
    return options;
  }
  std::unique_ptr<HttpBlobStore> open() const { return open(options()); }
  static std::unique_ptr<HttpBlobStore> open(const HttpBlobStoreOptions& options) {
    auto store = HttpBlobStore::open(options);
    REQUIRE_MESSAGE(store.ok(), (store.ok() ? "" : store.error().message));
    return std::move(*store);
  }
  std::string partial() const { return directory + "/partial/" + blob.digest.str(); }
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Errc code_of(const Result<void>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().code;
}

}  // namespace

TEST_CASE("the HTTP blob store keeps the contract") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  contract::BlobSource source;
  source.genuine = fixture.blob;
  source.forged = ref_of(random_bytes(1000, 2));
  source.shorter = ref_of(random_bytes(1000, 3));
  source.longer = ref_of(random_bytes(1000, 4));
  source.missing = ref_of(random_bytes(1000, 5));
  source.cut_next = [&] { fixture.server.behave({.cut_after = 1'000'000}); };
  fixture.server.serve(source.forged.digest, random_bytes(1000, 6));
  fixture.server.serve(source.shorter.digest, random_bytes(1000, 3).substr(0, 999));
  fixture.server.serve(source.longer.digest, random_bytes(1000, 4) + "x");
  contract::blob_store_contract(store, source);
}

TEST_CASE("the file is whole, read-only and under its digest; nothing is left beside it") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  REQUIRE(store.fetch(fixture.blob, nullptr).ok());
  const std::string path = store.path_of(fixture.blob.digest);
  CHECK(content_of(path) == fixture.bytes);
  struct stat held {};
  REQUIRE(::stat(path.c_str(), &held) == 0);
  CHECK((held.st_mode & 07777U) == 0444U);
  CHECK(std::filesystem::is_empty(fixture.directory + "/partial"));
}

TEST_CASE("a download goes on with a range, even by another process after a crash") {
  Fixture fixture;
  fixture.server.behave({.cut_after = 1'000'000});
  CHECK(code_of(fixture.open()->fetch(fixture.blob, nullptr)) == Errc::unavailable);
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  const auto held = contract::held(store);
  REQUIRE(held.size() == 1);
  CHECK(held[0].bytes_done == 1'000'000);
  REQUIRE(store.fetch(fixture.blob, nullptr).ok());
  CHECK(content_of(store.path_of(fixture.blob.digest)) == fixture.bytes);
  const auto requests = fixture.server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].range.empty());
  CHECK(requests[1].range == "bytes=1000000-");
  CHECK(requests[1].path == "/blobs/" + fixture.blob.digest.str());
}

TEST_CASE("a part that changed on the disk is found out, dropped, and fetched anew") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  fixture.server.behave({.cut_after = 1'000'000});
  CHECK_FALSE(store.fetch(fixture.blob, nullptr).ok());
  std::fstream(fixture.partial(), std::ios::in | std::ios::out | std::ios::binary).seekp(5).put('!');
  CHECK(code_of(store.fetch(fixture.blob, nullptr)) == Errc::corrupt);
  CHECK_FALSE(std::filesystem::exists(fixture.partial()));
  CHECK(store.fetch(fixture.blob, nullptr).ok());
}

TEST_CASE("a part longer than the blob is started over") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  std::ofstream(fixture.partial()) << random_bytes(kSize + 1, 9);
  CHECK(store.fetch(fixture.blob, nullptr).ok());
  CHECK(content_of(store.path_of(fixture.blob.digest)) == fixture.bytes);
}

TEST_CASE("all bytes there but not yet renamed: no request is made") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  std::ofstream(fixture.partial()) << fixture.bytes;
  CHECK(store.fetch(fixture.blob, nullptr).ok());
  CHECK(fixture.server.requests().empty());
}

TEST_CASE("a server that knows no ranges starts over, and the result is right") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  fixture.server.behave({.cut_after = 1'000'000, .ignore_range = true});
  CHECK_FALSE(store.fetch(fixture.blob, nullptr).ok());
  CHECK(store.fetch(fixture.blob, nullptr).ok());
  CHECK(content_of(store.path_of(fixture.blob.digest)) == fixture.bytes);
}

TEST_CASE("a body without a length that ends early is unavailable and goes on later") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  fixture.server.behave({.cut_after = 1'000'000, .no_length = true});
  CHECK(code_of(store.fetch(fixture.blob, nullptr)) == Errc::unavailable);
  CHECK(store.fetch(fixture.blob, nullptr).ok());
}

TEST_CASE("a server that stalls is given up, and what came is kept") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  fixture.server.behave({.stall_after = 500'000});
  const auto start = std::chrono::steady_clock::now();
  CHECK(code_of(store.fetch(fixture.blob, nullptr)) == Errc::unavailable);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  CHECK(contract::held(store)[0].bytes_done == 500'000);
  fixture.server.behave({});
  CHECK(store.fetch(fixture.blob, nullptr).ok());
}

TEST_CASE("redirects are not followed, and error pages are no content") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  BlobServer other;
  other.serve(fixture.blob.digest, fixture.bytes);
  fixture.server.behave({.status = 302, .location = other.url() + "/blobs/" + fixture.blob.digest.str()});
  CHECK(code_of(store.fetch(fixture.blob, nullptr)) == Errc::unavailable);
  CHECK(other.requests().empty());
  for (const int status : {500, 503, 403}) {
    fixture.server.behave({.status = status});
    CHECK(code_of(store.fetch(fixture.blob, nullptr)) == Errc::unavailable);
  }
  fixture.server.behave({});
  CHECK(store.fetch(fixture.blob, nullptr).ok());
}

TEST_CASE("only http and https, and no proxy from the environment") {
  Fixture fixture;
  auto options = fixture.options();
  options.base_url = "file://" + fixture.directory;
  CHECK(HttpBlobStore::open(options).error().code == Errc::invalid_argument);
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  CHECK(store.fetch(fixture.blob, nullptr).ok());
  ::unsetenv("http_proxy");
}

TEST_CASE("a disk without room is refused before the first byte") {
  Fixture fixture;
  auto options = fixture.options();
  options.keep_free_bytes = std::uint64_t{1} << 60;
  CHECK(code_of(Fixture::open(options)->fetch(fixture.blob, nullptr)) == Errc::no_space);
  CHECK(fixture.server.requests().empty());
}

TEST_CASE("a control node that is not there is unavailable") {
  Fixture fixture;
  auto options = fixture.options();
  options.base_url = "http://127.0.0.1:1";
  CHECK(code_of(Fixture::open(options)->fetch(fixture.blob, nullptr)) == Errc::unavailable);
}

TEST_CASE("a partial file that is a link is not written through") {
  Fixture fixture;
  const auto opened = fixture.open();
  BlobStore& store = *opened;
  const std::string victim = fixture.directory + "/victim";
  std::ofstream(victim) << "mine";
  std::filesystem::create_symlink(victim, fixture.partial());
  CHECK_FALSE(store.fetch(fixture.blob, nullptr).ok());
  CHECK(content_of(victim) == "mine");
}
