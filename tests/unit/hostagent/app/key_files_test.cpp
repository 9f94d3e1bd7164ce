#include "hostagent/app/key_files.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "common/files.h"
#include "common/system.h"
#include "tests/support/temp_dir.h"

namespace dure::host {
namespace {

const CurvePair kPair{std::string(40, 'p'), std::string(40, 's')};

}  // namespace

TEST_CASE("host key files: init can be run again and keeps the identity") {
  const TempDir dir;
  SystemRandom random;
  REQUIRE(init_key_files(dir.path() + "/keys", kPair, random).ok());
  const auto first = load_key_files(dir.path() + "/keys");
  REQUIRE(first.ok());
  CHECK(first->curve.secret_key == kPair.secret_key);
  REQUIRE(init_key_files(dir.path() + "/keys", {std::string(40, 'x'), std::string(40, 'y')}, random).ok());
  const auto second = load_key_files(dir.path() + "/keys");
  REQUIRE(second.ok());
  CHECK(second->host == first->host);
  CHECK(second->curve.public_key == kPair.public_key);
}

TEST_CASE("host key files: what init prints is the id and the public key, whichever run made them") {
  const TempDir dir;
  SystemRandom random;
  REQUIRE(init_key_files(dir.path() + "/keys", kPair, random).ok());
  REQUIRE(init_key_files(dir.path() + "/keys", {std::string(40, 'x'), std::string(40, 'y')}, random).ok());
  const auto id = read_file(dir.path() + "/keys/host_id", 100);
  REQUIRE(id.ok());
  CHECK(introduction(load_key_files(dir.path() + "/keys").value()) == "host_id: " + *id + "curve_key: " + kPair.public_key + "\n");
}

TEST_CASE("host key files: only the owner may read the secret") {
  const TempDir dir;
  SystemRandom random;
  REQUIRE(init_key_files(dir.path() + "/keys", kPair, random).ok());
  using std::filesystem::perms;
  const auto mode = std::filesystem::status(dir.path() + "/keys/curve.key").permissions();
  CHECK(mode == (perms::owner_read | perms::owner_write));
}

TEST_CASE("host key files: a damaged file is named, not used") {
  const TempDir dir;
  SystemRandom random;
  REQUIRE(init_key_files(dir.path() + "/keys", kPair, random).ok());
  std::ofstream(dir.path() + "/keys/curve.key") << "short";
  const auto loaded = load_key_files(dir.path() + "/keys");
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code == Errc::corrupt);
  CHECK(loaded.error().message.find("curve.key") != std::string::npos);
}

TEST_CASE("bundle: wrong keys are refused with the field's name") {
  const TempDir dir;
  const auto path = dir.path() + "/bundle.toml";
  const auto with = [&](const std::string& system, const std::string& curve, const std::string& signing) {
    std::ofstream(path) << "system_id = '" << system << "'\ncontrol_curve_key = '" << curve
                        << "'\nsigning_key = '" << signing << "'\n";
    const auto bundle = load_bundle(path);
    return bundle ? std::string() : bundle.error().message;
  };
  const std::string id = "00000000-0000-4000-8000-000000000001";
  const std::string curve(40, 'c');
  CHECK(with("no uuid", curve, std::string(64, 'a')).find("system_id") != std::string::npos);
  CHECK(with(id, "short", std::string(64, 'a')).find("control_curve_key") != std::string::npos);
  CHECK(with(id, curve, "12").find("signing_key") != std::string::npos);
  // The neutral point as public key would let every signature pass.
  CHECK_FALSE(with(id, curve, "01" + std::string(62, '0')).empty());
}

}  // namespace dure::host
