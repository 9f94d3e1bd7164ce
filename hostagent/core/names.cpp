#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/sha256.h"
#include "hostagent/core/host_plan.h"

namespace dure::host {
namespace {

// Numbers and bytes of fixed lengths, and each list behind its length: no two lists of networks give the same bytes.
class Sum {
 public:
  void number(std::uint64_t n) {
    std::array<std::byte, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(n >> (8 * i) & 0xff);
    sum_.update(bytes);
  }
  void bytes(const auto& array) { sum_.update(std::as_bytes(std::span(array))); }
  Digest finish() { return sum_.finish(); }

 private:
  Sha256 sum_;
};

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

Digest firewall_digest(const std::vector<NetworkSpec>& networks, const Digest& rules) {
  Sum sum;
  sum.bytes(rules.bytes);
  sum.number(networks.size());
  for (const auto& network : networks) {
    sum.bytes(network.id.uuid.bytes);
    sum.number(network.vni);
    sum.number(network.prefix.base.value);
    sum.number(network.prefix.length);
    sum.number(network.gateway.value);
    sum.bytes(network.gateway_mac.bytes);
    sum.number(network.local_vtep.value);
    sum.number(network.peers.size());
    for (const auto& peer : network.peers) sum.number(peer.vtep.value);
    sum.number(network.entries.size());
    for (const auto& entry : network.entries) {
      sum.bytes(entry.mac.bytes);
      sum.number(entry.address.value);
      sum.number(entry.vtep.value);
      sum.number(entry.routed.base.value);
      sum.number(entry.routed.length);
    }
  }
  return sum.finish();
}

}  // namespace dure::host
