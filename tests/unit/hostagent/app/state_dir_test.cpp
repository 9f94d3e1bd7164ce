#include "hostagent/app/state_dir.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace dure::host {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat what {};
  REQUIRE(::stat(path.c_str(), &what) == 0);
  return what.st_mode & 0777;
}

}  // namespace

TEST_CASE("state directory: others may pass through it and its new parents, list neither, and see no socket") {
  const TempDir folder;
  const auto state = folder.path() + "/var/dure";
  REQUIRE(prepare_state_dir(state).value() == state + "/channels");
  CHECK(mode_of(folder.path() + "/var") == 0711);
  CHECK(mode_of(state) == 0711);
  CHECK(mode_of(state + "/channels") == 0700);
}

TEST_CASE("state directory: one that was made for root alone is opened for passing through, and keeps the rest") {
  const TempDir folder;
  const auto state = folder.path() + "/dure";
  REQUIRE(::mkdir(state.c_str(), 0700) == 0);
  REQUIRE(prepare_state_dir(state).ok());
  CHECK(mode_of(state) == 0711);
  REQUIRE(::chmod(state.c_str(), 0755) == 0);
  REQUIRE(prepare_state_dir(state).ok());
  CHECK(mode_of(state) == 0755);
}

}  // namespace dure::host
