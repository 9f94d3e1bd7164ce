#include <algorithm>
#include <cstdint>
#include <string_view>

#include "hostagent/core/host_plan.h"

namespace dure::host {
namespace {

// FNV-1a, 64 bit (Fowler, Noll, Vo); four of them with different starts fill a digest.
struct Hash {
  std::uint64_t value;

  void byte(std::uint8_t b) { value = (value ^ b) * 1099511628211ULL; }
  void number(std::uint64_t n) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<std::uint8_t>(n >> shift));
  }
  void bytes(const auto& range) {
    for (const std::uint8_t b : range) byte(b);
  }
};

std::uint64_t hash_networks(const std::vector<NetworkSpec>& networks, std::uint64_t start) {
  Hash hash{start};
  hash.number(networks.size());
  for (const auto& network : networks) {
    hash.bytes(network.id.uuid.bytes);
    hash.number(network.vni);
    hash.number(network.prefix.base.value);
    hash.number(network.prefix.length);
    hash.number(network.gateway.value);
    hash.bytes(network.gateway_mac.bytes);
    hash.number(network.local_vtep.value);
    hash.number(network.peers.size());
    for (const auto& peer : network.peers) hash.number(peer.vtep.value);
    hash.number(network.entries.size());
    for (const auto& entry : network.entries) {
      hash.bytes(entry.mac.bytes);
      hash.number(entry.address.value);
      hash.number(entry.vtep.value);
      hash.number(entry.routed.base.value);
      hash.number(entry.routed.length);
    }
  }
  return hash.value;
}

}  // namespace

std::string bridge_name(std::uint32_t vni) { return "dvb" + std::to_string(vni); }
std::string vxlan_name(std::uint32_t vni) { return "dvx" + std::to_string(vni); }
std::string tap_name(const Mac& mac) {
  auto digits = mac.str();
  std::erase(digits, ':');
  return "dvt" + digits;
}

NetworkSpec remote_part(const NetworkSpec& network) {
  NetworkSpec remote = network;
  std::erase_if(remote.entries, [&](const NetworkEntry& e) { return e.vtep == network.local_vtep; });
  for (auto& entry : remote.entries) entry.routed = {};
  std::sort(remote.entries.begin(), remote.entries.end(),
            [](const NetworkEntry& a, const NetworkEntry& b) { return a.address < b.address; });
  std::erase_if(remote.peers, [&](const NetworkPeer& p) { return p.vtep == network.local_vtep; });
  for (auto& peer : remote.peers) peer.host = HostId{};
  std::sort(remote.peers.begin(), remote.peers.end(),
            [](const NetworkPeer& a, const NetworkPeer& b) { return a.vtep < b.vtep; });
  return remote;
}

Digest firewall_digest(const std::vector<NetworkSpec>& networks) {
  Digest digest;
  if (networks.empty()) return digest;
  for (std::size_t word = 0; word < 4; ++word) {
    const auto value = hash_networks(networks, 14695981039346656037ULL + word);
    for (std::size_t i = 0; i < 8; ++i) {
      digest.bytes[word * 8 + i] = static_cast<std::uint8_t>(value >> (i * 8));
    }
  }
  return digest;
}

}  // namespace dure::host
