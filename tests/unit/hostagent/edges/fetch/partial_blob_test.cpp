#include "hostagent/edges/fetch/partial_blob.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace dure;
using namespace dure::host;

namespace {

struct Scratch {
  std::string directory = (std::filesystem::temp_directory_path() / "dure-partial-XXXXXX").string();
  std::string path;

  Scratch() {
    REQUIRE(::mkdtemp(directory.data()) != nullptr);
    path = directory + "/part";
  }
  Scratch(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(directory); }
};

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

const std::string kText = "the bytes of a blob";

BlobRef blob() {
  Sha256 hash;
  hash.update(bytes_of(kText));
  return {hash.finish(), kText.size()};
}

}  // namespace

TEST_CASE("bytes that come in pieces, over two openings, are sealed when the digest is right") {
  const Scratch scratch;
  {
    auto first = PartialBlob::open(scratch.path, blob(), 0);
    REQUIRE(first.ok());
    CHECK(first->append(bytes_of(kText.substr(0, 5))).ok());
    CHECK(first->seal().error().code == Errc::corrupt);
  }
  auto second = PartialBlob::open(scratch.path, blob(), 0);
  REQUIRE(second.ok());
  CHECK(second->bytes() == 5);
  CHECK(second->append(bytes_of(kText.substr(5))).ok());
  REQUIRE(second->seal().ok());
  struct stat held {};
  REQUIRE(::stat(scratch.path.c_str(), &held) == 0);
  CHECK((held.st_mode & 0777U) == 0444U);
  CHECK(static_cast<std::size_t>(held.st_size) == kText.size());
}

TEST_CASE("other bytes and too many bytes are corrupt") {
  const Scratch scratch;
  auto partial = PartialBlob::open(scratch.path, blob(), 0);
  REQUIRE(partial.ok());
  CHECK(partial->append(bytes_of(kText + "!")).error().code == Errc::corrupt);
  CHECK(partial->bytes() == 0);
  std::string other = kText;
  other[3] = 'X';
  CHECK(partial->append(bytes_of(other)).ok());
  CHECK(partial->seal().error().code == Errc::corrupt);
}

TEST_CASE("starting over forgets what had come") {
  const Scratch scratch;
  auto partial = PartialBlob::open(scratch.path, blob(), 0);
  REQUIRE(partial.ok());
  CHECK(partial->append(bytes_of("wrong")).ok());
  CHECK(partial->start_over().ok());
  CHECK(partial->append(bytes_of(kText)).ok());
  CHECK(partial->seal().ok());
}

TEST_CASE("a device is no place for a blob, and neither is a directory that is not there") {
  const Scratch scratch;
  CHECK_FALSE(PartialBlob::open("/dev/null", blob(), 0).ok());
  CHECK_FALSE(PartialBlob::open(scratch.directory + "/none/part", blob(), 0).ok());
  CHECK(PartialBlob::open(scratch.path, blob(), std::uint64_t{1} << 62).error().code == Errc::no_space);
}
