// The largest order that a control node can come to fits into one: a host is never left without because its order is too long.
#include <doctest/doctest.h>

#include "controlnode/core/bootstrap_plan.h"
#include "controlnode/core/host_orders.h"
#include "controlnode/core/network_plan.h"
#include "controlnode/core/placement.h"
#include "controlnode/edges/kubeadm/json_bootstrap_documents.h"
#include "protocol/messages/host_order.h"
#include "protocol/wire/codec.h"

namespace dure::control {
namespace {

constexpr std::uint32_t kMembers = 200;  // clusters.max_nodes at most
constexpr std::size_t kLongestKey = 8192;

template <class IdType>
IdType made(std::uint8_t kind, std::uint32_t number) {
  IdType id;
  id.uuid.bytes[0] = kind;
  for (std::size_t i = 0; i < 4; ++i) id.uuid.bytes[12 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

// A host with as many VMs as it may hold, each of a cluster of its own that is as large as it may be.
struct Crowd {
  Model model;
  HostId host = made<HostId>(1, 0);

  Crowd() {
    model.system = made<SystemId>(9, 1);
    const SiteId site = made<SiteId>(2, 1);
    model.sites[site] = {site, std::string(40, 's'), 1500};
    Flavor flavor{made<FlavorId>(3, 1), std::string(40, 'f'), 8, 65536, 1000};
    model.flavors[flavor.id] = flavor;
    KeyPair key{made<KeyPairId>(4, 1), {}, "me", "ssh-rsa " + std::string(kLongestKey - 8, 'A')};
    model.key_pairs[key.id] = key;
    for (std::uint32_t h = 0; h < kMembers; ++h) {
      Host row;
      row.id = made<HostId>(1, h);
      row.name = std::string(36, 'h') + std::to_string(h);
      row.site = site;
      row.address = Ipv4{0x0a000100 + h};
      row.room = std::string(32, 'r');
      model.hosts[row.id] = row;
    }
    for (std::uint32_t c = 0; c < kMaxNodesPerHost; ++c) cluster(c, flavor.id, key.id);
  }

  void cluster(std::uint32_t c, const FlavorId& flavor, const KeyPairId& key) {
    Image image{made<ImageId>(5, c), std::string(60, 'i'), {{}, 1}, {{}, 1}, {{}, 1}, std::string(2048, 'c'), 1, "v1.32.13"};
    model.images[image.id] = image;
    Network network{made<NetworkId>(6, c), made<ClusterId>(7, c), 4097 + c, {Ipv4{0x0a800000 + (c << 8)}, 24}, Ipv4{0x0a800001 + (c << 8)}, gateway_mac(), 1450};
    model.networks[network.id] = network;
    Cluster row;
    row.id = network.cluster;
    row.name = std::string(37, 'n') + std::to_string(100 + c);
    row.flavor = flavor;
    row.image = image.id;
    row.key_pair = key;
    row.network = network.id;
    row.kubernetes = {"v1.32.13", Cni::native, model.settings.pod_network, model.settings.service_network};
    row.control_planes.count = 3;
    model.clusters[row.id] = row;
    for (std::uint32_t n = 0; n < kMembers; ++n) {
      Node node;
      node.id = made<NodeId>(8, (c << 16) + n);
      node.cluster = row.id;
      node.name = row.name + "-w" + std::to_string(10'000 + n);
      node.role = n < 3 ? Role::control_plane : Role::worker;
      node.host = made<HostId>(1, n);
      node.address = Ipv4{network.prefix.base.value + 11 + n};
      node.mac = node_mac(network.vni, node.address);
      node.pods = pod_prefix(model, row, node.address);
      model.nodes[node.id] = node;
      model.claims[node.id] = {node.id, node.host, {8, 65536, 1000}};
    }
    for (std::uint32_t a = 0; a < 100; ++a) {
      ClusterAccess access;
      access.id = made<AccessId>(10, (c << 16) + a);
      access.cluster = row.id;
      access.user = "dure:" + access.id.str();
      model.accesses[access.id] = access;
    }
  }
};

std::string pem(const std::string& what, std::size_t size) {
  return "-----BEGIN " + what + "-----\n" + std::string(size, 'A') + "\n-----END " + what + "-----\n";
}

// Of the sizes that the real ones have.
BootstrapKeys keys() {
  const auto pair = [] { return CertificateAndKey{pem("CERTIFICATE", 1100), pem("PRIVATE KEY", 300)}; };
  BootstrapKeys given;
  given.ca_certificate = pair().certificate;
  given.ca_hash = "sha256:" + std::string(64, 'a');
  ClusterKeys cluster;
  cluster.ca = cluster.front_proxy_ca = cluster.etcd_ca = pair();
  cluster.service_account_public_key = pem("PUBLIC KEY", 500);
  cluster.service_account_private_key = pem("PRIVATE KEY", 300);
  given.cluster = cluster;
  given.node = pair();
  return given;
}

}  // namespace

TEST_CASE("order size: a host full of members of the largest clusters, none of which has joined, is ordered all of it") {
  const Crowd crowd;
  HostOrder order = host_order(crowd.model, crowd.host, {});
  REQUIRE(order.vms.size() == kMaxNodesPerHost);
  JsonBootstrapDocuments documents;
  std::size_t longest = 0;
  for (VmSpec& vm : order.vms) {
    auto document = documents.node_document(bootstrap_plan(crowd.model, crowd.model.nodes.at(vm.id)), keys());
    CAPTURE((document ? std::string() : document.error().message));
    REQUIRE(document.ok());
    vm.bootstrap = std::move(*document);
    longest = std::max(longest, vm.bootstrap.size());
  }
  // As many removals as there can be VMs and networks, twice over.
  for (std::uint32_t i = 0; i < 2 * kMaxNodesPerHost; ++i) {
    order.removed_vms.push_back({made<NodeId>(11, i), 1});
    order.removed_networks.push_back({made<NetworkId>(12, i), 9000 + i});
  }
  const auto bytes = wire::encode(order);
  CAPTURE(longest);
  CAPTURE(bytes.size());
  CHECK(bytes.size() < kMaxOrderBytes);
  const auto decoded = wire::decode_host_order(bytes);
  CAPTURE((decoded ? std::string() : decoded.error().message));
  REQUIRE(decoded.ok());
  CHECK(*decoded == order);
}

}  // namespace dure::control
