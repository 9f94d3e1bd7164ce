#include "controlnode/app/key_files.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "common/files.h"
#include "common/system.h"
#include "tests/support/temp_dir.h"

namespace dure::control {
namespace {

const CurvePair kPair{std::string(40, 'p'), std::string(40, 's')};

}  // namespace

TEST_CASE("control key files: init can be run again and keeps what is there") {
  const TempDir dir;
  SystemRandom random;
  const auto keys_dir = dir.path() + "/keys";
  REQUIRE(init_key_files(keys_dir, kPair, random).ok());
  const auto first = load_key_files(keys_dir);
  REQUIRE(first.ok());
  REQUIRE(init_key_files(keys_dir, {std::string(40, 'x'), std::string(40, 'y')}, random).ok());
  const auto second = load_key_files(keys_dir);
  REQUIRE(second.ok());
  CHECK(second->system == first->system);
  CHECK(second->api_token == first->api_token);
  CHECK(second->curve.secret_key == kPair.secret_key);
  CHECK(second->signing.public_key() == first->signing.public_key());
  CHECK(first->api_token.size() == 64);
}

TEST_CASE("control key files: secrets are for the owner only and not in the bundle") {
  const TempDir dir;
  SystemRandom random;
  const auto keys_dir = dir.path() + "/keys";
  REQUIRE(init_key_files(keys_dir, kPair, random).ok());
  using std::filesystem::perms;
  for (const auto* name : {"curve.key", "signing.key", "api-token", "system_id"}) {
    INFO(name);
    CHECK(std::filesystem::status(keys_dir + "/" + name).permissions() ==
          (perms::owner_read | perms::owner_write));
  }
  CHECK(std::filesystem::status(keys_dir).permissions() == perms::owner_all);
  const auto bundle = read_file(keys_dir + "/agent-bundle.toml", 4096);
  REQUIRE(bundle.ok());
  const auto keys = load_key_files(keys_dir);
  REQUIRE(keys.ok());
  CHECK(bundle->find(keys->curve.secret_key) == std::string::npos);
  CHECK(bundle->find(keys->api_token) == std::string::npos);
  CHECK(bundle->find(keys->curve.public_key) != std::string::npos);
}

}  // namespace dure::control
