#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

#include "hostagent/edges/netlink/netlink_dataplane.h"
#include "tests/contract/dataplane_contract.h"
#include "tests/contract/dataplane_namespaces.h"

using namespace dure;
using namespace dure::host;
using contract::ip;
using contract::mac;
using test::Namespace;
using test::Ping;

namespace {

constexpr int kWaitMs = 2000;
constexpr unsigned kUnderlayMtu = 1500;
constexpr std::uint16_t kMtu = 1450;

std::string vtep_text(int host) { return "192.0.2." + std::to_string(host); }
std::string guest_text(int host) { return "10.1.0.1" + std::to_string(host); }
Mac guest_mac(int host) { return {{2, 0, 0, 0, 1, static_cast<std::uint8_t>(10 + host)}}; }

// A host on the underlay with one guest behind its bridge.
struct Host {
  Namespace kernel, guest;
  int number = 0;

  NetworkSpec network(int hosts) const {
    NetworkSpec network = contract::sample_network(1);
    network.mtu = kMtu;
    network.local_vtep = ip(vtep_text(number).c_str());
    network.peers.clear();
    network.entries.clear();
    for (int other = 1; other <= hosts; ++other) {
      const Ipv4 vtep = ip(vtep_text(other).c_str());
      if (other != number) network.peers.push_back({HostId{}, vtep});
      network.entries.push_back({guest_mac(other), ip(guest_text(other).c_str()), vtep});
    }
    return network;
  }

  void apply(const NetworkSpec& network) {
    kernel.in([&] {
      NetlinkDataplane dataplane;
      contract::require_applied(dataplane, network);
    });
  }

  Ping ping_from_guest(const std::string& to, std::size_t size, int wait_ms = kWaitMs) {
    Ping result = Ping::failed;
    guest.in([&] { result = test::ping(ip(to.c_str()), size, wait_ms); });
    return result;
  }
};

// For links that have just come up: their own neighbours and port states take a moment.
bool reached(Host& from, const std::string& to, std::size_t size) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    if (from.ping_from_guest(to, size, 300) == Ping::answered) return true;
  }
  return false;
}

// Three hosts on one underlay segment, each with a guest on the same network.
struct Campus {
  Namespace underlay;
  Host hosts[3];

  explicit Campus(unsigned underlay_mtu = kUnderlayMtu) {
    underlay.run({"ip", "link", "add", "lan", "type", "bridge"});
    underlay.run({"ip", "link", "set", "lan", "up"});
    for (int i = 0; i < 3; ++i) {
      Host& host = hosts[i];
      host.number = i + 1;
      const std::string port = "port" + std::to_string(i);
      test::join(underlay, port, host.kernel, "eth0", underlay_mtu);
      underlay.run({"ip", "link", "set", port, "master", "lan"});
      host.kernel.run({"ip", "addr", "add", vtep_text(host.number) + "/24", "dev", "eth0"});
      host.apply(host.network(3));
      test::join(host.kernel, "dvt0", host.guest, "eth0", kMtu);
      host.kernel.run({"ip", "link", "set", "dvt0", "master", "dvb101"});
      host.guest.run({"ip", "link", "set", "eth0", "address", guest_mac(host.number).str()});
      host.guest.run({"ip", "addr", "add", guest_text(host.number) + "/24", "dev", "eth0"});
    }
  }
};

std::uint64_t fragments_of(Host& host) {
  std::uint64_t made = 0;
  host.kernel.in([&] { made = test::ip_counter("FragCreates"); });
  return made;
}

}  // namespace

TEST_CASE("guests of three hosts reach each other with full packets, and not one byte more") {
  Campus campus;
  for (auto& from : campus.hosts) {
    for (const auto& to : campus.hosts) {
      if (from.number == to.number) continue;
      CHECK(reached(from, guest_text(to.number), kMtu));
      CHECK(from.ping_from_guest(guest_text(to.number), kMtu + 1U) == Ping::too_big);
    }
    CHECK(from.ping_from_guest("10.1.0.1", kMtu) == Ping::answered);  // its own host, the gateway
  }
  for (auto& host : campus.hosts) CHECK(fragments_of(host) == 0);
}

TEST_CASE("what does not fit the underlay is dropped, never fragmented") {
  Campus campus(kUnderlayMtu - 1);
  CHECK(reached(campus.hosts[0], guest_text(2), kMtu - 1U));
  CHECK(campus.hosts[0].ping_from_guest(guest_text(2), kMtu, 300) != Ping::answered);
  CHECK(fragments_of(campus.hosts[0]) == 0);
}

TEST_CASE("ARP for a guest of another host is answered by the guest's own host") {
  Campus campus;
  Host& one = campus.hosts[0];
  // Host 2 is cut off: only tables can answer.
  campus.underlay.run({"ip", "link", "set", "port1", "down"});
  CHECK(one.ping_from_guest(guest_text(2), 100, 200) == Ping::lost);
  CHECK(one.guest.run({"ip", "neigh", "show", guest_text(2)}).find("lladdr " + guest_mac(2).str()) != std::string::npos);
  CHECK(one.ping_from_guest("10.1.0.1", 100) == Ping::answered);
  CHECK(one.guest.run({"ip", "neigh", "show", "10.1.0.1"}).find("lladdr 02:d0:00:00:01:01") != std::string::npos);
  campus.underlay.run({"ip", "link", "set", "port1", "up"});
  CHECK(reached(one, guest_text(2), 100));
}

