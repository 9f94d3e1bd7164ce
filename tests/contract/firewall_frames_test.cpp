#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "hostagent/edges/netlink/netlink_dataplane.h"
#include "hostagent/edges/nftables/nftables_firewall.h"
#include "tests/contract/dataplane_namespaces.h"
#include "tests/contract/firewall_contract.h"

using namespace dure;
using namespace dure::host;
using contract::ip;
using contract::mac;
using test::Namespace;

namespace {

using Bytes = std::string;

constexpr int kWaitMs = 3000;
constexpr std::uint16_t kIpv4 = 0x0800, kArp = 0x0806, kVlan = 0x8100, kIpv6 = 0x86dd, kLldp = 0x88cc;

Bytes number(std::uint64_t value, int count) {
  Bytes bytes;
  for (int shift = (count - 1) * 8; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}
Bytes raw(const Mac& address) { return Bytes(address.bytes.begin(), address.bytes.end()); }

Bytes ethernet(const Mac& to, const Mac& from, std::uint16_t type, const Bytes& payload) {
  return raw(to) + raw(from) + number(type, 2) + payload;
}
Bytes udp(Ipv4 from, std::uint16_t from_port, Ipv4 to, std::uint16_t to_port, const Bytes& payload) {
  Bytes header =
      number(0x4500, 2) + number(28 + payload.size(), 2) + number(0, 4) + number(64, 1) + number(17, 1);
  std::uint32_t sum = 0x4500U + 28U + static_cast<std::uint32_t>(payload.size()) + 0x4011U +
                      (from.value >> 16) + (from.value & 0xffff) + (to.value >> 16) + (to.value & 0xffff);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  header += number(~sum & 0xffff, 2) + number(from.value, 4) + number(to.value, 4);
  return header + number(from_port, 2) + number(to_port, 2) + number(8 + payload.size(), 2) + number(0, 2) +
         payload;
}
Bytes arp(int operation, const Mac& sender, Ipv4 sender_ip, Ipv4 target_ip, const Bytes& padding) {
  return number(0x0001080006040000U | static_cast<unsigned>(operation), 8) + raw(sender) +
         number(sender_ip.value, 4) + Bytes(6, '\0') + number(target_ip.value, 4) + padding;
}
Bytes vxlan(std::uint32_t vni, const Bytes& frame) {
  return number(0x08000000, 4) + number(vni << 8, 4) + frame;
}

const Mac kEveryone = mac("ff:ff:ff:ff:ff:ff");

// A packet socket on a namespace's eth0: sends frames as they are, and notes all that arrive.
class Wire {
 public:
  explicit Wire(Namespace& place) {
    place.in([&] {
      fd_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x0003));
      sockaddr_ll address{};
      address.sll_family = AF_PACKET;
      address.sll_protocol = htons(0x0003);
      address.sll_ifindex = static_cast<int>(::if_nametoindex("eth0"));
      CHECK(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    });
  }
  Wire(const Wire&) = delete;
  ~Wire() { ::close(fd_); }

  void send(const Bytes& frame) {
    CHECK(::send(fd_, frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()));
  }
  // Waits until a frame with this text has arrived.
  bool arrives(const std::string& canary) {
    while (seen_.find(canary) == std::string::npos) {
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, kWaitMs) <= 0) return false;
      std::array<char, 4096> part{};
      sockaddr_ll from{};
      socklen_t length = sizeof from;
      const ssize_t count =
          ::recvfrom(fd_, part.data(), part.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (count > 0 && from.sll_pkttype != PACKET_OUTGOING)
        seen_.append(part.data(), static_cast<std::size_t>(count));
    }
    return true;
  }
  bool has_seen(const std::string& canary) const { return seen_.find(canary) != std::string::npos; }

 private:
  int fd_ = -1;
  std::string seen_;
};

// One host with two guests on network 1 and one on network 2, each with pods behind it; a peer's VTEP on
// the underlay.
struct Lab {
  Namespace peer, host, own, neighbour, stranger;
  NetworkSpec one = contract::sample_network(1), two = contract::sample_network(2);

