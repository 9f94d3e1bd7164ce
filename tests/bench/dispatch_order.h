#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "protocol/messages/host_order.h"

namespace dure::bench {

inline Uuid numbered(std::uint8_t kind, std::size_t n) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  uuid.bytes[6] = 0x40;
  uuid.bytes[8] = 0x80;
  uuid.bytes[14] = static_cast<std::uint8_t>(n >> 8);
  uuid.bytes[15] = static_cast<std::uint8_t>(n);
  return uuid;
}

inline NetworkSpec class_network(std::size_t guests) {
  NetworkSpec network;
  network.id = NetworkId{numbered(3, 1)};
  network.vni = 4711;
  network.prefix = {Ipv4{0x0a800000}, 24};
  network.gateway = Ipv4{0x0a800001};
  network.gateway_mac = Mac{{2, 0, 0, 0, 0, 1}};
  network.mtu = 1400;
  network.local_vtep = Ipv4{0x0a5a0101};
  for (std::size_t i = 0; i < guests; ++i) {
    const auto n = static_cast<std::uint8_t>(i + 10);
    const Ipv4 address{network.prefix.base.value + n};
    const Ipv4 vtep{0x0a5a0101 + static_cast<std::uint32_t>(i / 3)};
    network.entries.push_back({Mac{{2, 0, 0, 0, 1, n}}, address, vtep});
    if (i % 3 == 0 && i > 0) network.peers.push_back({HostId{numbered(2, i / 3)}, vtep});
  }
  return network;
}

// What a host gets that carries three of the twenty nodes of a cluster.
inline HostOrder class_order(const SystemId& system, const HostId& host, const SessionId& session) {
  HostOrder order;
  order.system = system;
  order.host = host;
  order.session = session;
  order.fence = {1, 7};
  order.order = OrderId{numbered(4, 1)};
  order.issued_at = TimePoint{1'700'000'000'000'000};
  ImageSpec image;
  image.id = ImageId{numbered(5, 1)};
  image.disk = {Digest{{1}}, 480'000'000};
  image.kernel = {Digest{{2}}, 8'000'000};
  image.initrd = {Digest{{3}}, 20'000'000};
  image.cmdline = "root=/dev/vda1 ro console=ttyS0 quiet";
  order.images = {image};
  order.networks = {class_network(20)};
  const auto& network = order.networks.front();
  for (std::size_t i = 0; i < 3; ++i) {
    VmSpec vm;
    vm.id = NodeId{numbered(6, i)};
    vm.generation = 1;
    vm.cluster = ClusterId{numbered(7, 1)};
    vm.name = "class-w" + std::to_string(i + 1);
    vm.vcpus = 2;
    vm.memory_mib = 2048;
    vm.disk_gib = 10;
    vm.image = image.id;
    vm.network = network.id;
    vm.mac = network.entries[i].mac;
    vm.address = network.entries[i].address;
    vm.guest.hostname = vm.name;
    vm.guest.user = "student";
    vm.guest.ssh_public_keys = {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4QxL6mJ0o3wq7v5t1u8y2i6o9p4a3s2d1f0g5h7j8k student@lab"};
    vm.guest.nameservers = {Ipv4{0x0a5a0101}, Ipv4{0x0a5a0201}};
    for (std::size_t k = 0; k < network.entries.size(); ++k) {
      vm.guest.hosts.push_back({network.entries[k].address, "class-w" + std::to_string(k + 1)});
    }
    order.vms.push_back(std::move(vm));
  }
  return order;
}

}  // namespace dure::bench
