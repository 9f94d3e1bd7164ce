#include "hostagent/edges/netlink/messages.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <bit>

#include "hostagent/core/host_plan.h"
#include "hostagent/edges/netlink/kernel_state.h"

namespace dure::host::requests {
namespace {

constexpr std::uint8_t kOn = 1;
constexpr std::uint8_t kOff = 0;

std::uint32_t to_network_order(std::uint32_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}
std::uint16_t to_network_order(std::uint16_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap16(value) : value;
}

ifinfomsg link(int index) {
  ifinfomsg fixed{};
  fixed.ifi_index = index;
  return fixed;
}

void put_bridge_data(NetlinkMessage& message) {
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, "bridge").begin(IFLA_INFO_DATA);
  message.put(IFLA_BR_STP_STATE, std::uint32_t{0}).put(IFLA_BR_FORWARD_DELAY, std::uint32_t{0});
  message.put(IFLA_BR_MCAST_SNOOPING, kOff);
  // Without this a kernel with VLAN filtering adds each forwarding entry a second time, for VLAN 1.
  message.put(IFLA_BR_VLAN_DEFAULT_PVID, std::uint16_t{0});
  message.end().end();
}

NetlinkMessage forwarding(bool add, std::uint16_t flags, int index, std::uint8_t where, std::uint16_t state,
                          const Mac& mac) {
  ndmsg fixed{};
  fixed.ndm_family = AF_BRIDGE;
  fixed.ndm_ifindex = index;
  fixed.ndm_flags = where;
  fixed.ndm_state = state;
  NetlinkMessage message(add ? RTM_NEWNEIGH : RTM_DELNEIGH, flags);
  message.body(fixed).put(NDA_LLADDR, mac.bytes);
  return message;
}

NetlinkMessage tunnel(bool add, std::uint16_t flags, int index, const Mac& mac, Ipv4 vtep) {
  auto message = forwarding(add, flags, index, NTF_SELF, NUD_PERMANENT, mac);
  message.put(NDA_DST, to_network_order(vtep.value));
  return message;
}

NetlinkMessage address_message(bool add, std::uint16_t flags, int index, Ipv4 address, std::uint8_t prefix_length) {
  ifaddrmsg fixed{};
  fixed.ifa_family = AF_INET;
  fixed.ifa_prefixlen = prefix_length;
  fixed.ifa_index = static_cast<std::uint32_t>(index);
  NetlinkMessage message(add ? RTM_NEWADDR : RTM_DELADDR, flags);
  const std::uint32_t raw = to_network_order(address.value);
  message.body(fixed).put(IFA_LOCAL, raw).put(IFA_ADDRESS, raw);
  return message;
}

NetlinkMessage neighbour(bool add, std::uint16_t flags, int index, Ipv4 address) {
  ndmsg fixed{};
  fixed.ndm_family = AF_INET;
  fixed.ndm_ifindex = index;
  fixed.ndm_state = NUD_PERMANENT;
  NetlinkMessage message(add ? RTM_NEWNEIGH : RTM_DELNEIGH, flags);
  message.body(fixed).put(NDA_DST, to_network_order(address.value));
  return message;
}

constexpr std::uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;
constexpr std::uint16_t kReplace = NLM_F_CREATE | NLM_F_REPLACE;

}  // namespace

NetlinkMessage create_bridge(const NetworkSpec& network) {
  NetlinkMessage message(RTM_NEWLINK, kCreate);
  message.body(link(0)).put_string(IFLA_IFNAME, bridge_name(network.vni)).put(IFLA_ADDRESS, network.gateway_mac.bytes);
  put_bridge_data(message);
  return message;
}

NetlinkMessage set_no_stp(int index) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.body(link(index)).begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, "bridge").begin(IFLA_INFO_DATA);
  message.put(IFLA_BR_STP_STATE, std::uint32_t{0}).end().end();
  return message;
}

NetlinkMessage set_bridge_options(int index) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.body(link(index));
  put_bridge_data(message);
  return message;
}

NetlinkMessage set_mac(int index, const Mac& mac) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.body(link(index)).put(IFLA_ADDRESS, mac.bytes);
  return message;
}

