#include "hostagent/edges/netlink/network_check.h"

#include <doctest/doctest.h>

#include "tests/contract/dataplane_contract.h"

using namespace dure;
using namespace dure::host;
using contract::ip;
using contract::mac;

TEST_CASE("a network as the control node makes it is taken") {
  CHECK(check_network(contract::sample_network(1)).ok());
  auto largest = contract::sample_network(1);
  largest.vni = 0xffffff;
  largest.mtu = 9000;
  largest.peers.clear();
  largest.entries.clear();
  CHECK(check_network(largest).ok());
}

TEST_CASE("every field is held to what it means") {
  NetworkSpec bad = contract::sample_network(1);
  SUBCASE("no id") { bad.id = {}; }
  SUBCASE("VNI 0") { bad.vni = 0; }
  SUBCASE("VNI of 25 bits") { bad.vni = 0x1000000; }
  SUBCASE("MTU too small for IPv4") { bad.mtu = 575; }
  SUBCASE("prefix of everything") { bad.prefix = {}; }
  SUBCASE("prefix of one") { bad.prefix = {ip("10.1.0.1"), 32}; }
  SUBCASE("prefix of loopback") { bad.prefix = {ip("127.0.0.0"), 8}; }
  SUBCASE("gateway outside") { bad.gateway = ip("10.2.0.1"); }
  SUBCASE("gateway with a group MAC") { bad.gateway_mac = mac("01:00:5e:00:00:01"); }
  SUBCASE("no VTEP") { bad.local_vtep = {}; }
  SUBCASE("multicast VTEP") { bad.local_vtep = ip("239.1.1.1"); }
  SUBCASE("peer twice") { bad.peers.push_back(bad.peers[0]); }
  SUBCASE("multicast peer") { bad.peers[0].vtep = ip("224.0.0.1"); }
  SUBCASE("guest outside") { bad.entries[0].address = ip("10.2.0.11"); }
  SUBCASE("guest with the gateway's address") { bad.entries[0].address = bad.gateway; }
  SUBCASE("guest with the gateway's MAC") { bad.entries[0].mac = bad.gateway_mac; }
  SUBCASE("guest with the broadcast MAC") { bad.entries[0].mac = mac("ff:ff:ff:ff:ff:ff"); }
  SUBCASE("guest without MAC: the entry of broadcasts") { bad.entries[0].mac = {}; }
  SUBCASE("two guests, one MAC") { bad.entries[1].mac = bad.entries[0].mac; }
  SUBCASE("two guests, one address") { bad.entries[1].address = bad.entries[0].address; }
  SUBCASE("too many guests") { bad.entries.resize(kMaxEntriesPerNetwork + 1, bad.entries[0]); }
  const auto checked = check_network(bad);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().code == Errc::invalid_argument);
  CHECK(checked.error().message.find(bad.id.str()) != std::string::npos);
}
