#include "controlnode/core/host_orders.h"

#include <algorithm>
#include <set>

#include "common/planted.h"
#include "controlnode/core/network_plan.h"

namespace dure::control {
namespace {

GuestConfig guest_config(const Model& model, const ModelIndex& index, const Cluster& cluster, const Node& node) {
  GuestConfig guest;
  guest.hostname = node.name;
  guest.user = model.settings.guest_user;
  if (const auto key = model.key_pairs.find(cluster.key_pair); key != model.key_pairs.end()) {
    guest.ssh_public_keys.push_back(key->second.public_key);
  }
  for (const Node* member : index.members_of(cluster.id)) guest.hosts.push_back({member->address, member->name});
  guest.nameservers = model.settings.nameservers;
  return guest;
}

VmSpec vm_spec(const Model& model, const ModelIndex& index, const Cluster& cluster, const Node& node) {
  VmSpec vm;
  vm.id = node.id;
  vm.generation = node.generation;
  vm.cluster = cluster.id;
  vm.name = node.name;
  if (const auto flavor = model.flavors.find(cluster.flavor); flavor != model.flavors.end()) {
    vm.vcpus = flavor->second.vcpus;
    vm.memory_mib = flavor->second.memory_mib;
    vm.disk_gib = flavor->second.disk_gib;
  }
  vm.image = cluster.image;
  vm.network = cluster.network;
  vm.mac = node.mac;
  vm.address = node.address;
  vm.guest = guest_config(model, index, cluster, node);
  vm.off = node.power != Power::on && !planted(Bug::off_not_ordered);
  vm.restart = node.restart;
  return vm;
}

}  // namespace

HostOrder host_order(const Model& model, const HostId& host, TimePoint now) {
  return host_order(model, ModelIndex::around(model, host), host, now);
}

HostOrder host_order(const Model& model, const ModelIndex& index, const HostId& host, TimePoint now) {
  HostOrder order;
  order.system = model.system;
  order.host = host;
  order.fence = model.fence;
  order.issued_at = now;
  if (const auto row = model.hosts.find(host); row != model.hosts.end()) {
    order.generation = row->second.generation;
    order.order = row->second.order.value_or(OrderId{});
  }
  std::set<ImageId> images;
  std::set<NetworkId> networks;
  for (const Node* node : index.nodes_on(host)) {
    if (node->state == NodeState::deleting || !model.claims.contains(node->id)) continue;
    const auto cluster = model.clusters.find(node->cluster);
    if (cluster == model.clusters.end()) continue;
    order.vms.push_back(vm_spec(model, index, cluster->second, *node));
    images.insert(cluster->second.image);
    networks.insert(cluster->second.network);
  }
  for (const ImageId& id : images) {
    const auto image = model.images.find(id);
    if (image == model.images.end()) continue;
    const Image& row = image->second;
    order.images.push_back({row.id, row.disk, row.kernel, row.initrd, row.cmdline});
  }
  for (const NetworkId& id : networks) {
    const auto network = model.networks.find(id);
    if (network != model.networks.end()) {
      order.networks.push_back(network_spec(model, index, network->second, host));
    }
  }
  if (const auto found = model.removals.find(host); found != model.removals.end()) {
    for (const Removal& removal : found->second) {
      if (removal.kind == ObjectKind::vm) {
        order.removed_vms.push_back({NodeId{removal.object}, removal.number});
      } else if (removal.kind == ObjectKind::network) {
        order.removed_networks.push_back(
            {NetworkId{removal.object}, static_cast<std::uint32_t>(removal.number)});
      }
    }
  }
  return order;
}

}  // namespace dure::control