NetlinkMessage set_mtu(int index, std::uint16_t mtu) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.body(link(index)).put(IFLA_MTU, std::uint32_t{mtu});
  return message;
}

NetlinkMessage set_alias(int index, const NetworkId& id) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.body(link(index)).put_string(IFLA_IFALIAS, alias_of(id));
  return message;
}

NetlinkMessage set_master(int index, int bridge_index) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.body(link(index)).put(IFLA_MASTER, bridge_index);
  return message;
}

NetlinkMessage create_vxlan(const NetworkSpec& network, int bridge_index) {
  NetlinkMessage message(RTM_NEWLINK, kCreate);
  message.body(link(0)).put_string(IFLA_IFNAME, vxlan_name(network.vni)).put(IFLA_MTU, std::uint32_t{network.mtu});
  message.put(IFLA_MASTER, bridge_index);
  message.begin(IFLA_LINKINFO).put_string(IFLA_INFO_KIND, "vxlan").begin(IFLA_INFO_DATA);
  message.put(IFLA_VXLAN_ID, network.vni).put(IFLA_VXLAN_LOCAL, to_network_order(network.local_vtep.value));
  message.put(IFLA_VXLAN_PORT, to_network_order(kVxlanPort)).put(IFLA_VXLAN_LEARNING, kOff);
  // DF: what does not fit the underlay is dropped and seen, instead of fragmented and slow.
  message.put(IFLA_VXLAN_TTL, kVxlanTtl).put(IFLA_VXLAN_DF, std::uint8_t{VXLAN_DF_SET});
  message.end().end();
  return message;
}

NetlinkMessage set_port_flags(int index) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.body(link(index)).begin(IFLA_LINKINFO).put_string(IFLA_INFO_SLAVE_KIND, "bridge");
  message.begin(IFLA_INFO_SLAVE_DATA).put(IFLA_BRPORT_LEARNING, kOff);
  // Every guest is in the tables, so that an unknown unicast address is nobody's.
  message.put(IFLA_BRPORT_UNICAST_FLOOD, kOff).put(IFLA_BRPORT_NEIGH_SUPPRESS, kOn);
  message.end().end();
  return message;
}

NetlinkMessage set_up(int index) {
  ifinfomsg fixed = link(index);
  fixed.ifi_flags = IFF_UP;
  fixed.ifi_change = IFF_UP;
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.body(fixed);
  return message;
}

NetlinkMessage delete_link(int index) {
  NetlinkMessage message(RTM_DELLINK, 0);
  message.body(link(index));
  return message;
}

NetlinkMessage add_address(int index, Ipv4 address, std::uint8_t prefix_length) {
  return address_message(true, kReplace, index, address, prefix_length);
}
NetlinkMessage delete_address(int index, Ipv4 address, std::uint8_t prefix_length) {
  return address_message(false, 0, index, address, prefix_length);
}

NetlinkMessage set_tunnel(int index, const Mac& mac, Ipv4 vtep) { return tunnel(true, kReplace, index, mac, vtep); }
NetlinkMessage delete_tunnel(int index, const Mac& mac, Ipv4 vtep) { return tunnel(false, 0, index, mac, vtep); }
NetlinkMessage add_flood(int index, Ipv4 vtep) {
  return tunnel(true, NLM_F_CREATE | NLM_F_APPEND, index, Mac{}, vtep);
}
NetlinkMessage delete_flood(int index, Ipv4 vtep) { return tunnel(false, 0, index, Mac{}, vtep); }

// NUD_NOARP: static. NUD_PERMANENT would declare it an address of this host.
NetlinkMessage set_forward(int port_index, const Mac& mac) {
  return forwarding(true, kReplace, port_index, NTF_MASTER, NUD_NOARP, mac);
}
NetlinkMessage delete_forward(int port_index, const Mac& mac) {
  return forwarding(false, 0, port_index, NTF_MASTER, 0, mac);
}

NetlinkMessage set_neighbour(int index, Ipv4 address, const Mac& mac) {
  auto message = neighbour(true, kReplace, index, address);
  message.put(NDA_LLADDR, mac.bytes);
  return message;
}
NetlinkMessage delete_neighbour(int index, Ipv4 address) { return neighbour(false, 0, index, address); }

}  // namespace dure::host::requests
