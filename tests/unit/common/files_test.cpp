#include "common/files.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace {

// A directory of its own that goes with the test.
struct Scratch {
  std::filesystem::path path;
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "dure-files-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
};

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE("files: what was written is read back, with exactly the mode asked for") {
  const Scratch scratch;
  const mode_t former = ::umask(0077);
  REQUIRE(dure::write_file_durably(scratch.file("a"), std::string("x\0y", 3), 0644).ok());
  ::umask(former);
  CHECK(mode_of(scratch.file("a")) == 0644);
  const auto content = dure::read_file(scratch.file("a"), 3);
  REQUIRE(content.ok());
  CHECK(*content == std::string("x\0y", 3));
  CHECK(!std::filesystem::exists(scratch.file("a.tmp")));
}

TEST_CASE("files: a longer file than allowed is refused") {
  const Scratch scratch;
  REQUIRE(dure::write_file_durably(scratch.file("a"), "1234", 0600).ok());
  const auto content = dure::read_file(scratch.file("a"), 3);
  REQUIRE(!content.ok());
  CHECK(content.error().code == dure::Errc::invalid_argument);
}

TEST_CASE("files: a file that is not there is not_found") {
  const Scratch scratch;
  CHECK(dure::read_file(scratch.file("a"), 9).error().code == dure::Errc::not_found);
  CHECK(dure::write_file_durably(scratch.file("b/a"), "", 0600).error().code == dure::Errc::not_found);
}

TEST_CASE("files: a pipe in the file's place is refused and does not hang") {
  const Scratch scratch;
  REQUIRE(::mkfifo(scratch.file("pipe").c_str(), 0600) == 0);
  CHECK(dure::read_file(scratch.file("pipe"), 9).error().code == dure::Errc::invalid_argument);
  CHECK(dure::read_file(scratch.path.string(), 9).error().code == dure::Errc::invalid_argument);
}

TEST_CASE("files: a secret never goes through a link or into a file that lay there with a wide mode") {
  const Scratch scratch;
  REQUIRE(dure::write_file_durably(scratch.file("other"), "old", 0666).ok());
  REQUIRE(::symlink(scratch.file("other").c_str(), scratch.file("key.tmp").c_str()) == 0);
  REQUIRE(dure::write_file_durably(scratch.file("key"), "secret", 0600).ok());
  CHECK(*dure::read_file(scratch.file("other"), 9) == "old");
  CHECK(*dure::read_file(scratch.file("key"), 9) == "secret");
  CHECK(mode_of(scratch.file("key")) == 0600);
}

TEST_CASE("files: a write that fails leaves the former content and no remains") {
  const Scratch scratch;
  REQUIRE(dure::make_directories(scratch.file("a"), 0700).ok());
  REQUIRE(dure::write_file_durably(scratch.file("a/b"), "x", 0600).ok());
  // A directory that is not empty cannot be replaced by a file.
  CHECK(!dure::write_file_durably(scratch.file("a"), "new", 0600).ok());
  CHECK(*dure::read_file(scratch.file("a/b"), 9) == "x");
  CHECK(!std::filesystem::exists(scratch.file("a.tmp")));
}

TEST_CASE("files: directories are made with their parents and a second time is no error") {
  const Scratch scratch;
  REQUIRE(dure::make_directories(scratch.file("a/b/c"), 0750).ok());
  CHECK(mode_of(scratch.file("a")) == 0750);
  CHECK(mode_of(scratch.file("a/b/c")) == 0750);
  CHECK(dure::make_directories(scratch.file("a/b/c/"), 0700).ok());
  CHECK(mode_of(scratch.file("a/b/c")) == 0750);
  REQUIRE(dure::write_file_durably(scratch.file("a/f"), "", 0600).ok());
  CHECK(!dure::make_directories(scratch.file("a/f/g"), 0700).ok());
}
