#include <doctest/doctest.h>

#include <string>

#include "hostagent/edges/netlink/netlink_dataplane.h"
#include "hostagent/edges/nftables/nftables_firewall.h"
#include "tests/contract/dataplane_namespaces.h"
#include "tests/contract/firewall_contract.h"

using namespace dure;
using namespace dure::host;
using contract::ip;
using test::Namespace;
using test::Ping;

namespace {

FirewallOptions with_uplink() {
  FirewallOptions options;
  options.uplink = "eth0";
  return options;
}

// A host between the outside (which knows no way to guests) and one guest of each of two networks.
struct Site {
  Namespace outside, host, guest_a, guest_b;
  NetworkSpec a = contract::sample_network(1), b = contract::sample_network(2);

  Site() {
    test::join(outside, "eth0", host, "eth0", 1500);
    outside.run({"ip", "addr", "add", "198.51.100.2/24", "dev", "eth0"});
    host.run({"ip", "addr", "add", "198.51.100.1/24", "dev", "eth0"});
    host.run({"ip", "addr", "add", "192.0.2.1/32", "dev", "lo"});
    host.in([&] {
      NetlinkDataplane dataplane;
      contract::require_applied(dataplane, a);
      contract::require_applied(dataplane, b);
    });
    plug(guest_a, a);
    plug(guest_b, b);
  }

  void plug(Namespace& guest, const NetworkSpec& network) {
    const auto tap = tap_name(network.entries[0].mac);
    test::join(host, tap, guest, "eth0", network.mtu);
    host.run({"ip", "link", "set", tap, "master", bridge_name(network.vni)});
    guest.run({"ip", "link", "set", "eth0", "address", network.entries[0].mac.str()});
    guest.run({"ip", "addr", "add", network.entries[0].address.str() + "/24", "dev", "eth0"});
    guest.run({"ip", "route", "add", "default", "via", network.gateway.str()});
  }

  void protect(FirewallOptions options = with_uplink()) {
    host.in([&] {
      NftablesFirewall firewall(options);
      contract::require_applied(firewall, {a, b}, contract::digest_of(1));
    });
  }

  static bool reaches(Namespace& from, const std::string& to) {
    for (int attempt = 0; attempt < 5; ++attempt) {
      Ping result = Ping::failed;
      from.in([&] { result = test::ping(ip(to.c_str()), 100, 200); });
      if (result == Ping::answered) return true;
    }
    return false;
  }
};

}  // namespace

TEST_CASE("nftables keeps the contract") {
  REQUIRE(test::enter_new_namespace());
  NftablesFirewall firewall(with_uplink());
  contract::firewall_contract(firewall);
}

TEST_CASE("removal leaves no table of ours, and others' tables are never touched") {
  REQUIRE(test::enter_new_namespace());
  test::run({"nft", "add", "table", "inet", "others"});
  NftablesFirewall firewall(with_uplink());
  contract::require_applied(firewall, {contract::sample_network(1)}, contract::digest_of(1));
  REQUIRE(firewall.remove().ok());
  CHECK(test::run({"nft", "list", "tables"}) == "table inet others\n");
}

TEST_CASE("other options are other rules") {
  auto options = with_uplink();
  const auto before = NftablesFirewall(options).rules();
  CHECK(NftablesFirewall(options).rules() == before);
  options.control_cidrs = {*Ipv4Prefix::parse("198.51.100.0/30")};
  const auto forbidden = NftablesFirewall(options).rules();
  CHECK(forbidden != before);
  options.uplink = "eth1";
  CHECK(NftablesFirewall(options).rules() != forbidden);
}

// What an order leaves that takes the last cluster away, until its guest's QEMU has ended.
TEST_CASE("under the rules of no network a guest that still runs reaches nobody, and nobody's VXLAN comes in") {
  Site site;
  site.protect();
  REQUIRE(Site::reaches(site.guest_a, "198.51.100.2"));
  REQUIRE(Site::reaches(site.guest_a, "10.1.0.1"));
  site.host.in([&] {
    NftablesFirewall firewall(with_uplink());
    contract::require_applied(firewall, {}, contract::digest_of(2));
  });
  for (const char* to : {"198.51.100.2", "198.51.100.1", "192.0.2.1", "10.1.0.1", "10.2.0.1", "10.2.0.11"}) {
    CAPTURE(to);
    CHECK_FALSE(Site::reaches(site.guest_a, to));
  }
  // The host itself is as it was.
  CHECK(Site::reaches(site.host, "198.51.100.2"));
  CHECK(Site::reaches(site.outside, "198.51.100.1"));
}

TEST_CASE("a refused transaction changes nothing; a missing table is seen") {
  REQUIRE(test::enter_new_namespace());
  NftablesFirewall firewall(with_uplink());
  contract::require_applied(firewall, {contract::sample_network(1)}, contract::digest_of(1));
  auto twice = std::vector{contract::sample_network(1), contract::sample_network(1)};
  CHECK_FALSE(firewall.apply(twice, contract::digest_of(2)).ok());
  CHECK(contract::applied(firewall) == contract::digest_of(1));
  test::run({"nft", "delete", "table", "bridge", "dure"});
  CHECK(contract::applied(firewall) == Digest{});
}

TEST_CASE("without the nft tool the firewall is unavailable") {
  FirewallOptions options;
  options.nft = "/nonexistent/nft";
  NftablesFirewall firewall(options);
  CHECK(firewall.applied().error().code == Errc::unavailable);
  CHECK(firewall.apply({contract::sample_network(1)}, contract::digest_of(1)).error().code == Errc::unavailable);
  CHECK(firewall.remove().error().code == Errc::unavailable);
}

