#include "controlnode/edges/pki/sealing.h"

#include <doctest/doctest.h>

#include <set>

using namespace dure;
using namespace dure::control;

namespace {

constexpr std::string_view kMaster = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kOtherMaster = "0123456789abcdef0123456789abcdeF";

ClusterId cluster_number(std::uint8_t n) {
  ClusterId id;
  id.uuid.bytes.fill(n);
  return id;
}

bool refuses(const SecretKey& master, const ClusterId& cluster, std::string_view sealed) {
  const auto opened = open_keys(master, cluster, sealed);
  return !opened && opened.error().code == Errc::unauthenticated;
}

}  // namespace

TEST_CASE("what was sealed is opened again, whatever its length") {
  const SecretKey master(kMaster);
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 5000U}) {
    const std::string plain(size, 'x');
    const auto sealed = seal_keys(master, cluster_number(1), plain);
    REQUIRE(sealed);
    const auto opened = open_keys(master, cluster_number(1), *sealed);
    REQUIRE(opened);
    CHECK(opened->text == plain);
  }
}

TEST_CASE("every changed bit of what was sealed is noticed") {
  const SecretKey master(kMaster);
  const auto sealed = seal_keys(master, cluster_number(1), "the keys of a cluster");
  REQUIRE(sealed);
  for (std::size_t bit = 0; bit < sealed->size() * 8; ++bit) {
    std::string changed = *sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    CAPTURE(bit);
    CHECK(refuses(master, cluster_number(1), changed));
  }
}

TEST_CASE("what was sealed is refused when it is cut or longer") {
  const SecretKey master(kMaster);
  const auto sealed = seal_keys(master, cluster_number(1), "the keys of a cluster");
  REQUIRE(sealed);
  for (std::size_t size = 0; size < sealed->size(); ++size) {
    CHECK(refuses(master, cluster_number(1), std::string_view(*sealed).substr(0, size)));
  }
  CHECK(refuses(master, cluster_number(1), *sealed + "x"));
  CHECK(refuses(master, cluster_number(1), *sealed + std::string(kMaxSealedBytes, 'x')));
}

TEST_CASE("another cluster or another master key opens nothing") {
  const SecretKey master(kMaster), other(kOtherMaster);
  const auto sealed = seal_keys(master, cluster_number(1), "the keys of a cluster");
  REQUIRE(sealed);
  CHECK(refuses(master, cluster_number(2), *sealed));
  CHECK(refuses(other, cluster_number(1), *sealed));
}

TEST_CASE("the same text is never sealed to the same bytes, and does not shine through") {
  const SecretKey master(kMaster);
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    const auto sealed = seal_keys(master, cluster_number(1), "the keys of a cluster");
    REQUIRE(sealed);
    CHECK(sealed->find("keys") == std::string::npos);
    seen.insert(sealed->substr(1, 12));
  }
  CHECK(seen.size() == 50);
}

TEST_CASE("more than fits is not sealed") {
  const SecretKey master(kMaster);
  const auto sealed = seal_keys(master, cluster_number(1), std::string(kMaxSealedBytes, 'x'));
  REQUIRE_FALSE(sealed);
  CHECK(sealed.error().code == Errc::invalid_argument);
}
