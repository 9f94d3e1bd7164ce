#pragma once

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "controlnode/core/model_index.h"
#include "protocol/messages/host_order.h"

namespace dure::control {

// The control node owns every global number: VNI and prefix per cluster, address and MAC per node,
// and for each host the list of peers and forwarding entries. Agents compute no addresses.

// Bytes that VXLAN over IPv4 adds to a guest's frame: inner Ethernet 14, VXLAN 8, UDP 8, IPv4 20.
inline constexpr std::uint16_t kVxlanOverhead = 50;

// The guests' MTU on a network over these sites: the smallest underlay MTU minus the overhead.
std::uint16_t guest_mtu(const Model& model, const std::vector<SiteId>& sites);

// The next free VNI and the prefix that belongs to it; `no_capacity` when all are taken. A VNI is
// not handed out again while some host still has a removal of it outstanding.
Result<Network> allocate_network(const Model& model, const ModelIndex& index, NetworkId id, ClusterId cluster,
                                 std::uint16_t mtu);

// The node's part of its cluster's pod network: the one with the number of its address in the
// cluster's prefix, so that it is used again as little as the address is.
Ipv4Prefix pod_prefix(const Model& model, const Cluster& cluster, Ipv4 address);

// Locally administered, derived from VNI and address, hence unique within the installation.
Mac node_mac(std::uint32_t vni, Ipv4 address);
// The same on every host of every network.
Mac gateway_mac();

// The network as `host` has to program it: all nodes of the cluster that are not being deleted, peers
// without itself. Sorted, so that equal states give equal bytes.
NetworkSpec network_spec(const Model& model, const ModelIndex& index, const Network& network, const HostId& host);

}  // namespace dure::control
