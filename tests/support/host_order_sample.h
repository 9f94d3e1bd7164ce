#pragma once

#include <algorithm>

#include "hostagent/core/host_plan.h"
#include "hostagent/core/observed.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

inline Uuid uuid_number(std::uint8_t n) {
  Uuid uuid;
  uuid.bytes[15] = n;
  return uuid;
}

// One VM on one network with one image of two blobs; a remote neighbour.
inline HostOrder sample_order() {
  HostOrder order;
  order.host = HostId{uuid_number(1)};
  order.generation = 1;
  order.order = OrderId{uuid_number(2)};
  ImageSpec image;
  image.id = ImageId{uuid_number(3)};
  image.disk = {Digest{{1}}, 1000};
  image.kernel = {Digest{{2}}, 100};
  order.images = {image};
  NetworkSpec network;
  network.id = NetworkId{uuid_number(4)};
  network.vni = 4097;
  network.prefix = {Ipv4{0x0a800000}, 24};
  network.gateway = Ipv4{0x0a800001};
  network.gateway_mac = Mac{{2, 0, 0, 0, 0, 1}};
  network.mtu = 1400;
  network.local_vtep = Ipv4{0x0a5a010b};
  network.peers = {{HostId{uuid_number(5)}, Ipv4{0x0a5a020c}}};
  network.entries = {{Mac{{2, 0, 0, 0, 0, 11}}, Ipv4{0x0a80000b}, network.local_vtep},
                     {Mac{{2, 0, 0, 0, 0, 12}}, Ipv4{0x0a80000c}, Ipv4{0x0a5a020c}}};
  order.networks = {network};
  VmSpec vm;
  vm.id = NodeId{uuid_number(6)};
  vm.generation = 1;
  vm.name = "demo-w1";
  vm.vcpus = 1;
  vm.memory_mib = 512;
  vm.disk_gib = 4;
  vm.image = image.id;
  vm.network = network.id;
  vm.mac = network.entries[0].mac;
  vm.address = network.entries[0].address;
  vm.guest.hostname = "demo-w1";
  vm.guest.user = "dure";
  order.vms = {vm};
  return order;
}

// A host on which everything of the order is in place.
inline Observed all_in_place(const HostOrder& order) {
  Observed observed;
  observed.hypervisor_answers = true;
  for (const auto& image : order.images) {
    for (const auto* blob : {&image.disk, &image.kernel, &image.initrd}) {
      if (blob->size_bytes > 0) observed.blobs.push_back({blob->digest, blob->size_bytes, true});
    }
  }
  for (const auto& network : order.networks) {
    auto& seen = observed.networks.emplace_back(ObservedNetwork{remote_part(network), true});
    for (const auto& vm : order.vms) {
      if (vm.network == network.id) seen.guests.push_back(vm.mac);
    }
    std::sort(seen.guests.begin(), seen.guests.end());
  }
  observed.firewall = firewall_digest(order.networks, {});
  for (const auto& vm : order.vms) {
    observed.vms.push_back({vm.id, vm.generation, order.order, vm.network, order.networks[0].vni,
                            VmState::running, vm.restart});
    observed.files.push_back({vm.id, vm.generation, true, true});
  }
  return observed;
}

}  // namespace dure::host
