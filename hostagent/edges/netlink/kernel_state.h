#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/ip.h"
#include "common/result.h"
#include "hostagent/core/observed.h"
#include "hostagent/edges/netlink/route_socket.h"

namespace dure::host {

struct KernelLink {
  int index = 0;
  std::string kind;   // "bridge", "vxlan"
  std::string alias;
  Mac mac;
  std::uint32_t mtu = 0;
  int master = 0;
  bool up = false;
};

struct KernelBridge : KernelLink {
  bool plain = false;  // no STP, no forward delay, no multicast snooping
};

struct KernelVxlan : KernelLink {
  std::uint32_t vni = 0;
  Ipv4 local;
  bool sealed = false;      // our port, no learning, DF set: what cannot be changed later
  bool port_flags = false;  // as a bridge port: no learning, no unknown unicast, ARP suppressed
};

// One network as the kernel's four tables have it; they may disagree after a crash.
struct KernelNetwork {
  std::optional<KernelBridge> bridge;
  std::optional<KernelVxlan> vxlan;
  std::set<std::pair<Ipv4, std::uint8_t>> addresses;  // of the bridge, with prefix length
  std::set<std::pair<Mac, Ipv4>> tunnels;             // VXLAN device: MAC -> VTEP
  std::set<Ipv4> flood;                               // VXLAN device: who gets broadcasts
  std::set<Mac> forwards;                             // bridge: MAC -> VXLAN device
  std::map<Ipv4, Mac> neighbours;                     // bridge: address -> MAC, permanent ones
  std::set<Mac> guests;                               // whose taps are ports of the bridge
};

inline constexpr std::uint16_t kVxlanPort = 4789;
inline constexpr std::uint8_t kVxlanTtl = 64;

std::string alias_of(const NetworkId& id);

// By VNI; only the one when it is given, and then without its guests.
Result<std::map<std::uint32_t, KernelNetwork>> read_networks(RouteSocket& socket, std::optional<std::uint32_t> only);

// The tap of the guest with this MAC; nothing: there is none.
struct KernelTap {
  int index = 0;
  int master = 0;
};
Result<std::optional<KernelTap>> read_tap(RouteSocket& socket, const Mac& mac);

// nullopt when no device names a network of ours.
std::optional<ObservedNetwork> observed_network(std::uint32_t vni, const KernelNetwork& kernel);

}  // namespace dure::host