  Lab() {
    one.entries[1].vtep = one.local_vtep;
    // Two clusters with the same pods' prefixes.
    for (auto* network : {&one, &two}) {
      for (std::uint8_t n = 0; n < 3; ++n) network->entries[n].routed = {Ipv4{ip("10.244.1.0").value + 256U * n}, 24};
    }
    test::join(peer, "eth0", host, "eth0", 1500);
    peer.run({"ip", "addr", "add", "192.0.2.2/24", "dev", "eth0"});
    peer.run({"ip", "addr", "add", "192.0.2.66/24", "dev", "eth0"});
    host.run({"ip", "addr", "add", "192.0.2.1/24", "dev", "eth0"});
    FirewallOptions options;
    options.uplink = "eth0";
    host.in([&] {
      NetlinkDataplane dataplane;
      contract::require_applied(dataplane, one);
      contract::require_applied(dataplane, two);
      NftablesFirewall firewall(options);
      contract::require_applied(firewall, {one, two}, contract::digest_of(1));
    });
    plug(own, one, 0);
    plug(neighbour, one, 1);
    plug(stranger, two, 0);
  }

  void plug(Namespace& guest, const NetworkSpec& network, std::size_t entry) {
    const auto tap = tap_name(network.entries[entry].mac);
    test::join(host, tap, guest, "eth0", network.mtu);
    host.run({"ip", "link", "set", tap, "master", bridge_name(network.vni)});
    guest.run({"ip", "link", "set", "eth0", "address", network.entries[entry].mac.str()});
  }

  std::string tables() {
    return host.run({"bridge", "fdb", "show", "dynamic"}) +
           host.run({"ip", "neigh", "show", "dev", "dvb101", "nud", "permanent"}) +
           host.run({"bridge", "fdb", "show", "dev", "dvx101"});
  }
};

struct Attempt {
  std::string name;
  Bytes frame;
};

// Frames of the guest `own`; each carries its name as canary.
std::vector<Attempt> forged_frames(const Lab& lab) {
  const Mac me = lab.one.entries[0].mac, other = mac("02:66:00:00:00:01");
  const Ipv4 my_ip = lab.one.entries[0].address, all = ip("10.1.0.255"), gateway = lab.one.gateway;
  const auto from_me = [&](const std::string& text) { return udp(my_ip, 1000, all, 1000, text); };
  const Bytes inner = ethernet(kEveryone, lab.two.entries[1].mac, kIpv4,
                               udp(lab.two.entries[1].address, 1, ip("10.2.0.255"), 1, "canary tunnel-own"));
  const Bytes inner_peer = ethernet(kEveryone, me, kIpv4, from_me("canary tunnel-peer"));
  return {
      {"mac", ethernet(kEveryone, other, kIpv4, from_me("canary mac"))},
      {"gateway-mac", ethernet(kEveryone, lab.one.gateway_mac, kIpv4, from_me("canary gateway-mac"))},
      {"address", ethernet(kEveryone, me, kIpv4, udp(ip("10.1.0.99"), 1, all, 1, "canary address"))},
      {"neighbours-address",
       ethernet(kEveryone, me, kIpv4,
                udp(lab.one.entries[1].address, 1, all, 1, "canary neighbours-address"))},
      {"neighbours-all", ethernet(kEveryone, lab.one.entries[1].mac, kIpv4,
                                  udp(lab.one.entries[1].address, 1, all, 1, "canary neighbours-all"))},
      {"arp-neighbours-all",
       ethernet(kEveryone, lab.one.entries[1].mac, kArp,
                arp(1, lab.one.entries[1].mac, lab.one.entries[1].address, gateway, "canary arp-neighbours-all"))},
      {"strangers-all", ethernet(kEveryone, lab.two.entries[0].mac, kIpv4,
                                 udp(lab.two.entries[0].address, 1, all, 1, "canary strangers-all"))},
      {"neighbours-pod", ethernet(kEveryone, me, kIpv4, udp(ip("10.244.2.7"), 1, all, 1, "canary neighbours-pod"))},
      {"neighbours-pod-and-mac", ethernet(kEveryone, lab.one.entries[1].mac, kIpv4,
                                          udp(ip("10.244.2.7"), 1, all, 1, "canary neighbours-pod-and-mac"))},
      {"remote-pod", ethernet(kEveryone, me, kIpv4, udp(ip("10.244.3.7"), 1, all, 1, "canary remote-pod"))},
      {"strangers-pod", ethernet(kEveryone, lab.two.entries[0].mac, kIpv4,
                                 udp(ip("10.244.1.7"), 1, all, 1, "canary strangers-pod"))},
      {"nobodys-pod", ethernet(kEveryone, me, kIpv4, udp(ip("10.244.4.7"), 1, all, 1, "canary nobodys-pod"))},
      {"arp-neighbours-pod",
       ethernet(kEveryone, me, kArp, arp(1, me, ip("10.244.2.1"), gateway, "canary arp-neighbours-pod"))},
      {"no-address", ethernet(kEveryone, me, kIpv4, udp(Ipv4{0}, 68, all, 67, "canary no-address"))},
      {"arp-gateway", ethernet(kEveryone, me, kArp, arp(2, me, gateway, gateway, "canary arp-gateway"))},
      {"arp-neighbour", ethernet(kEveryone, me, kArp,
                                 arp(1, me, lab.one.entries[1].address, gateway, "canary arp-neighbour"))},
      {"arp-mac", ethernet(kEveryone, me, kArp, arp(1, other, my_ip, gateway, "canary arp-mac"))},
      {"arp-outer-mac", ethernet(kEveryone, other, kArp, arp(1, me, my_ip, gateway, "canary arp-outer-mac"))},
      {"dhcp-server", ethernet(kEveryone, me, kIpv4, udp(my_ip, 67, all, 68, "canary dhcp-server"))},
      {"ipv6", ethernet(mac("33:33:00:00:00:01"), me, kIpv6,
                        number(0x6000000000003aff, 8) + Bytes(32, '\1') + number(134, 1) + "canary ipv6")},
      {"vlan", ethernet(kEveryone, me, kVlan, number(7, 2) + number(kIpv4, 2) + from_me("canary vlan"))},
      {"lldp", ethernet(kEveryone, me, kLldp, "canary lldp")},
      {"tunnel-own",
       ethernet(lab.one.gateway_mac, me, kIpv4, udp(my_ip, 4789, ip("192.0.2.1"), 4789, vxlan(102, inner)))},
      {"tunnel-peer", ethernet(lab.one.gateway_mac, me, kIpv4,
                               udp(my_ip, 4789, ip("192.0.2.2"), 4789, vxlan(101, inner_peer)))},
  };
}