TEST_CASE("guests reach the outside masqueraded, and their gateway, and nothing else") {
  Site site;
  // Without rules they reach each other: the test would notice.
  CHECK(Site::reaches(site.guest_a, "10.2.0.11"));
  CHECK(Site::reaches(site.guest_a, "192.0.2.1"));
  CHECK_FALSE(Site::reaches(site.guest_a, "198.51.100.2"));
  site.protect();
  CHECK(Site::reaches(site.guest_a, "198.51.100.2"));
  CHECK(Site::reaches(site.guest_b, "198.51.100.2"));
  CHECK(Site::reaches(site.guest_a, "10.1.0.1"));
  CHECK(Site::reaches(site.host, "10.1.0.11"));
  CHECK_FALSE(Site::reaches(site.guest_a, "10.2.0.11"));     // the other network's guest
  CHECK_FALSE(Site::reaches(site.guest_a, "10.2.0.1"));      // and its gateway
  CHECK_FALSE(Site::reaches(site.guest_a, "192.0.2.1"));     // the host's own addresses
  CHECK_FALSE(Site::reaches(site.guest_a, "198.51.100.1"));
  site.outside.run({"ip", "route", "add", "10.1.0.0/24", "via", "198.51.100.1"});
  CHECK_FALSE(Site::reaches(site.outside, "10.1.0.11"));     // not from the outside in
}

TEST_CASE("the control subnet is out of reach, and without an uplink everything is") {
  Site site;
  auto options = with_uplink();
  options.control_cidrs = {*Ipv4Prefix::parse("198.51.100.0/30")};
  site.outside.run({"ip", "addr", "add", "198.51.100.9/24", "dev", "eth0"});
  site.protect(options);
  CHECK(Site::reaches(site.guest_a, "198.51.100.9"));
  CHECK_FALSE(Site::reaches(site.guest_a, "198.51.100.2"));
  options.uplink.clear();
  site.protect(options);
  CHECK_FALSE(Site::reaches(site.guest_a, "198.51.100.9"));
  CHECK(Site::reaches(site.guest_a, "10.1.0.1"));
}

TEST_CASE("a guest with another's MAC or address is cut off until it uses its own again") {
  Site site;
  site.protect();
  REQUIRE(Site::reaches(site.guest_a, "10.1.0.1"));
  auto& guest = site.guest_a;
  guest.run({"ip", "addr", "add", "10.1.0.77/24", "dev", "eth0"});
  guest.run({"ip", "addr", "del", "10.1.0.11/24", "dev", "eth0"});
  site.host.run({"ip", "neigh", "flush", "dev", "dvb101", "nud", "reachable"});
  CHECK_FALSE(Site::reaches(guest, "10.1.0.1"));
  guest.run({"ip", "addr", "flush", "dev", "eth0"});
  guest.run({"ip", "addr", "add", "10.1.0.11/24", "dev", "eth0"});
  CHECK(Site::reaches(guest, "10.1.0.1"));
  guest.run({"ip", "link", "set", "eth0", "address", "02:66:00:00:00:01"});
  CHECK_FALSE(Site::reaches(guest, "10.1.0.1"));
  guest.run({"ip", "link", "set", "eth0", "address", site.a.entries[0].mac.str()});
  CHECK(Site::reaches(guest, "10.1.0.1"));
}

TEST_CASE("VXLAN is taken from peers only") {
  Namespace one, two, guest_one, guest_two;
  test::join(one, "eth0", two, "eth0", 1500);
  auto network_one = contract::sample_network(1), network_two = network_one;
  network_two.local_vtep = ip("192.0.2.2");
  network_two.peers = {{HostId{}, ip("192.0.2.1")}};
  const auto set_up = [](Namespace& host, Namespace& guest, const NetworkSpec& network, std::size_t own) {
    host.run({"ip", "addr", "add", network.local_vtep.str() + "/24", "dev", "eth0"});
    host.in([&] {
      NetlinkDataplane dataplane;
      contract::require_applied(dataplane, network);
    });
    const auto tap = tap_name(network.entries[own].mac);
    test::join(host, tap, guest, "eth0", network.mtu);
    host.run({"ip", "link", "set", tap, "master", "dvb101"});
    guest.run({"ip", "link", "set", "eth0", "address", network.entries[own].mac.str()});
    guest.run({"ip", "addr", "add", network.entries[own].address.str() + "/24", "dev", "eth0"});
  };
  set_up(one, guest_one, network_one, 0);
  set_up(two, guest_two, network_two, 1);
  const auto protect = [&](Namespace& host, const NetworkSpec& network) {
    host.in([&] {
      NftablesFirewall firewall(with_uplink());
      contract::require_applied(firewall, {network}, contract::digest_of(1));
    });
  };
  protect(one, network_one);
  protect(two, network_two);
  CHECK(Site::reaches(guest_one, "10.1.0.12"));
  CHECK(Site::reaches(guest_two, "10.1.0.11"));
  auto without = network_two;
  without.peers = {{HostId{}, ip("192.0.2.3")}};
  protect(two, without);
  CHECK_FALSE(Site::reaches(guest_one, "10.1.0.12"));
  protect(two, network_two);
  CHECK(Site::reaches(guest_one, "10.1.0.12"));
  // A peer's frame with a MAC that no remote guest has: dropped, too.
  guest_one.run({"ip", "link", "set", "eth0", "address", "02:66:00:00:00:01"});
  one.run({"nft", "delete", "table", "bridge", "dure"});
  CHECK_FALSE(Site::reaches(guest_one, "10.1.0.12"));
}
