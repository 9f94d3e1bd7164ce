#include "hostagent/edges/netlink/kernel_state.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "hostagent/core/host_plan.h"

namespace dure::host {
namespace {

constexpr std::string_view kAliasStart = "dure:";

template <std::size_t N>
using Attributes = std::array<nlattr*, N>;

// libnl wants mutable pointers and only reads.
template <std::size_t N>
bool parse(const nlmsghdr& header, int fixed, Attributes<N>& found) {
  return nlmsg_parse(const_cast<nlmsghdr*>(&header), fixed, found.data(), static_cast<int>(N) - 1, nullptr) == 0;
}

template <std::size_t N>
bool parse_nested(nlattr* nest, Attributes<N>& found) {
  found.fill(nullptr);
  return nest != nullptr && nla_parse_nested(found.data(), static_cast<int>(N) - 1, nest, nullptr) == 0;
}

template <class T>
T value_of(const nlattr* attribute, T otherwise = T{}) {
  if (attribute == nullptr || nla_len(attribute) < static_cast<int>(sizeof(T))) return otherwise;
  T value;
  std::memcpy(&value, nla_data(attribute), sizeof value);
  return value;
}

std::string text_of(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  const std::string_view raw(static_cast<const char*>(nla_data(attribute)),
                             static_cast<std::size_t>(nla_len(attribute)));
  return std::string(raw.substr(0, raw.find('\0')));
}

std::uint32_t from_network_order(std::uint32_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}
std::uint16_t from_network_order(std::uint16_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap16(value) : value;
}

Ipv4 address_of(const nlattr* attribute) { return {from_network_order(value_of<std::uint32_t>(attribute))}; }
Mac mac_of(const nlattr* attribute) { return {value_of<std::array<std::uint8_t, 6>>(attribute)}; }

template <class T>
T fixed_of(const nlmsghdr& header) {
  T fixed{};
  std::memcpy(&fixed, nlmsg_data(&header), sizeof fixed);
  return fixed;
}

// "dvb7" with start "dvb" -> 7; only the way we write it.
std::optional<std::uint32_t> vni_in(std::string_view name, std::string_view start) {
  if (!name.starts_with(start) || name.size() == start.size() || name[start.size()] == '0') return std::nullopt;
  std::uint32_t vni = 0;
  const auto* last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data() + start.size(), last, vni);
  if (error != std::errc{} || end != last || vni > 0xffffff) return std::nullopt;
  return vni;
}

// "dvt02001001000b" -> 02:00:10:01:00:0b; only the way we write it.
std::optional<Mac> guest_of_tap(std::string_view name) {
  Mac mac;
  constexpr std::string_view kStart = "dvt";
  if (!name.starts_with(kStart) || name.size() != kStart.size() + 2 * mac.bytes.size()) return std::nullopt;
  const auto* at = name.data() + kStart.size();
  for (auto& byte : mac.bytes) {
    const auto [end, error] = std::from_chars(at, at + 2, byte, 16);
    if (error != std::errc{} || end != at + 2) return std::nullopt;
    at = end;
  }
  return tap_name(mac) == name ? std::optional(mac) : std::nullopt;
}

void read_bridge(KernelBridge& bridge, nlattr* data) {
  Attributes<IFLA_BR_MAX + 1> found{};
  if (!parse_nested(data, found)) return;
  bridge.plain = value_of<std::uint32_t>(found[IFLA_BR_STP_STATE], 1) == 0 &&
                 value_of<std::uint32_t>(found[IFLA_BR_FORWARD_DELAY], 1) == 0 &&
                 value_of<std::uint8_t>(found[IFLA_BR_MCAST_SNOOPING], 0) == 0;
}

void read_vxlan(KernelVxlan& vxlan, nlattr* data, nlattr* port) {
  Attributes<IFLA_VXLAN_MAX + 1> found{};
  if (parse_nested(data, found)) {
    vxlan.vni = value_of<std::uint32_t>(found[IFLA_VXLAN_ID]);
    vxlan.local = address_of(found[IFLA_VXLAN_LOCAL]);
    vxlan.sealed = from_network_order(value_of<std::uint16_t>(found[IFLA_VXLAN_PORT])) == kVxlanPort &&
                   value_of<std::uint8_t>(found[IFLA_VXLAN_LEARNING], 1) == 0 &&
                   value_of<std::uint8_t>(found[IFLA_VXLAN_TTL]) == kVxlanTtl &&
                   value_of<std::uint8_t>(found[IFLA_VXLAN_DF]) == VXLAN_DF_SET;
  }
  Attributes<IFLA_BRPORT_MAX + 1> flags{};
  if (parse_nested(port, flags)) {
    vxlan.port_flags = value_of<std::uint8_t>(flags[IFLA_BRPORT_LEARNING], 1) == 0 &&
                       value_of<std::uint8_t>(flags[IFLA_BRPORT_UNICAST_FLOOD], 1) == 0 &&
                       value_of<std::uint8_t>(flags[IFLA_BRPORT_NEIGH_SUPPRESS], 0) == 1;
  }
}

using Taps = std::map<Mac, KernelTap>;

KernelTap tap_of(const nlmsghdr& header, const Attributes<IFLA_MAX + 1>& found) {
  return {fixed_of<ifinfomsg>(header).ifi_index, value_of<int>(found[IFLA_MASTER])};
}

void read_link(std::map<std::uint32_t, KernelNetwork>& networks, Taps& taps, const nlmsghdr& header) {
  Attributes<IFLA_MAX + 1> found{};
  Attributes<IFLA_INFO_MAX + 1> info{};
  if (!parse(header, sizeof(ifinfomsg), found) || found[IFLA_IFNAME] == nullptr) return;
  const std::string name = text_of(found[IFLA_IFNAME]);
  if (const auto guest = guest_of_tap(name)) taps[*guest] = tap_of(header, found);
  const auto of_bridge = vni_in(name, "dvb");
  const auto of_vxlan = vni_in(name, "dvx");
  if (!of_bridge && !of_vxlan) return;
  parse_nested(found[IFLA_LINKINFO], info);
  const auto fixed = fixed_of<ifinfomsg>(header);
  KernelLink link;
  link.index = fixed.ifi_index;
  link.kind = text_of(info[IFLA_INFO_KIND]);
  link.alias = text_of(found[IFLA_IFALIAS]);
  link.mac = mac_of(found[IFLA_ADDRESS]);
  link.mtu = value_of<std::uint32_t>(found[IFLA_MTU]);
  link.master = value_of<int>(found[IFLA_MASTER]);
  link.up = (fixed.ifi_flags & IFF_UP) != 0;
  if (of_bridge) {
    auto& bridge = networks[*of_bridge].bridge.emplace();
    static_cast<KernelLink&>(bridge) = link;
    if (link.kind == "bridge") read_bridge(bridge, info[IFLA_INFO_DATA]);
  } else {
    auto& vxlan = networks[*of_vxlan].vxlan.emplace();
    static_cast<KernelLink&>(vxlan) = link;
    if (link.kind == "vxlan") read_vxlan(vxlan, info[IFLA_INFO_DATA], info[IFLA_INFO_SLAVE_DATA]);
  }
}

Result<void> read_links(RouteSocket& socket, std::optional<std::uint32_t> only,
                        std::map<std::uint32_t, KernelNetwork>& networks, Taps& taps) {
  const auto each = [&](const nlmsghdr& answer) { read_link(networks, taps, answer); };
  if (!only) {
    NetlinkMessage request(RTM_GETLINK, NLM_F_DUMP);
    request.body(ifinfomsg{}).put(IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
    return socket.ask(request, [&] { networks.clear(), taps.clear(); }, each);
  }
  for (const auto& name : {bridge_name(*only), vxlan_name(*only)}) {
    NetlinkMessage request(RTM_GETLINK, 0);
    request.body(ifinfomsg{}).put_string(IFLA_IFNAME, name);
    auto asked = socket.ask(request, [] {}, each);
    if (!asked && asked.error().code != Errc::not_found) return asked;
  }
  return {};
}

using ByIndex = std::map<int, KernelNetwork*>;

void read_forwarding(const ByIndex& vxlans, const nlmsghdr& header) {
  Attributes<NDA_MAX + 1> found{};
  const auto fixed = fixed_of<ndmsg>(header);
  const auto network = vxlans.find(fixed.ndm_ifindex);
  if (network == vxlans.end() || !parse(header, sizeof(ndmsg), found) || found[NDA_LLADDR] == nullptr) return;
  const Mac mac = mac_of(found[NDA_LLADDR]);
  if ((fixed.ndm_flags & NTF_SELF) != 0) {
    if (found[NDA_DST] == nullptr) return;
    const Ipv4 vtep = address_of(found[NDA_DST]);
    if (mac == Mac{}) {
      network->second->flood.insert(vtep);
    } else {
      network->second->tunnels.emplace(mac, vtep);
    }
  } else if ((fixed.ndm_state & NUD_PERMANENT) == 0 && value_of<std::uint16_t>(found[NDA_VLAN]) == 0) {
    network->second->forwards.insert(mac);  // a permanent one is the device's own address
  }
}

void read_neighbour(const ByIndex& bridges, const nlmsghdr& header) {
  Attributes<NDA_MAX + 1> found{};
  const auto fixed = fixed_of<ndmsg>(header);
  const auto network = bridges.find(fixed.ndm_ifindex);
  if (network == bridges.end() || (fixed.ndm_state & NUD_PERMANENT) == 0) return;
  if (!parse(header, sizeof(ndmsg), found) || found[NDA_DST] == nullptr) return;
  network->second->neighbours[address_of(found[NDA_DST])] = mac_of(found[NDA_LLADDR]);
}

void read_address(const ByIndex& bridges, const nlmsghdr& header) {
  Attributes<IFA_MAX + 1> found{};
  const auto fixed = fixed_of<ifaddrmsg>(header);
  const auto network = bridges.find(static_cast<int>(fixed.ifa_index));
  if (network == bridges.end() || !parse(header, sizeof(ifaddrmsg), found)) return;
  network->second->addresses.emplace(address_of(found[IFA_LOCAL]), fixed.ifa_prefixlen);
}

Result<void> read_tables(RouteSocket& socket, bool one, const ByIndex& bridges, const ByIndex& vxlans) {
  ndmsg forwarding{};
  forwarding.ndm_family = AF_BRIDGE;
  if (one && !vxlans.empty()) forwarding.ndm_ifindex = vxlans.begin()->first;
  if (!vxlans.empty()) {
    NetlinkMessage request(RTM_GETNEIGH, NLM_F_DUMP);
    request.body(forwarding);
    const auto restart = [&] {
      for (const auto& [index, network] : vxlans) network->tunnels = {}, network->flood = {}, network->forwards = {};
    };
    auto asked = socket.ask(request, restart, [&](const nlmsghdr& answer) { read_forwarding(vxlans, answer); });
    if (!asked) return asked;
  }
  if (bridges.empty()) return {};
  ndmsg neighbour{};
  neighbour.ndm_family = AF_INET;
  NetlinkMessage neighbours(RTM_GETNEIGH, NLM_F_DUMP);
  neighbours.body(neighbour);
  if (one) neighbours.put(NDA_IFINDEX, bridges.begin()->first);
  const auto forget = [&] {
    for (const auto& [index, network] : bridges) network->neighbours.clear();
  };
  auto asked = socket.ask(neighbours, forget, [&](const nlmsghdr& answer) { read_neighbour(bridges, answer); });
  if (!asked) return asked;
  ifaddrmsg address{};
  address.ifa_family = AF_INET;
  if (one) address.ifa_index = static_cast<std::uint32_t>(bridges.begin()->first);
  NetlinkMessage addresses(RTM_GETADDR, NLM_F_DUMP);
  addresses.body(address);
  const auto clear = [&] {
    for (const auto& [index, network] : bridges) network->addresses.clear();
  };
  return socket.ask(addresses, clear, [&](const nlmsghdr& answer) { read_address(bridges, answer); });
}

// The kernel's tables in the form of the order; false when they do not say the same.
bool read_entries(const KernelNetwork& kernel, NetworkSpec& spec) {
  std::map<Mac, Ipv4> vteps(kernel.tunnels.begin(), kernel.tunnels.end());
  bool agree = vteps.size() == kernel.tunnels.size() && kernel.forwards.size() == vteps.size() &&
               kernel.neighbours.size() == vteps.size();
  for (const auto& [address, mac] : kernel.neighbours) {
    const auto vtep = vteps.find(mac);
    if (vtep == vteps.end() || !kernel.forwards.contains(mac)) {
      agree = false;
      continue;
    }
    spec.entries.push_back({mac, address, vtep->second});
    vteps.erase(vtep);
  }
  return agree && vteps.empty();
}

}  // namespace

std::string alias_of(const NetworkId& id) { return std::string(kAliasStart) + id.str(); }

Result<std::map<std::uint32_t, KernelNetwork>> read_networks(RouteSocket& socket, std::optional<std::uint32_t> only) {
  std::map<std::uint32_t, KernelNetwork> networks;
  Taps taps;
  if (auto read = read_links(socket, only, networks, taps); !read) return read.error();
  ByIndex bridges, vxlans;
  for (auto& [vni, network] : networks) {
    if (network.bridge) bridges[network.bridge->index] = &network;
    if (network.vxlan) vxlans[network.vxlan->index] = &network;
  }
  for (const auto& [mac, tap] : taps) {
    if (const auto bridge = bridges.find(tap.master); bridge != bridges.end()) bridge->second->guests.insert(mac);
  }
  auto read = read_tables(socket, only.has_value(), bridges, vxlans);
  // A device that went away between two questions: it is not there.
  if (!read && read.error().code != Errc::not_found) return read.error();
  return networks;
}

Result<std::optional<KernelTap>> read_tap(RouteSocket& socket, const Mac& mac) {
  std::optional<KernelTap> tap;
  NetlinkMessage request(RTM_GETLINK, 0);
  request.body(ifinfomsg{}).put_string(IFLA_IFNAME, tap_name(mac));
  auto asked = socket.ask(request, [] {}, [&](const nlmsghdr& header) {
    Attributes<IFLA_MAX + 1> found{};
    if (parse(header, sizeof(ifinfomsg), found)) tap = tap_of(header, found);
  });
  if (!asked && asked.error().code != Errc::not_found) return asked.error();
  return tap;
}

std::optional<ObservedNetwork> observed_network(std::uint32_t vni, const KernelNetwork& kernel) {
  std::optional<NetworkId> id;
  const auto named = [&](const KernelLink& link) {
    if (!id && link.alias.starts_with(kAliasStart)) {
      id = NetworkId::parse(std::string_view(link.alias).substr(kAliasStart.size()));
    }
  };
  if (kernel.bridge) named(*kernel.bridge);
  if (kernel.vxlan) named(*kernel.vxlan);
  if (!id) return std::nullopt;
  ObservedNetwork seen;
  seen.spec.id = *id;
  seen.spec.vni = vni;
  const auto& bridge = kernel.bridge;
  const auto& vxlan = kernel.vxlan;
  if (bridge) {
    seen.spec.gateway_mac = bridge->mac;
    seen.spec.mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(bridge->mtu, 0xffff));
  }
  if (vxlan) seen.spec.local_vtep = vxlan->local;
  if (!kernel.addresses.empty()) {
    const auto& [gateway, length] = *kernel.addresses.begin();
    const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
    seen.spec.gateway = gateway;
    seen.spec.prefix = {{gateway.value & mask}, length};
  }
  for (const auto& vtep : kernel.flood) seen.spec.peers.push_back({HostId{}, vtep});
  seen.guests.assign(kernel.guests.begin(), kernel.guests.end());
  const bool agree = read_entries(kernel, seen.spec);
  seen.complete = agree && bridge && vxlan && kernel.addresses.size() == 1 && bridge->kind == "bridge" &&
                  bridge->plain && bridge->up && vxlan->kind == "vxlan" && vxlan->up && vxlan->sealed &&
                  vxlan->vni == vni && vxlan->port_flags && vxlan->master == bridge->index &&
                  vxlan->mtu == bridge->mtu && vxlan->alias == bridge->alias;
  return seen;
}

}  // namespace dure::host