void send_udp(Namespace& from, Ipv4 source, const Bytes& payload) {
  from.in([&] {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(source.value);
    CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    address.sin_addr.s_addr = htonl(ip("192.0.2.1").value);
    address.sin_port = htons(4789);
    CHECK(::sendto(fd, payload.data(), payload.size(), 0, reinterpret_cast<sockaddr*>(&address),
                   sizeof address) == static_cast<ssize_t>(payload.size()));
    ::close(fd);
  });
}

}  // namespace

TEST_CASE("no forged frame of a guest reaches its neighbour, another network or the underlay") {
  Lab lab;
  Wire own(lab.own), neighbour(lab.neighbour), stranger(lab.stranger), underlay(lab.peer);
  const Mac me = lab.one.entries[0].mac;
  const auto genuine = [&](const std::string& text) {
    return ethernet(kEveryone, me, kIpv4, udp(lab.one.entries[0].address, 1, ip("10.1.0.255"), 1, text));
  };
  own.send(genuine("canary first"));
  REQUIRE(neighbour.arrives("canary first"));
  REQUIRE(underlay.arrives("canary first"));
  const auto attempts = forged_frames(lab);
  for (const auto& attempt : attempts) own.send(attempt.frame);
  // Frames keep their order: what has not come before this one never comes.
  own.send(genuine("canary last"));
  REQUIRE(neighbour.arrives("canary last"));
  REQUIRE(underlay.arrives("canary last"));
  for (const auto& attempt : attempts) {
    const std::string canary = "canary " + attempt.name;
    CHECK_MESSAGE(!neighbour.has_seen(canary), attempt.name << " reached the neighbour");
    CHECK_MESSAGE(!stranger.has_seen(canary), attempt.name << " reached another network");
    CHECK_MESSAGE(!underlay.has_seen(canary), attempt.name << " reached the underlay");
  }
  // The stranger's wire works (a genuine frame of its peer comes through), and saw nothing of all this.
  send_udp(lab.peer, ip("192.0.2.2"),
           vxlan(102, ethernet(kEveryone, lab.two.entries[1].mac, kIpv4,
                               udp(lab.two.entries[1].address, 1, ip("10.2.0.255"), 1, "its own peer"))));
  REQUIRE(stranger.arrives("its own peer"));
  CHECK_FALSE(stranger.has_seen("canary"));
  CHECK(lab.tables().find("02:66:00:00:00:01") == std::string::npos);
}

