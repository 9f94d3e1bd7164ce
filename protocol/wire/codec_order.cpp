#include <limits>

#include <google/protobuf/arena.h>

#include "protocol/schema/host_order.pb.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/codec_bounded.h"
#include "protocol/wire/field_check.h"

namespace dure::wire {
namespace {

constexpr std::size_t kMaxCmdlineBytes = 2048;
constexpr std::uint32_t kMaxVcpus = 4096;
constexpr std::uint32_t kMaxMemoryMib = 1U << 24;
constexpr std::uint32_t kMaxDiskGib = 1U << 20;
// What every IPv4 link carries (RFC 791), and what a 16-bit length allows.
constexpr std::uint32_t kMinMtu = 576;
constexpr std::uint32_t kMaxMtu = std::numeric_limits<std::uint16_t>::max();

template <class Bytes>
std::string raw(const Bytes& value) {
  return {value.bytes.begin(), value.bytes.end()};
}
template <class Tag>
std::string raw(const Id<Tag>& id) {
  return raw(id.uuid);
}

void put(const BlobRef& from, schema::BlobRef& to) {
  to.set_digest(raw(from.digest));
  to.set_size_bytes(from.size_bytes);
}

void put(const ImageSpec& from, schema::ImageSpec& to) {
  to.set_id(raw(from.id));
  put(from.disk, *to.mutable_disk());
  if (from.kernel != BlobRef{}) put(from.kernel, *to.mutable_kernel());
  if (from.initrd != BlobRef{}) put(from.initrd, *to.mutable_initrd());
  to.set_cmdline(from.cmdline);
}

void put(const NetworkSpec& from, schema::NetworkSpec& to) {
  to.set_id(raw(from.id));
  to.set_vni(from.vni);
  to.set_prefix_base(from.prefix.base.value);
  to.set_prefix_length(from.prefix.length);
  to.set_gateway(from.gateway.value);
  to.set_gateway_mac(raw(from.gateway_mac));
  to.set_mtu(from.mtu);
  to.set_local_vtep(from.local_vtep.value);
  for (const auto& peer : from.peers) {
    auto& added = *to.add_peers();
    added.set_host(raw(peer.host));
    added.set_vtep(peer.vtep.value);
  }
  for (const auto& entry : from.entries) {
    auto& added = *to.add_entries();
    added.set_mac(raw(entry.mac));
    added.set_address(entry.address.value);
    added.set_vtep(entry.vtep.value);
    added.set_routed_base(entry.routed.base.value);
    added.set_routed_length(entry.routed.length);
  }
}

void put(const GuestConfig& from, schema::GuestConfig& to) {
  to.set_hostname(from.hostname);
  to.set_user(from.user);
  for (const auto& key : from.ssh_public_keys) to.add_ssh_public_keys(key);
  for (const auto& host : from.hosts) {
    auto& added = *to.add_hosts();
    added.set_address(host.address.value);
    added.set_name(host.name);
  }
  for (const auto& server : from.nameservers) to.add_nameservers(server.value);
}

void put(const VmSpec& from, schema::VmSpec& to) {
  to.set_id(raw(from.id));
  to.set_generation(from.generation);
  to.set_cluster(raw(from.cluster));
  to.set_name(from.name);
  to.set_vcpus(from.vcpus);
  to.set_memory_mib(from.memory_mib);
  to.set_disk_gib(from.disk_gib);
  to.set_image(raw(from.image));
  to.set_network(raw(from.network));
  to.set_mac(raw(from.mac));
  to.set_address(from.address.value);
  put(from.guest, *to.mutable_guest());
  to.set_bootstrap(from.bootstrap);
  to.set_off(from.off);
  to.set_restart(from.restart);
}

BlobRef blob(const schema::BlobRef& from, FieldCheck& check, std::string_view field) {
  check.known(from, field);
  BlobRef to;
  to.digest = check.digest(from.digest(), field);
  to.size_bytes = from.size_bytes();
  check.range(to.size_bytes, 1, std::numeric_limits<std::int64_t>::max(), field);
  return to;
}

ImageSpec image(const schema::ImageSpec& from, FieldCheck& check) {
  check.known(from, "image");
  ImageSpec to;
  check.id(to.id, from.id(), "image.id");
  to.disk = blob(from.disk(), check, "image.disk");
  if (from.has_kernel()) to.kernel = blob(from.kernel(), check, "image.kernel");
  if (from.has_initrd()) to.initrd = blob(from.initrd(), check, "image.initrd");
  to.cmdline = check.text(from.cmdline(), "image.cmdline", kMaxCmdlineBytes);
  check.require(from.has_kernel() || (!from.has_initrd() && to.cmdline.empty()), "image.kernel",
                "is missing where there is an initrd or a command line");
  return to;
}

Ipv4Prefix prefix(const schema::NetworkSpec& from, FieldCheck& check) {
  check.range(from.prefix_length(), 8, 30, "network.prefix");
  if (check.failed()) return {};
  const Ipv4Prefix to{{from.prefix_base()}, static_cast<std::uint8_t>(from.prefix_length())};
  check.require(to.contains(to.base), "network.prefix", "has host bits set");
  return to;
}

bool overlap(const Ipv4Prefix& one, const Ipv4Prefix& other) {
  return one.contains(other.base) || other.contains(one.base);
}

// What is behind a guest lies outside of its network: otherwise it could speak as its neighbours.
Ipv4Prefix routed(const schema::NetworkEntry& from, const Ipv4Prefix& network, FieldCheck& check) {
  if (from.routed_length() == 0) {
    check.require(from.routed_base() == 0, "network.entry.routed", "has no length");
    return {};
  }
  check.range(from.routed_length(), 8, 32, "network.entry.routed");
  if (check.failed()) return {};
  const Ipv4Prefix to{{from.routed_base()}, static_cast<std::uint8_t>(from.routed_length())};
  check.require(to.contains(to.base), "network.entry.routed", "has host bits set");
  check.require(!overlap(to, network), "network.entry.routed", "overlaps the network's prefix");
  return to;
}

NetworkSpec network(const schema::NetworkSpec& from, FieldCheck& check) {
  check.known(from, "network");
  NetworkSpec to;
  check.id(to.id, from.id(), "network.id");
  to.vni = check.vni(from.vni(), "network.vni");
  to.prefix = prefix(from, check);
  to.gateway.value = from.gateway();
  check.require(to.prefix.contains(to.gateway), "network.gateway", "is outside of the prefix");
  to.gateway_mac = check.mac(from.gateway_mac(), "network.gateway_mac");
  check.range(from.mtu(), kMinMtu, kMaxMtu, "network.mtu");
  to.mtu = static_cast<std::uint16_t>(from.mtu());
  to.local_vtep.value = from.local_vtep();
  check.range(static_cast<std::uint64_t>(from.peers_size()), 0, kMaxEntriesPerNetwork, "network.peers");
  check.range(static_cast<std::uint64_t>(from.entries_size()), 0, kMaxEntriesPerNetwork,
              "network.entries");
  if (check.failed()) return to;
  for (const auto& peer : from.peers()) {
    check.known(peer, "network.peer");
    auto& added = to.peers.emplace_back();
    check.id(added.host, peer.host(), "network.peer.host");
    added.vtep.value = peer.vtep();
  }
  for (const auto& entry : from.entries()) {
    check.known(entry, "network.entry");
    auto& added = to.entries.emplace_back();
    added.mac = check.mac(entry.mac(), "network.entry.mac");
    added.address.value = entry.address();
    added.vtep.value = entry.vtep();
    check.require(to.prefix.contains(added.address), "network.entry.address",
                  "is outside of the prefix");
    added.routed = routed(entry, to.prefix, check);
  }
  check.unique(to.peers, [](const auto& item) { return item.host; }, "network.peer.host");
  check.unique(to.entries, [](const auto& item) { return item.mac; }, "network.entry.mac");
  check.unique(to.entries, [](const auto& item) { return item.address; }, "network.entry.address");
  return to;
}

GuestConfig guest(const schema::GuestConfig& from, FieldCheck& check) {
  check.known(from, "vm.guest");
  GuestConfig to;
  to.hostname = check.name(from.hostname(), "vm.guest.hostname");
  check.require(is_user_name(from.user()), "vm.guest.user", "is not a login name");
  to.user = from.user();
  check.range(static_cast<std::uint64_t>(from.ssh_public_keys_size()), 0, kMaxSshKeysPerVm,
              "vm.guest.ssh_public_keys");
  check.range(static_cast<std::uint64_t>(from.hosts_size()), 0, kMaxEntriesPerNetwork, "vm.guest.hosts");
  check.range(static_cast<std::uint64_t>(from.nameservers_size()), 0, kMaxNameservers,
              "vm.guest.nameservers");
  if (check.failed()) return to;
  for (const auto& key : from.ssh_public_keys()) {
    check.require(!key.empty(), "vm.guest.ssh_public_key", "is empty");
    to.ssh_public_keys.push_back(check.text(key, "vm.guest.ssh_public_key", kMaxSshKeyBytes));
  }
  for (const auto& host : from.hosts()) {
    check.known(host, "vm.guest.hosts");
    check.require(is_host_name(host.name()), "vm.guest.hosts.name", "is not a host name");
    to.hosts.push_back({{host.address()}, host.name()});
  }
  for (const auto server : from.nameservers()) to.nameservers.push_back({server});
  check.unique(to.hosts, [](const auto& item) { return std::string_view(item.name); }, "vm.guest.hosts.name");
  return to;
}

VmSpec vm(const schema::VmSpec& from, FieldCheck& check) {
  check.known(from, "vm");
  VmSpec to;
  check.id(to.id, from.id(), "vm.id");
  to.generation = from.generation();
  check.id(to.cluster, from.cluster(), "vm.cluster");
  to.name = check.name(from.name(), "vm.name");
  to.vcpus = from.vcpus();
  check.range(to.vcpus, 1, kMaxVcpus, "vm.vcpus");
  to.memory_mib = from.memory_mib();
  check.range(to.memory_mib, 1, kMaxMemoryMib, "vm.memory_mib");
  to.disk_gib = from.disk_gib();
  check.range(to.disk_gib, 1, kMaxDiskGib, "vm.disk_gib");
  check.id(to.image, from.image(), "vm.image");
  check.id(to.network, from.network(), "vm.network");
  to.mac = check.mac(from.mac(), "vm.mac");
  to.address.value = from.address();
  check.require(from.has_guest(), "vm.guest", "is missing");
  to.guest = guest(from.guest(), check);
  to.bootstrap = check.text(from.bootstrap(), "vm.bootstrap", kMaxBootstrapBytes);
  to.off = from.off();
  to.restart = from.restart();
  return to;
}

RoundTripTarget round_trip_target(const schema::RoundTripTarget& from, FieldCheck& check) {
  check.known(from, "round_trip_target");
  RoundTripTarget to;
  check.id(to.site, from.site(), "round_trip_target.site");
  to.address.value = from.address();
  check.require(is_round_trip_target(to.address), "round_trip_target.address", "is not one host's address");
  return to;
}

void check_bounds(const schema::HostOrder& from, FieldCheck& check) {
  const auto bound = [&check](int size, std::size_t max, std::string_view field) {
    check.range(static_cast<std::uint64_t>(size), 0, max, field);
  };
  bound(from.images_size(), kMaxImagesPerHost, "images");
  bound(from.networks_size(), kMaxNetworksPerHost, "networks");
  bound(from.vms_size(), kMaxVmsPerHost, "vms");
  bound(from.removed_vms_size(), kMaxRemovals, "removed_vms");
  bound(from.removed_networks_size(), kMaxRemovals, "removed_networks");
  bound(from.round_trip_targets_size(), kMaxRoundTripTargets, "round_trip_targets");
}

void check_unique(const HostOrder& to, FieldCheck& check) {
  const auto id = [](const auto& item) { return item.id; };
  check.unique(to.images, id, "image.id");
  check.unique(to.networks, id, "network.id");
  check.unique(to.networks, [](const auto& item) { return item.vni; }, "network.vni");
  check.unique(to.vms, id, "vm.id");
  check.unique(to.removed_vms, id, "removed_vm.id");
  check.unique(to.removed_networks, id, "removed_network.id");
  check.unique(to.round_trip_targets, [](const auto& item) { return item.address; },
               "round_trip_target.address");
}

HostOrder order(const schema::HostOrder& from, FieldCheck& check) {
  check.known(from, "order");
  check.known(from.fence(), "fence");
  HostOrder to;
  check.id(to.system, from.system(), "system");
  check.id(to.host, from.host(), "host");
  check.id(to.session, from.session(), "session");
  check.require(from.has_fence(), "fence", "is missing");
  to.fence = {from.fence().delegation(), from.fence().epoch()};
  to.sequence = from.sequence();
  to.generation = from.generation();
  check.id(to.order, from.order(), "order");
  to.issued_at.us = from.issued_at_us();
  check_bounds(from, check);
  if (check.failed()) return to;
  for (const auto& item : from.images()) to.images.push_back(image(item, check));
  for (const auto& item : from.networks()) to.networks.push_back(network(item, check));
  for (const auto& item : from.vms()) to.vms.push_back(vm(item, check));
  for (const auto& item : from.removed_vms()) {
    check.known(item, "removed_vm");
    auto& added = to.removed_vms.emplace_back();
    check.id(added.id, item.id(), "removed_vm.id");
    added.generation = item.generation();
  }
  for (const auto& item : from.removed_networks()) {
    check.known(item, "removed_network");
    auto& added = to.removed_networks.emplace_back();
    check.id(added.id, item.id(), "removed_network.id");
    added.vni = check.vni(item.vni(), "removed_network.vni");
  }
  for (const auto& item : from.round_trip_targets()) {
    to.round_trip_targets.push_back(round_trip_target(item, check));
  }
  to.fence_proof = check.signature(from.fence_proof(), "fence_proof");
  check_unique(to, check);
  return to;
}

// Most orders fit on the stack: one allocation less for every field is a tenth of the time that an
// order costs (tests/bench, dispatch).
class OrderArena {
 public:
  OrderArena() : arena_(options(block_)) {}
  OrderArena(const OrderArena&) = delete;
  OrderArena& operator=(const OrderArena&) = delete;
  schema::HostOrder& make() {
    return *google::protobuf::Arena::CreateMessage<schema::HostOrder>(&arena_);
  }

