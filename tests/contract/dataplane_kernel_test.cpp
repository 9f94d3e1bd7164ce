#include <doctest/doctest.h>

#include <string>

#include "hostagent/edges/netlink/netlink_dataplane.h"
#include "tests/contract/dataplane_contract.h"
#include "tests/contract/dataplane_namespaces.h"

using namespace dure;
using namespace dure::host;
using dure::test::run;

TEST_CASE("the kernel keeps the contract") {
  REQUIRE(test::enter_new_namespace());
  NetlinkDataplane dataplane;
  contract::dataplane_contract(dataplane);
}

TEST_CASE("the devices are made the way that the network needs, as other tools see them") {
  REQUIRE(test::enter_new_namespace());
  NetlinkDataplane dataplane;
  const auto network = contract::sample_network(1);
  contract::require_applied(dataplane, network);
  const std::string vxlan = run({"ip", "-d", "link", "show", "dvx101"});
  for (const char* part : {"mtu 1450", "vxlan id 101 local 192.0.2.1", "dstport 4789", "nolearning", "df set", "ttl 64",
                           "alias dure:02020202-", "master dvb101", "neigh_suppress on", "UP"}) {
    CHECK_MESSAGE(vxlan.find(part) != std::string::npos, part << " in\n" << vxlan);
  }
  const std::string port = run({"bridge", "-d", "link", "show", "dev", "dvx101"});
  for (const char* part : {"learning off", " flood off", "bcast_flood on"}) {
    CHECK_MESSAGE(port.find(part) != std::string::npos, part << " in\n" << port);
  }
  const std::string bridge = run({"ip", "-d", "addr", "show", "dvb101"});
  for (const char* part : {"mtu 1450", "02:d0:00:00:01:01", "stp_state 0", "mcast_snooping 0", "forward_delay 0",
                           "inet 10.1.0.1/24", "alias dure:02020202-"}) {
    CHECK_MESSAGE(bridge.find(part) != std::string::npos, part << " in\n" << bridge);
  }
  const std::string sixes = run({"ip", "-6", "-o", "addr", "show"});
  CHECK_MESSAGE(sixes.find("dv") == std::string::npos, sixes);
  const std::string forwarding = run({"bridge", "fdb", "show", "dev", "dvx101"});
  for (const char* part :
       {"00:00:00:00:00:00 dst 192.0.2.2 self permanent", "00:00:00:00:00:00 dst 192.0.2.3 self permanent",
        "02:00:00:00:01:0c dst 192.0.2.2 self permanent", "02:00:00:00:01:0c master dvb101 static"}) {
    CHECK_MESSAGE(forwarding.find(part) != std::string::npos, part << " in\n" << forwarding);
  }
  CHECK_MESSAGE(forwarding.find("02:00:00:00:01:0b") == std::string::npos, "the local guest has no entry:\n" << forwarding);
  const std::string neighbours = run({"ip", "neigh", "show", "dev", "dvb101", "nud", "permanent"});
  CHECK_MESSAGE(neighbours.find("10.1.0.12 lladdr 02:00:00:00:01:0c PERMANENT") != std::string::npos, neighbours);
  CHECK(run({"cat", "/proc/sys/net/ipv4/ip_forward"}) == "1\n");
  CHECK(run({"cat", "/proc/sys/net/ipv4/conf/dvb101/rp_filter"}) == "1\n");
}

TEST_CASE("whatever was damaged in the kernel is seen, and repaired by the next apply") {
  REQUIRE(test::enter_new_namespace());
  NetlinkDataplane dataplane;
  const auto network = contract::sample_network(1);
  contract::require_applied(dataplane, network);
  SUBCASE("bridge deleted") { run({"ip", "link", "del", "dvb101"}); }
  SUBCASE("VXLAN device deleted") { run({"ip", "link", "del", "dvx101"}); }
  SUBCASE("VXLAN device down") { run({"ip", "link", "set", "dvx101", "down"}); }
  SUBCASE("VXLAN device taken out of the bridge") { run({"ip", "link", "set", "dvx101", "nomaster"}); }
  SUBCASE("bridge down") { run({"ip", "link", "set", "dvb101", "down"}); }
  SUBCASE("MTU changed") { run({"ip", "link", "set", "dvx101", "mtu", "1300"}); }
  SUBCASE("learning on") { run({"bridge", "link", "set", "dev", "dvx101", "learning", "on"}); }
  SUBCASE("ARP no longer suppressed") { run({"bridge", "link", "set", "dev", "dvx101", "neigh_suppress", "off"}); }
  SUBCASE("STP on") { run({"ip", "link", "set", "dvb101", "type", "bridge", "stp_state", "1"}); }
  SUBCASE("neighbour deleted") { run({"ip", "neigh", "del", "10.1.0.12", "dev", "dvb101"}); }
  SUBCASE("tunnel entry deleted") { run({"bridge", "fdb", "del", "02:00:00:00:01:0c", "dev", "dvx101", "self"}); }
  SUBCASE("bridge entry deleted") { run({"bridge", "fdb", "del", "02:00:00:00:01:0c", "dev", "dvx101", "master"}); }
  SUBCASE("stray tunnel entry") {
    run({"bridge", "fdb", "add", "02:66:66:66:66:66", "dev", "dvx101", "dst", "203.0.113.6", "self", "permanent"});
  }
  SUBCASE("second VTEP for a guest") {
    run({"bridge", "fdb", "append", "00:00:00:00:00:00", "dev", "dvx101", "dst", "203.0.113.6", "self", "permanent"});
  }
  SUBCASE("address deleted") { run({"ip", "addr", "del", "10.1.0.1/24", "dev", "dvb101"}); }
  SUBCASE("address added") { run({"ip", "addr", "add", "10.1.0.99/24", "dev", "dvb101"}); }
  const auto damaged = contract::seen(dataplane);
  REQUIRE(damaged.size() == 1);
  CHECK_FALSE((damaged[0].complete && damaged[0].spec == remote_part(network)));
  contract::require_applied(dataplane, network);
  contract::check_only(dataplane, network);
}

TEST_CASE("devices of others are neither listed nor touched") {
  REQUIRE(test::enter_new_namespace());
  NetlinkDataplane dataplane;
  run({"ip", "link", "add", "virbr0", "type", "bridge"});
  run({"ip", "link", "add", "dvb7x", "type", "bridge"});
  run({"ip", "link", "add", "dvb8", "type", "bridge"});  // our name, but no alias: never finished
  CHECK(contract::seen(dataplane).empty());
  contract::require_applied(dataplane, contract::sample_network(1));
  CHECK(dataplane.remove(101).ok());
  CHECK(run({"ip", "-br", "link", "show", "type", "bridge"}).find("virbr0") != std::string::npos);
  CHECK(dataplane.remove(8).ok());
  CHECK(run({"ip", "-br", "link", "show", "type", "bridge"}).find("dvb8") == std::string::npos);
}

TEST_CASE("applying what is there already changes nothing in the kernel") {
  REQUIRE(test::enter_new_namespace());
  NetlinkDataplane dataplane;
  const auto network = contract::sample_network(1);
  contract::require_applied(dataplane, network);
  const auto state = [] {
    return run({"ip", "-o", "addr", "show"}) + run({"bridge", "fdb", "show"}) +
           run({"ip", "neigh", "show", "nud", "permanent"});
  };
  const std::string before = state();
  contract::require_applied(dataplane, network);
  CHECK(state() == before);
}
