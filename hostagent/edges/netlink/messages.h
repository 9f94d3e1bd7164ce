#pragma once

#include <cstdint>
#include <string>

#include "common/ip.h"
#include "hostagent/edges/netlink/route_socket.h"
#include "protocol/messages/host_order.h"

// The requests that this room sends; one function per thing that the kernel can be told.
namespace dure::host::requests {

NetlinkMessage create_bridge(const NetworkSpec& network);
NetlinkMessage set_no_stp(int index);
// No STP, no forward delay, no multicast snooping; as create_bridge() makes it.
NetlinkMessage set_bridge_options(int index);
NetlinkMessage create_vxlan(const NetworkSpec& network, int bridge_index);
NetlinkMessage set_mac(int index, const Mac& mac);
NetlinkMessage set_mtu(int index, std::uint16_t mtu);
NetlinkMessage set_alias(int index, const NetworkId& id);
NetlinkMessage set_master(int index, int bridge_index);
// As a port of the bridge: learns nothing, gets no unknown unicast, ARP is answered for it.
NetlinkMessage set_port_flags(int index);
NetlinkMessage set_up(int index);
NetlinkMessage delete_link(int index);

NetlinkMessage add_address(int index, Ipv4 address, std::uint8_t prefix_length);
NetlinkMessage delete_address(int index, Ipv4 address, std::uint8_t prefix_length);

// VXLAN device: frames to `mac` go to `vtep`; replaces another VTEP.
NetlinkMessage set_tunnel(int index, const Mac& mac, Ipv4 vtep);
NetlinkMessage delete_tunnel(int index, const Mac& mac, Ipv4 vtep);
// VXLAN device: broadcasts go to `vtep`, too.
NetlinkMessage add_flood(int index, Ipv4 vtep);
NetlinkMessage delete_flood(int index, Ipv4 vtep);
// Bridge: frames to `mac` leave by this port.
NetlinkMessage set_forward(int port_index, const Mac& mac);
NetlinkMessage delete_forward(int port_index, const Mac& mac);
NetlinkMessage set_neighbour(int index, Ipv4 address, const Mac& mac);
NetlinkMessage delete_neighbour(int index, Ipv4 address);

}  // namespace dure::host::requests
