#include "controlnode/edges/http/blob_shelf.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "common/files.h"
#include "tests/support/temp_dir.h"

namespace dure::control {
namespace {

// A sound header of version 3, 104 bytes, all features off.
std::string qcow2(unsigned version = 3) {
  std::string header("QFI\xfb", 4);
  header.resize(512, '\0');
  header[7] = static_cast<char>(version);
  header[23] = 16;  // cluster bits
  header[103] = 104;
  return header;
}

std::string with(std::size_t at, unsigned char value, unsigned version = 3) {
  auto header = qcow2(version);
  header[at] = static_cast<char>(value);
  return header;
}

void refused(const std::string& header, const std::string& why) {
  const auto checked = check_disk_header(header);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().code == Errc::invalid_argument);
  CHECK(checked.error().message.find(why) != std::string::npos);
}

TEST_CASE("disk header: a plain qcow2 and what is no qcow2 pass") {
  CHECK(check_disk_header(qcow2(3)).ok());
  CHECK(check_disk_header(qcow2(2)).ok());
  CHECK(check_disk_header("").ok());
  CHECK(check_disk_header("\x7f" "ELF").ok());
  CHECK(check_disk_header("QFI").ok());
}

TEST_CASE("disk header: a backing file is refused, wherever its offset has a bit") {
  for (std::size_t at = 8; at < 16; ++at) refused(with(at, 1), "backing file");
  refused(with(15, 104, 2), "backing file");
}

TEST_CASE("disk header: an external data file is refused (CVE-2024-32498)") {
  refused(with(79, 1U << 2), "another file");
}

TEST_CASE("disk header: dirty, corrupt and unknown features are refused, known ones pass") {
  refused(with(79, 1U << 0), "dirty");
  refused(with(79, 1U << 1), "corrupt");
  for (unsigned bit = 5; bit < 8; ++bit) {
    refused(with(79, static_cast<unsigned char>(1U << bit)), "another file");
  }
  for (std::size_t at = 72; at < 79; ++at) refused(with(at, 1), "another file");
  CHECK(check_disk_header(with(79, (1U << 3) | (1U << 4))).ok());
}

TEST_CASE("disk header: encryption, an unknown version and a cut header are refused") {
  refused(with(35, 1), "encrypted");
  refused(with(35, 2, 2), "encrypted");
  refused(qcow2(1), "unknown version");
  refused(qcow2(4), "unknown version");
  refused(with(4, 1), "unknown version");
  for (const std::size_t length : {std::size_t{4}, std::size_t{71}, std::size_t{103}}) {
    refused(qcow2().substr(0, length), "cut off");
  }
}

TEST_CASE("blob shelf: what is young, referred to or no blob stays when it is swept") {
  TempDir directory;
  BlobShelf shelf(directory.path());
  REQUIRE(shelf.open().ok());
  const auto keep = [&](const std::string& bytes) {
    const auto file = shelf.incoming();
    REQUIRE(write_file_durably(file, bytes, 0600).ok());
    return shelf.keep(file, {})->digest;
  };
  const auto referred = keep("referred"), loose = keep("loose");
  REQUIRE(write_file_durably(directory.path() + "/blobs/README", "x", 0600).ok());
  CHECK(shelf.sweep({referred}, std::chrono::hours(1)).files == 0);
  // A machine whose date is set weeks ahead in the middle of an upload: the file looks old.
  const timespec old[2] = {{1'000'000, 0}, {1'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, shelf.path_of(loose).c_str(), old, 0) == 0);
  CHECK(shelf.sweep({referred}, std::chrono::hours(1)).files == 0);
  const auto swept = shelf.sweep({referred}, Duration{});
  CHECK(swept.files == 1);
  CHECK(swept.bytes == 5);
  CHECK(shelf.size_of(referred) == 8);
  CHECK_FALSE(shelf.size_of(loose));
  CHECK(read_file(directory.path() + "/blobs/README", 10).ok());
  // Of what an earlier program has received only the file's date is known.
  const auto forgotten = keep("forgotten");
  REQUIRE(::utimensat(AT_FDCWD, shelf.path_of(forgotten).c_str(), old, 0) == 0);
  CHECK(BlobShelf(directory.path()).sweep({referred}, std::chrono::hours(1)).files == 1);
}

}  // namespace
}  // namespace dure::control
