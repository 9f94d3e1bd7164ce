#include "hostagent/edges/nftables/ruleset.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/contract/dataplane_contract.h"

using namespace dure;
using namespace dure::host;

namespace {

FirewallOptions options() {
  FirewallOptions options;
  options.uplink = "eth0";
  return options;
}

boost::json::array commands_of(const std::string& text) {
  return boost::json::parse(text).at("nftables").as_array();
}

Digest digest() {
  Digest digest;
  digest.bytes.fill(0xab);
  return digest;
}

}  // namespace

TEST_CASE("both tables are replaced whole in one transaction, and nobody else's is named") {
  const auto text = ruleset_json({contract::sample_network(1)}, digest(), options());
  REQUIRE(text.ok());
  std::size_t deleted = 0, digests = 0;
  for (const auto& command : commands_of(*text)) {
    const auto& [verb, body] = *command.as_object().begin();
    const auto& [kind, named] = *body.as_object().begin();
    CHECK((verb == "add" || verb == "delete"));
    if (verb == "delete") {
      ++deleted;
      CHECK(kind == "table");
    }
    const auto& object = named.as_object();
    CHECK((object.at("family") == "inet" || object.at("family") == "bridge"));
    CHECK(object.at(kind == "table" ? "name" : "table") == "dure");
    if (kind == "chain" && object.at("name").as_string() == "applied_" + digest().str()) ++digests;
  }
  CHECK(deleted == 2);
  CHECK(digests == 2);
}

TEST_CASE("the same networks give the same bytes, other networks give others") {
  const auto once = ruleset_json({contract::sample_network(1)}, digest(), options());
  CHECK(*once == *ruleset_json({contract::sample_network(1)}, digest(), options()));
  CHECK(*once != *ruleset_json({contract::sample_network(2)}, digest(), options()));
}

TEST_CASE("without an uplink nothing is masqueraded") {
  CHECK(ruleset_json({contract::sample_network(1)}, digest(), options()).value().find("masquerade") != std::string::npos);
  CHECK(ruleset_json({contract::sample_network(1)}, digest(), {}).value().find("masquerade") == std::string::npos);
}

TEST_CASE("what can not be a rule is refused before nft sees it") {
  auto network = contract::sample_network(1);
  auto with = options();
  SUBCASE("an uplink that is a pattern") { with.uplink = "eth*"; }
  SUBCASE("an uplink that is a sentence") { with.uplink = "eth0 accept"; }
  SUBCASE("an uplink that is too long") { with.uplink = "a234567890123456"; }
  SUBCASE("VNI 0") { network.vni = 0; }
  SUBCASE("a VNI of 25 bits") { network.vni = 1U << 24; }
  SUBCASE("one MAC for two guests") { network.entries[1].mac = network.entries[0].mac; }
  SUBCASE("everything as a prefix") { network.prefix = {}; }
  SUBCASE("everything behind a guest") { network.entries[0].routed = {Ipv4{1}, 0}; }
  SUBCASE("a part of the network behind a guest") { network.entries[0].routed = {contract::ip("10.1.0.128"), 25}; }
  SUBCASE("the network and more behind a guest") { network.entries[0].routed = {contract::ip("10.0.0.0"), 8}; }
  SUBCASE("host bits in what is behind a guest") { network.entries[0].routed = {contract::ip("10.244.1.1"), 24}; }
  SUBCASE("a prefix of 33 bits behind a guest") { network.entries[0].routed = {contract::ip("10.244.1.1"), 33}; }
  const auto refused = ruleset_json({network}, digest(), with);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::invalid_argument);
}

TEST_CASE("one VNI, or one MAC, for two networks is refused") {
  auto other = contract::sample_network(2);
  SUBCASE("VNI") { other.vni = contract::sample_network(1).vni; }
  SUBCASE("MAC") { other.entries[0].mac = contract::sample_network(1).entries[0].mac; }
  CHECK_FALSE(ruleset_json({contract::sample_network(1), other}, digest(), options()).ok());
}

TEST_CASE("removal names the two tables and nothing else") {
  const auto commands = commands_of(removal_json());
  REQUIRE(commands.size() == 4);
  for (const auto& command : commands) CHECK(command.as_object().begin()->value().at("table").at("name") == "dure");
}