TEST_CASE("a broadcast reaches each peer's guest once, and ARP for known addresses nobody") {
  Campus campus;
  Host& one = campus.hosts[0];
  REQUIRE(reached(one, guest_text(2), 100));
  REQUIRE(reached(one, guest_text(3), 100));
  // Counts ARP questions that arrive at the guests of hosts 2 and 3.
  for (int other : {1, 2}) {
    auto& guest = campus.hosts[other].guest;
    guest.run({"nft", "add", "table", "arp", "count"});
    guest.run({"nft", "add chain arp count input { type filter hook input priority 0; }"});
    guest.run({"nft", "add rule arp count input arp operation request counter"});
  }
  const auto questions = [&](int other) {
    const std::string text = campus.hosts[other].guest.run({"nft", "list", "table", "arp", "count"});
    const auto at = text.find("packets ");
    REQUIRE(at != std::string::npos);
    return std::stoi(text.substr(at + 8));
  };
  one.guest.run({"ip", "neigh", "flush", "all"});
  CHECK(reached(one, guest_text(2), 100));
  CHECK(reached(one, "10.1.0.1", 100));
  CHECK(questions(1) == 0);
  CHECK(questions(2) == 0);
  // Nobody has this address: one question, flooded.
  one.guest.run({"sysctl", "-qw", "net.ipv4.neigh.eth0.mcast_solicit=1"});
  CHECK(one.ping_from_guest("10.1.0.200", 100, 50) != Ping::answered);
  CHECK(questions(1) == 1);
  CHECK(questions(2) == 1);
}

TEST_CASE("a changed list loses no packet of the guests that stay") {
  Campus campus;
  Host& one = campus.hosts[0];
  REQUIRE(reached(one, guest_text(2), 100));
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0, lost = 0;
  std::thread traffic([&] {
    one.guest.in([&] {
      while (!stop) ++(test::ping(ip(guest_text(2).c_str()), kMtu, 500) == Ping::answered ? answered : lost);
    });
  });
  const NetworkSpec all = one.network(3);
  NetworkSpec fewer = all;
  fewer.entries.pop_back();
  fewer.peers.pop_back();
  NetworkSpec more = all;
  for (int i = 0; i < 500; ++i) {
    const auto low = static_cast<std::uint8_t>(i & 0xff), high = static_cast<std::uint8_t>(i >> 8);
    more.prefix = all.prefix;
    if (low < 20 || low > 250 || high > 0) continue;
    more.entries.push_back({{{2, 0, 0, 1, high, low}}, Ipv4{all.prefix.base.value + low}, all.peers[1].vtep});
  }
  for (int round = 0; round < 10; ++round) {
    one.apply(fewer);
    one.apply(more);
    one.apply(all);
  }
  stop = true;
  traffic.join();
  CHECK(answered > 20);
  CHECK(lost == 0);
  MESSAGE(answered.load() << " answered, " << lost.load() << " lost during 30 changes");
}

TEST_CASE("a guest that moves to another host is reached there") {
  Campus campus;
  Host& one = campus.hosts[0];
  REQUIRE(reached(one, guest_text(2), 100));
  // Guest 2 now lives behind host 3.
  campus.hosts[1].guest.run({"ip", "link", "set", "eth0", "down"});
  Namespace moved;
  Host& three = campus.hosts[2];
  test::join(three.kernel, "dvt1", moved, "eth0", kMtu);
  three.kernel.run({"ip", "link", "set", "dvt1", "master", "dvb101"});
  moved.run({"ip", "link", "set", "eth0", "address", guest_mac(2).str()});
  moved.run({"ip", "addr", "add", guest_text(2) + "/24", "dev", "eth0"});
  for (Host* host : {&campus.hosts[0], &campus.hosts[1], &campus.hosts[2]}) {
    NetworkSpec network = host->network(3);
    network.entries[1].vtep = ip(vtep_text(3).c_str());
    host->apply(network);
  }
  CHECK(reached(one, guest_text(2), kMtu));
  CHECK(reached(three, guest_text(2), kMtu));
}

TEST_CASE("removing a network leaves nothing of it, and its neighbour runs on") {
  Campus campus;
  Host& one = campus.hosts[0];
  const NetworkSpec other = contract::sample_network(2);
  one.apply(other);
  one.kernel.in([&] {
    NetlinkDataplane dataplane;
    CHECK(dataplane.remove(other.vni).ok());
    contract::check_only(dataplane, one.network(3));
  });
  CHECK(reached(one, guest_text(2), kMtu));
  one.kernel.in([&] {
    NetlinkDataplane dataplane;
    CHECK(dataplane.remove(101).ok());
  });
  const std::string left = one.kernel.run({"ip", "-o", "link"}) + one.kernel.run({"bridge", "fdb"}) +
                           one.kernel.run({"ip", "neigh", "show", "nud", "all"}) + one.kernel.run({"ip", "route"});
  CHECK_MESSAGE(left.find("dvb") == std::string::npos, left);
  CHECK_MESSAGE(left.find("dvx") == std::string::npos, left);
}
