#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "hostagent/core/host_plan.h"
#include "hostagent/ports/dataplane.h"

// What every Dataplane keeps to, the kernel's and the fake's alike.
namespace dure::host::contract {

inline Ipv4 ip(const char* text) { return Ipv4::parse(text).value(); }
inline Mac mac(const char* text) { return Mac::parse(text).value(); }

// Network number n: VNI 100+n, 10.<n>.0.0/24, three guests, of which one is local (VTEP 192.0.2.1).
inline NetworkSpec sample_network(std::uint8_t n) {
  NetworkSpec network;
  network.id.uuid.bytes.fill(static_cast<std::uint8_t>(n + 1));
  network.vni = 100U + n;
  const std::string ten = "10." + std::to_string(n) + ".0.";
  network.prefix = {ip((ten + "0").c_str()), 24};
  network.gateway = ip((ten + "1").c_str());
  network.gateway_mac = {{2, 0xd0, 0, 0, n, 1}};
  network.mtu = 1450;
  network.local_vtep = ip("192.0.2.1");
  HostId second, third;
  second.uuid.bytes.fill(1);
  third.uuid.bytes.fill(2);
  network.peers = {{second, ip("192.0.2.3")}, {third, ip("192.0.2.2")}};  // by host, not by VTEP
  network.entries = {{{{2, 0, 0, 0, n, 11}}, ip((ten + "11").c_str()), ip("192.0.2.1")},
                     {{{2, 0, 0, 0, n, 12}}, ip((ten + "12").c_str()), ip("192.0.2.2")},
                     {{{2, 0, 0, 0, n, 13}}, ip((ten + "13").c_str()), ip("192.0.2.3")}};
  return network;
}

inline std::vector<ObservedNetwork> seen(Dataplane& dataplane) {
  auto listed = dataplane.list();
  REQUIRE_MESSAGE(listed.ok(), (listed.ok() ? "" : listed.error().message));
  return *listed;
}

inline void require_applied(Dataplane& dataplane, const NetworkSpec& network) {
  const auto applied = dataplane.apply(network);
  REQUIRE_MESSAGE(applied.ok(), (applied.ok() ? "" : applied.error().message));
}

// One network, exactly as its order's remote part says.
inline void check_only(Dataplane& dataplane, const NetworkSpec& network) {
  const auto networks = seen(dataplane);
  REQUIRE(networks.size() == 1);
  CHECK(networks[0].complete);
  const auto wanted = remote_part(network);
  CHECK(networks[0].spec.id == wanted.id);
  CHECK(networks[0].spec.mtu == wanted.mtu);
  CHECK(networks[0].spec.peers == wanted.peers);
  CHECK(networks[0].spec.entries == wanted.entries);
  CHECK(networks[0].spec == wanted);
}

inline void one_network_contract(Dataplane& dataplane, const NetworkSpec& network) {
  SUBCASE("what was applied is read back in the form of the order") {
    require_applied(dataplane, network);
    check_only(dataplane, network);
    require_applied(dataplane, network);
    check_only(dataplane, network);
  }
  SUBCASE("a second list replaces the first as a whole") {
    require_applied(dataplane, network);
    NetworkSpec changed = network;
    changed.entries[1].vtep = ip("192.0.2.3");                                         // moved
    changed.entries[0].vtep = ip("192.0.2.2");                                         // was local
    changed.entries[2] = {mac("02:00:00:00:01:63"), ip("10.1.0.13"), ip("192.0.2.4")};  // same address, new guest
    changed.entries.push_back({mac("02:00:00:00:01:0d"), ip("10.1.0.14"), ip("192.0.2.4")});  // same MAC, new address
    changed.peers.pop_back();
    changed.peers.push_back({HostId{}, ip("192.0.2.4")});
    require_applied(dataplane, changed);
    check_only(dataplane, changed);
    require_applied(dataplane, network);
    check_only(dataplane, network);
  }
  SUBCASE("what is behind guests is none of its business") {
    NetworkSpec with_pods = network;
    with_pods.entries[1].routed = {ip("10.244.1.0"), 24};
    require_applied(dataplane, with_pods);
    check_only(dataplane, with_pods);
    check_only(dataplane, network);
    require_applied(dataplane, network);
    check_only(dataplane, network);
  }
  SUBCASE("a network of one host has no peer and no entry") {
    NetworkSpec alone = network;
    alone.peers.clear();
    alone.entries.resize(1);
    require_applied(dataplane, network);
    require_applied(dataplane, alone);
    check_only(dataplane, alone);
  }
  SUBCASE("another VTEP, MTU or gateway of this host is taken over") {
    require_applied(dataplane, network);
    NetworkSpec changed = network;
    SUBCASE("VTEP") {
      changed.local_vtep = ip("192.0.2.9");
      changed.entries[0].vtep = changed.local_vtep;
    }
    SUBCASE("smaller MTU") { changed.mtu = 1400; }
    SUBCASE("larger MTU") { changed.mtu = 8950; }
    SUBCASE("the common MTU") { changed.mtu = 1500; }
    SUBCASE("gateway address") { changed.gateway = ip("10.1.0.2"); }
    SUBCASE("gateway MAC") { changed.gateway_mac = mac("02:d0:00:00:00:77"); }
    require_applied(dataplane, changed);
    check_only(dataplane, changed);
  }
}

inline void many_networks_contract(Dataplane& dataplane, const NetworkSpec& network) {
  SUBCASE("networks do not touch each other, and removing one leaves the other") {
    const NetworkSpec other = sample_network(2);
    require_applied(dataplane, network);
    require_applied(dataplane, other);
    CHECK(seen(dataplane).size() == 2);
    CHECK(dataplane.remove(network.vni).ok());
    check_only(dataplane, other);
  }
  SUBCASE("what is absent can be removed") {
    CHECK(dataplane.remove(network.vni).ok());
    require_applied(dataplane, network);
    CHECK(dataplane.remove(network.vni).ok());
    CHECK(dataplane.remove(network.vni).ok());
    CHECK(seen(dataplane).empty());
  }
  SUBCASE("a VNI that another network holds is a conflict, and stays as it is") {
    require_applied(dataplane, network);
    NetworkSpec thief = sample_network(3);
    thief.vni = network.vni;
    const auto applied = dataplane.apply(thief);
    REQUIRE_FALSE(applied.ok());
    CHECK(applied.error().code == Errc::conflict);
    check_only(dataplane, network);
  }
  SUBCASE("what no kernel should get is refused") {
    NetworkSpec bad = network;
    SUBCASE("VNI 0") { bad.vni = 0; }
    SUBCASE("VNI of 25 bits") { bad.vni = 1U << 24; }
    SUBCASE("gateway outside") { bad.gateway = ip("10.2.0.1"); }
    SUBCASE("MTU 0") { bad.mtu = 0; }
    SUBCASE("no id") { bad.id = {}; }
    const auto applied = dataplane.apply(bad);
    REQUIRE_FALSE(applied.ok());
    CHECK(applied.error().code == Errc::invalid_argument);
    CHECK(seen(dataplane).empty());
  }
}

// Takes an empty Dataplane; one SUBCASE each, so that the caller's TEST_CASE makes a new one.
inline void dataplane_contract(Dataplane& dataplane) {
  CHECK(seen(dataplane).empty());
  one_network_contract(dataplane, sample_network(1));
  many_networks_contract(dataplane, sample_network(1));
}

}  // namespace dure::host::contract