TEST_CASE("pods speak with their own addresses inside of their cluster, and are delivered to") {
  Lab lab;
  lab.peer.run({"ip", "addr", "add", lab.one.entries[2].vtep.str() + "/24", "dev", "eth0"});
  Wire own(lab.own), neighbour(lab.neighbour), stranger(lab.stranger), underlay(lab.peer);
  const Mac me = lab.one.entries[0].mac, next = lab.one.entries[1].mac, remote = lab.one.entries[2].mac;
  const Ipv4 pod = ip("10.244.1.7"), listed = ip("192.0.2.2");
  own.send(ethernet(next, me, kIpv4, udp(pod, 1, ip("10.244.2.9"), 1, "canary next-door")));
  CHECK(neighbour.arrives("canary next-door"));
  own.send(ethernet(remote, me, kIpv4, udp(pod, 1, ip("10.244.3.9"), 1, "canary far-away")));
  CHECK(underlay.arrives("canary far-away"));
  own.send(ethernet(kEveryone, me, kArp, arp(1, me, ip("10.244.1.1"), lab.one.gateway, "canary pods-gateway")));
  CHECK(neighbour.arrives("canary pods-gateway"));
  const auto from_remote = [&](Ipv4 from, const std::string& text) {
    send_udp(lab.peer, listed, vxlan(101, ethernet(me, remote, kIpv4, udp(from, 1, pod, 1, text))));
  };
  from_remote(ip("10.244.2.9"), "canary stolen-local");
  from_remote(ip("10.244.1.9"), "canary stolen-own");
  from_remote(ip("10.244.4.9"), "canary nobodys");
  from_remote(ip("10.244.3.9"), "canary from-remote");
  CHECK(own.arrives("canary from-remote"));
  for (const char* text : {"canary stolen-local", "canary stolen-own", "canary nobodys"}) {
    CHECK_MESSAGE(!own.has_seen(text), std::string(text) << " was delivered");
  }
  CHECK_FALSE(stranger.has_seen("canary"));
}

TEST_CASE("pods of two clusters with the same addresses never meet, on no bridge and not by the host") {
  Lab lab;
  Wire own(lab.own), neighbour(lab.neighbour), stranger(lab.stranger), underlay(lab.peer);
  const Mac me = lab.one.entries[0].mac, other = lab.two.entries[0].mac;
  const auto pod = [&](const Mac& to, const char* target, const std::string& text) {
    own.send(ethernet(to, me, kIpv4, udp(ip("10.244.1.7"), 1, ip(target), 1, text)));
  };
  pod(other, "10.244.1.9", "canary its-mac");
  pod(lab.one.gateway_mac, "10.2.0.11", "canary its-guest");
  pod(lab.one.gateway_mac, "10.244.1.9", "canary its-pod");
  // Nor to the outside, unless its guest gives its own address.
  pod(lab.one.gateway_mac, "192.0.2.2", "canary outside");
  pod(kEveryone, "10.1.0.255", "canary last");
  REQUIRE(neighbour.arrives("canary last"));
  REQUIRE(underlay.arrives("canary last"));
  CHECK_FALSE(underlay.has_seen("canary outside"));
  stranger.send(ethernet(kEveryone, other, kIpv4, udp(ip("10.244.1.7"), 1, ip("10.2.0.255"), 1, "canary theirs")));
  REQUIRE(underlay.arrives("canary theirs"));
  CHECK_FALSE(own.has_seen("canary theirs"));
  CHECK_FALSE(neighbour.has_seen("canary theirs"));
  // Both wires have been alive until now, and this is all that they saw.
  send_udp(lab.peer, ip("192.0.2.2"),
           vxlan(102, ethernet(kEveryone, lab.two.entries[1].mac, kIpv4,
                               udp(ip("10.244.2.7"), 1, ip("10.2.0.255"), 1, "its own peer"))));
  REQUIRE(stranger.arrives("its own peer"));
  CHECK_FALSE(stranger.has_seen("canary"));
}