 private:
  static constexpr std::size_t kBlock = 16384;
  static google::protobuf::ArenaOptions options(char* block) {
    google::protobuf::ArenaOptions made;
    made.initial_block = block;
    made.initial_block_size = kBlock;
    return made;
  }
  char block_[kBlock];
  google::protobuf::Arena arena_;
};

}  // namespace

std::string encode(const HostOrder& from) {
  OrderArena arena;
  auto& to = arena.make();
  to.set_system(raw(from.system));
  to.set_host(raw(from.host));
  to.set_session(raw(from.session));
  to.mutable_fence()->set_delegation(from.fence.delegation);
  to.mutable_fence()->set_epoch(from.fence.epoch);
  to.set_sequence(from.sequence);
  to.set_generation(from.generation);
  to.set_order(raw(from.order));
  to.set_issued_at_us(from.issued_at.us);
  for (const auto& item : from.images) put(item, *to.add_images());
  for (const auto& item : from.networks) put(item, *to.add_networks());
  for (const auto& item : from.vms) put(item, *to.add_vms());
  for (const auto& item : from.removed_vms) {
    auto& added = *to.add_removed_vms();
    added.set_id(raw(item.id));
    added.set_generation(item.generation);
  }
  for (const auto& item : from.removed_networks) {
    auto& added = *to.add_removed_networks();
    added.set_id(raw(item.id));
    added.set_vni(item.vni);
  }
  for (const auto& item : from.round_trip_targets) {
    auto& added = *to.add_round_trip_targets();
    added.set_site(raw(item.site));
    added.set_address(item.address.value);
  }
  to.set_fence_proof(from.fence_proof);
  return to.SerializeAsString();
}

Result<HostOrder> decode_host_order(std::string_view bytes) {
  OrderArena arena;
  auto& parsed = arena.make();
  if (const auto whole = parse_bounded(bytes, kMaxOrderBytes, parsed); !whole) {
    return Error{whole.error().code, "order: " + whole.error().message};
  }
  FieldCheck check;
  auto decoded = order(parsed, check);
  if (const auto result = check.result(); !result) {
    return Error{result.error().code, "order: " + result.error().message};
  }
  return decoded;
}

}  // namespace dure::wire
