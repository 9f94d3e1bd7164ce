#include "controlnode/core/network_plan.h"

#include <algorithm>
#include <map>

namespace dure::control {
namespace {

constexpr std::uint16_t kDefaultUnderlayMtu = 1500;
constexpr std::uint32_t kVniLimit = 1U << 24;
// Locally administered unicast prefixes: guests, and the gateway that all networks share.
constexpr std::uint8_t kNodeMacPrefix = 0x02;
constexpr std::uint8_t kGatewayMacPrefix = 0x06;

// Where the user's own pod network gives out the addresses, any node may have any of them.
Ipv4Prefix routed(const Model& model, const Network& network, const Node& node) {
  const auto cluster = model.clusters.find(network.cluster);
  if (cluster == model.clusters.end() || cluster->second.kubernetes.cni == Cni::native) return node.pods;
  return cluster->second.kubernetes.pods;
}

}  // namespace

std::uint16_t guest_mtu(const Model& model, const std::vector<SiteId>& sites) {
  std::uint16_t underlay = 0;
  for (const auto& [id, site] : model.sites) {
    const bool counts = sites.empty() || std::find(sites.begin(), sites.end(), id) != sites.end();
    if (counts && (underlay == 0 || site.underlay_mtu < underlay)) underlay = site.underlay_mtu;
  }
  if (underlay == 0) underlay = kDefaultUnderlayMtu;
  return static_cast<std::uint16_t>(std::max<int>(underlay, kVxlanOverhead) - kVxlanOverhead);
}

// A VNI and its prefix go together: the n-th VNI has the n-th prefix. The search starts behind the
// last one handed out, so that a number comes back as late as possible.
Result<Network> allocate_network(const Model& model, const ModelIndex& index, NetworkId id, ClusterId cluster,
                                 std::uint16_t mtu) {
  const Settings& settings = model.settings;
  const Ipv4Prefix& pool = settings.cluster_networks;
  if (settings.cluster_prefix_length < pool.length || settings.cluster_prefix_length > 29 ||
      settings.cluster_prefix_length < 16) {
    return Error{Errc::invalid_argument,
                 "the prefix length of cluster networks must be 16 to 29 and inside their pool"};
  }
  const std::uint32_t by_prefix = 1U << (settings.cluster_prefix_length - pool.length);
  const std::uint32_t count = std::min(by_prefix, kVniLimit - settings.first_vni);
  const std::uint32_t first =
      model.next_vni < settings.first_vni ? 0 : (model.next_vni - settings.first_vni) % count;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t slot = (first + i) % count;
    const std::uint32_t vni = settings.first_vni + slot;
    const Ipv4Prefix prefix{Ipv4{pool.base.value + (slot << (32 - settings.cluster_prefix_length))},
                            settings.cluster_prefix_length};
    if (index.vni_in_use(vni) || index.prefix_in_use(prefix)) continue;
    Network network;
    network.id = id;
    network.cluster = cluster;
    network.vni = vni;
    network.prefix = prefix;
    network.gateway = *network.prefix.at(1);
    network.gateway_mac = gateway_mac();
    network.mtu = mtu;
    return network;
  }
  return Error{Errc::no_capacity, "all " + std::to_string(count) + " cluster networks are taken"};
}

Ipv4Prefix pod_prefix(const Model& model, const Cluster& cluster, Ipv4 address) {
  const auto network = model.networks.find(cluster.network);
  if (network == model.networks.end()) return {};
  const std::uint32_t number = address.value - network->second.prefix.base.value;
  const std::uint8_t length = model.settings.pod_prefix_length;
  const Ipv4Prefix prefix{Ipv4{cluster.kubernetes.pods.base.value + (number << (32 - length))}, length};
  return cluster.kubernetes.pods.contains(prefix.base) ? prefix : Ipv4Prefix{};
}

Mac node_mac(std::uint32_t vni, Ipv4 address) {
  return Mac{{kNodeMacPrefix, static_cast<std::uint8_t>(vni >> 16),
              static_cast<std::uint8_t>(vni >> 8), static_cast<std::uint8_t>(vni),
              static_cast<std::uint8_t>(address.value >> 8),
              static_cast<std::uint8_t>(address.value)}};
}

Mac gateway_mac() { return Mac{{kGatewayMacPrefix, 'd', 'u', 'r', 'e', 1}}; }

NetworkSpec network_spec(const Model& model, const ModelIndex& index, const Network& network, const HostId& host) {
  NetworkSpec spec;
  spec.id = network.id;
  spec.vni = network.vni;
  spec.prefix = network.prefix;
  spec.gateway = network.gateway;
  spec.gateway_mac = network.gateway_mac;
  spec.mtu = network.mtu;
  if (const auto own = model.hosts.find(host); own != model.hosts.end()) {
    spec.local_vtep = own->second.address;
  }
  std::map<HostId, Ipv4> peers;
  for (const Node* node : index.members_of(network.cluster)) {
    const auto found = model.hosts.find(node->host);
    if (found == model.hosts.end()) continue;
    const Ipv4 vtep = found->second.address;
    spec.entries.push_back({node->mac, node->address, vtep, routed(model, network, *node)});
    if (node->host != host) peers.emplace(node->host, vtep);
  }
  for (const auto& [peer, vtep] : peers) spec.peers.push_back({peer, vtep});
  return spec;
}

}  // namespace dure::control