TEST_CASE("an ARP probe and a genuine announcement pass") {
  Lab lab;
  Wire own(lab.own), neighbour(lab.neighbour);
  const Mac me = lab.one.entries[0].mac;
  const Ipv4 my_ip = lab.one.entries[0].address;
  own.send(ethernet(kEveryone, me, kArp, arp(1, me, Ipv4{0}, my_ip, "canary probe")));
  CHECK(neighbour.arrives("canary probe"));
  own.send(ethernet(kEveryone, me, kArp, arp(1, me, my_ip, my_ip, "canary announcement")));
  CHECK(neighbour.arrives("canary announcement"));
}

TEST_CASE("VXLAN frames are delivered from a peer's address with a remote guest's names only") {
  Lab lab;
  Wire own(lab.own), stranger(lab.stranger);
  const Mac remote = lab.one.entries[2].mac, other = mac("02:66:00:00:00:01");
  const Ipv4 remote_ip = lab.one.entries[2].address, all = ip("10.1.0.255");
  const Ipv4 listed = ip("192.0.2.2"), unlisted = ip("192.0.2.66");
  const auto inner = [&](const Mac& from, Ipv4 from_ip, const std::string& text) {
    return ethernet(kEveryone, from, kIpv4, udp(from_ip, 1, all, 1, text));
  };
  send_udp(lab.peer, listed, vxlan(101, inner(remote, remote_ip, "canary first")));
  REQUIRE(own.arrives("canary first"));
  const std::string before = lab.tables();
  send_udp(lab.peer, unlisted, vxlan(101, inner(remote, remote_ip, "canary unlisted")));
  send_udp(lab.peer, listed, vxlan(101, inner(other, remote_ip, "canary mac")));
  send_udp(lab.peer, listed, vxlan(101, inner(lab.one.gateway_mac, lab.one.gateway, "canary gateway")));
  send_udp(lab.peer, listed,
           vxlan(101, inner(lab.one.entries[1].mac, lab.one.entries[1].address, "canary local-guest")));
  send_udp(lab.peer, listed, vxlan(101, inner(remote, ip("10.1.0.99"), "canary address")));
  send_udp(lab.peer, listed,
           vxlan(101, ethernet(kEveryone, remote, kArp,
                               arp(2, remote, lab.one.gateway, lab.one.gateway, "canary arp"))));
  send_udp(lab.peer, listed,
           vxlan(101, ethernet(kEveryone, remote, kVlan,
                               number(7, 2) + number(kIpv4, 2) + udp(remote_ip, 1, all, 1, "canary vlan"))));
  send_udp(lab.peer, listed,
           vxlan(101, ethernet(mac("33:33:00:00:00:01"), remote, kIpv6, Bytes(40, '\1') + "canary ipv6")));
  send_udp(lab.peer, listed, vxlan(102, inner(remote, remote_ip, "canary other-vni")));
  send_udp(lab.peer, listed, vxlan(101, inner(remote, remote_ip, "canary last")));
  REQUIRE(own.arrives("canary last"));
  send_udp(lab.peer, listed,
           vxlan(102, ethernet(kEveryone, lab.two.entries[1].mac, kIpv4,
                               udp(lab.two.entries[1].address, 1, all, 1, "its own peer"))));
  REQUIRE(stranger.arrives("its own peer"));
  for (const char* name :
       {"unlisted", "mac", "gateway", "local-guest", "address", "arp", "vlan", "ipv6", "other-vni"}) {
    CHECK_MESSAGE(!own.has_seen(std::string("canary ") + name), std::string(name) << " was delivered");
    CHECK_MESSAGE(!stranger.has_seen(std::string("canary ") + name), std::string(name) << " was delivered");
  }
  CHECK(lab.tables() == before);
}
