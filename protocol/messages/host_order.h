#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "common/ip.h"
#include "common/time.h"
#include "protocol/messages/fencing.h"

namespace dure {

// A file that the control node serves by its digest.
struct BlobRef {
  Digest digest;
  std::uint64_t size_bytes = 0;
  friend bool operator==(const BlobRef&, const BlobRef&) = default;
};

// What a VM boots from: a qcow2 base disk, and a kernel with initial ramdisk that libvirt loads
// directly. `kernel` with size 0 means: boot from the disk's own boot loader.
struct ImageSpec {
  ImageId id;
  BlobRef disk;
  BlobRef kernel;
  BlobRef initrd;       // size 0: none
  std::string cmdline;  // kernel command line; only with a kernel
  friend bool operator==(const ImageSpec&, const ImageSpec&) = default;
};

// Another host of the same network: where its VTEP is.
struct NetworkPeer {
  HostId host;
  Ipv4 vtep;
  friend bool operator==(const NetworkPeer&, const NetworkPeer&) = default;
};

// One guest interface anywhere on the network. On a remote host it becomes a forwarding and a
// neighbour entry towards `vtep`; where `vtep` is this host's own address, only the spoofing filter
// uses it.
struct NetworkEntry {
  Mac mac;
  Ipv4 address;
  Ipv4 vtep;
  Ipv4Prefix routed{};  // what lies behind this guest, its pods: it may send with these addresses too; length 0: nothing
  friend bool operator==(const NetworkEntry&, const NetworkEntry&) = default;
};

// A cluster's own L2 segment as one host sees it. The host is its guests' gateway, with the same
// address and MAC on every host.
struct NetworkSpec {
  NetworkId id;
  std::uint32_t vni = 0;  // 24 bit
  Ipv4Prefix prefix;
  Ipv4 gateway;
  Mac gateway_mac;
  std::uint16_t mtu = 0;   // of the guests: smallest underlay MTU of its sites minus 50
  Ipv4 local_vtep;         // this host's underlay address
  std::vector<NetworkPeer> peers;      // sorted by host; without this host
  std::vector<NetworkEntry> entries;   // sorted by address; all guests, local ones too
  friend bool operator==(const NetworkSpec&, const NetworkSpec&) = default;
};

struct HostsEntry {
  Ipv4 address;
  std::string name;
  friend bool operator==(const HostsEntry&, const HostsEntry&) = default;
};

// What the guest learns from its seed.
struct GuestConfig {
  std::string hostname;
  std::string user;                         // login name
  std::vector<std::string> ssh_public_keys; // OpenSSH one-line form
  std::vector<HostsEntry> hosts;            // all members of the cluster
  std::vector<Ipv4> nameservers;
  friend bool operator==(const GuestConfig&, const GuestConfig&) = default;
};

struct VmSpec {
  NodeId id;
  std::uint64_t generation = 0;  // raised when the VM is to be made anew
  ClusterId cluster;
  std::string name;              // node name, for people; unique within its cluster
  std::uint32_t vcpus = 0;
  std::uint32_t memory_mib = 0;
  std::uint32_t disk_gib = 0;
  ImageId image;
  NetworkId network;
  Mac mac;
  Ipv4 address;
  GuestConfig guest;
  // What the guest's own program is given over its channel: a document of JSON that the host does not
  // read. It carries keys while the node joins its cluster, so it is neither journalled nor logged.
  // Empty: nothing is given. A new one replaces the old one in the running guest.
  std::string bootstrap;
  bool off = false;              // it is to be there, and switched off
  // Raised when it is to be switched off and on once more: whoever runs under a lower number is.
  std::uint64_t restart = 0;
  friend bool operator==(const VmSpec&, const VmSpec&) = default;
};

// The only way an order takes a VM away: by its id, up to and including this generation.
struct VmRemoval {
  NodeId id;
  std::uint64_t generation = 0;
  friend bool operator==(const VmRemoval&, const VmRemoval&) = default;
};

struct NetworkRemoval {
  NetworkId id;
  std::uint32_t vni = 0;
  friend bool operator==(const NetworkRemoval&, const NetworkRemoval&) = default;
};

// Where this host measures how far another site is.
struct RoundTripTarget {
  SiteId site;
  Ipv4 address;  // of a host there, on the underlay
  friend bool operator==(const RoundTripTarget&, const RoundTripTarget&) = default;
};

// Whether the address is of one host that others can ask: nothing else is sent an echo.
constexpr bool is_round_trip_target(Ipv4 address) {
  const std::uint32_t first = address.value >> 24;
  return first > 0 && first < 224 && first != 127;
}

// The complete desired state of ONE host. What it does not mention is reported and left alone.
struct HostOrder {
  SystemId system;
  HostId host;
  SessionId session;             // of the agent process it is meant for
  Fence fence;
  std::uint64_t sequence = 0;    // rises with every envelope to this host in this epoch
  std::uint64_t generation = 0;  // of the host's desired state; rises with every change
  OrderId order;
  TimePoint issued_at;           // the control node's date when it was sent: what guests' clocks are set by
  std::vector<ImageSpec> images;
  std::vector<NetworkSpec> networks;
  std::vector<VmSpec> vms;
  std::vector<VmRemoval> removed_vms;
  std::vector<NetworkRemoval> removed_networks;
  // Not part of the desired state that the generation counts: like the guests' documents, they are
  // filled in when the order is sent, and the newest envelope's are the ones that hold.
  std::vector<RoundTripTarget> round_trip_targets{};
  // The control node's signature over the fence alone (wire/fence_proof.h): kept by the agent and shown again with its
  // reports, so that what one host says of a fence is proof, or nothing.
  std::string fence_proof{};
  friend bool operator==(const HostOrder&, const HostOrder&) = default;
};

// Bounds on a well-formed order; a larger one is refused on both sides.
// More than the largest order that a control node can come to: 64 VMs on one host, of clusters of 200 nodes, each with the
// longest key and a document that has not been done with (tests/unit/controlnode/edges/kubeadm/order_size_test.cpp).
inline constexpr std::size_t kMaxOrderBytes = 6 << 20;
inline constexpr std::size_t kMaxVmsPerHost = 256;
inline constexpr std::size_t kMaxBootstrapBytes = 64 * 1024;
inline constexpr std::size_t kMaxNetworksPerHost = 256;
inline constexpr std::size_t kMaxEntriesPerNetwork = 4096;
inline constexpr std::size_t kMaxImagesPerHost = 64;
inline constexpr std::size_t kMaxRemovals = 4096;
inline constexpr std::size_t kMaxRoundTripTargets = 16;
inline constexpr std::size_t kMaxSshKeysPerVm = 64;
inline constexpr std::size_t kMaxNameservers = 8;

}  // namespace dure
