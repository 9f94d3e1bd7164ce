#include "hostagent/edges/nftables/nft_listing.h"

#include <doctest/doctest.h>

#include <string>

using namespace dure;
using namespace dure::host;

namespace {

const std::string kHex(64, 'a');

std::string chain(const std::string& family, const std::string& table, const std::string& name) {
  return R"({"chain":{"family":")" + family + R"(","table":")" + table + R"(","name":")" + name + R"(","handle":1}})";
}
std::string listing(const std::string& items) {
  return R"({"nftables":[{"metainfo":{"version":"1.0.6","json_schema_version":1}})" + items + "]}";
}

}  // namespace

TEST_CASE("both tables with the same digest chain give that digest") {
  const auto found = digest_in_listing(
      listing("," + chain("inet", "dure", "applied_" + kHex) + "," + chain("bridge", "dure", "applied_" + kHex)));
  REQUIRE(found.ok());
  CHECK(found.value().str() == kHex);
}

TEST_CASE("anything less gives the digest of no rules") {
  const std::string other(64, 'b');
  for (const auto& items : {
           std::string(),
           "," + chain("inet", "dure", "applied_" + kHex),
           "," + chain("inet", "dure", "applied_" + kHex) + "," + chain("bridge", "dure", "applied_" + other),
           "," + chain("inet", "dure", "applied_" + kHex) + "," + chain("bridge", "others", "applied_" + kHex),
           "," + chain("inet", "dure", "applied_xyz") + "," + chain("bridge", "dure", "applied_xyz"),
           "," + chain("inet", "dure", "forward") + R"(,{"chain":7},{"chain":{}},8)",
       }) {
    const auto found = digest_in_listing(listing(items));
    REQUIRE(found.ok());
    CHECK_MESSAGE(found.value() == Digest{}, items);
  }
}

TEST_CASE("what is no listing is an error, not an empty firewall") {
  for (const char* text : {"", "nonsense", "[]", "{}", R"({"nftables":{}})", R"({"nftables":[)"}) {
    CHECK_FALSE(digest_in_listing(text).ok());
  }
}
