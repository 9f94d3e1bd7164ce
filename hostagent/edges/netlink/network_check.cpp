#include "hostagent/edges/netlink/network_check.h"

#include <set>
#include <string>

namespace dure::host {
namespace {

constexpr std::uint32_t kMaxVni = (1U << 24) - 1;
constexpr std::uint16_t kMinMtu = 576;
constexpr std::uint16_t kMaxMtu = 9950;

Error refused(const NetworkSpec& network, const std::string& why) {
  return {Errc::invalid_argument, "network " + network.id.str() + ": " + why};
}

bool unicast(const Mac& mac) { return (mac.bytes[0] & 1U) == 0 && mac != Mac{}; }

// Neither 0.0.0.0/8, loopback, multicast nor broadcast.
bool unicast(Ipv4 address) {
  const auto first = address.value >> 24;
  return first != 0 && first != 127 && first < 224;
}

Result<void> check_entries(const NetworkSpec& network) {
  if (network.entries.size() > kMaxEntriesPerNetwork) return refused(network, "too many entries");
  std::set<Mac> macs{network.gateway_mac};
  std::set<Ipv4> addresses{network.gateway};
  for (const auto& entry : network.entries) {
    if (!unicast(entry.mac)) return refused(network, "not a guest's MAC: " + entry.mac.str());
    if (!network.prefix.contains(entry.address)) {
      return refused(network, entry.address.str() + " is outside of " + network.prefix.str());
    }
    if (!unicast(entry.vtep)) return refused(network, "not a VTEP: " + entry.vtep.str());
    if (!macs.insert(entry.mac).second) return refused(network, entry.mac.str() + " is there twice");
    if (!addresses.insert(entry.address).second) {
      return refused(network, entry.address.str() + " is there twice");
    }
  }
  return {};
}

}  // namespace

Result<void> check_network(const NetworkSpec& network) {
  if (network.id.is_nil()) return refused(network, "no id");
  if (network.vni == 0 || network.vni > kMaxVni) return refused(network, "VNI is not 1 to 16777215");
  if (network.mtu < kMinMtu || network.mtu > kMaxMtu) {
    return refused(network, "MTU " + std::to_string(network.mtu) + " is not 576 to 9950");
  }
  if (network.prefix.length < 8 || network.prefix.length > 30 || !unicast(network.prefix.base)) {
    return refused(network, "prefix " + network.prefix.str() + " is not a /8 to /30 of guests");
  }
  if (!network.prefix.contains(network.gateway)) return refused(network, "gateway is outside of the prefix");
  if (!unicast(network.gateway_mac)) return refused(network, "gateway MAC is a group address or zero");
  if (!unicast(network.local_vtep)) return refused(network, "local VTEP is no unicast address");
  std::set<Ipv4> vteps;
  for (const auto& peer : network.peers) {
    if (!unicast(peer.vtep)) return refused(network, "not a VTEP: " + peer.vtep.str());
    if (!vteps.insert(peer.vtep).second) return refused(network, "peer " + peer.vtep.str() + " is there twice");
  }
  return check_entries(network);
}

}  // namespace dure::host
