#include "hostagent/edges/netlink/netlink_dataplane.h"

#include <cerrno>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "hostagent/core/host_plan.h"
#include "hostagent/edges/netlink/kernel_state.h"
#include "hostagent/edges/netlink/messages.h"
#include "hostagent/edges/netlink/network_check.h"
#include "hostagent/edges/netlink/route_socket.h"
#include "hostagent/edges/netlink/sysctl.h"

namespace dure::host {
namespace {

using Messages = std::vector<NetlinkMessage>;

constexpr const char* kForwarding = "net/ipv4/ip_forward";

// What must go and what must come, so that `held` becomes `wanted`.
template <class Set, class Add, class Drop>
void differences(const Set& held, const Set& wanted, const Add& add, const Drop& drop) {
  for (const auto& item : wanted) {
    if (!held.contains(item)) add(item);
  }
  for (const auto& item : held) {
    if (!wanted.contains(item)) drop(item);
  }
}

// The tables of a network as `remote` wants them.
KernelNetwork wanted_tables(const NetworkSpec& remote) {
  KernelNetwork wanted;
  wanted.addresses.emplace(remote.gateway, remote.prefix.length);
  for (const auto& peer : remote.peers) wanted.flood.insert(peer.vtep);
  for (const auto& entry : remote.entries) {
    wanted.tunnels.emplace(entry.mac, entry.vtep);
    wanted.forwards.insert(entry.mac);
    wanted.neighbours.emplace(entry.address, entry.mac);
  }
  return wanted;
}

bool gone_already(int error) { return error == ENOENT || error == EADDRNOTAVAIL || error == ENODEV; }

// One apply or remove: the socket and what the kernel holds of this VNI.
class Session {
 public:
  static Result<Session> begin(std::uint32_t vni) {
    auto socket = RouteSocket::open();
    if (!socket) return socket.error();
    Session session(std::move(*socket), vni);
    if (auto read = session.observe(); !read) return read.error();
    return session;
  }

  Result<void> remove() {
    Messages gone;
    if (kernel_.vxlan) gone.push_back(requests::delete_link(kernel_.vxlan->index));
    if (kernel_.bridge) gone.push_back(requests::delete_link(kernel_.bridge->index));
    return send(gone, gone_already);
  }

  // `network`: its remote part; `guests`: whose taps belong to its bridge, where they are there.
  Result<void> apply(const NetworkSpec& network, const std::vector<Mac>& guests) {
    if (auto fit = drop_what_cannot_be_changed(network); !fit) return fit;
    const bool new_mac = kernel_.bridge && kernel_.bridge->mac != network.gateway_mac;
    if (auto made = make_bridge(network); !made) return made;
    if (auto set = set_sysctls(); !set) return set;
    if (auto made = make_vxlan(network); !made) return made;
    const auto wanted = wanted_tables(network);
    if (kernel_.addresses != wanted.addresses || new_mac) {
      if (auto sent = set_address(wanted); !sent) return sent;
      // A new MAC and a lost address take neighbours with them.
      if (auto read = observe(); !read) return read;
      if (!kernel_.bridge || !kernel_.vxlan) return Error{Errc::unavailable, "the devices of the network went away"};
    }
    if (auto sent = send_tables(wanted); !sent) return sent;
    if (auto attached = attach(guests); !attached) return attached;
    return set_links_up();
  }

 private:
  Session(RouteSocket socket, std::uint32_t vni) : socket_(std::move(socket)), vni_(vni) {}

  Result<void> observe() {
    auto read = read_networks(socket_, vni_);
    if (!read) return read.error();
    kernel_ = std::move((*read)[vni_]);
    return {};
  }

  Result<void> send(const Messages& messages, const std::function<bool(int)>& harmless) {
    if (messages.empty()) return {};
    auto refusals = socket_.send(messages);
    if (!refusals) return refusals.error();
    for (const auto& refusal : *refusals) {
      if (harmless(refusal.error)) continue;
      std::string text = "network " + std::to_string(vni_) + ": the kernel refused request " +
                         std::to_string(refusal.index + 1) + " of " + std::to_string(messages.size()) + ": " +
                         std::strerror(refusal.error);
      if (!refusal.reason.empty()) text += " (" + refusal.reason + ")";
      return Error{Errc::internal, text};
    }
    return {};
  }
  Result<void> send(const Messages& messages) {
    return send(messages, [](int) { return false; });
  }

  Result<void> drop_what_cannot_be_changed(const NetworkSpec& network) {
    for (const auto& alias : {kernel_.bridge ? kernel_.bridge->alias : "", kernel_.vxlan ? kernel_.vxlan->alias : ""}) {
      if (alias.empty() || alias == alias_of(network.id)) continue;
      return Error{Errc::conflict, "VNI " + std::to_string(vni_) + " is in use by " + alias + "; remove that network first"};
    }
    Messages gone;
    const auto& vxlan = kernel_.vxlan;
    if (vxlan && (vxlan->kind != "vxlan" || !vxlan->sealed || vxlan->vni != vni_ || vxlan->local != network.local_vtep)) {
      gone.push_back(requests::delete_link(vxlan->index));
    }
    if (kernel_.bridge && kernel_.bridge->kind != "bridge") gone.push_back(requests::delete_link(kernel_.bridge->index));
    if (gone.empty()) return {};
    if (auto sent = send(gone, gone_already); !sent) return sent;
    return observe();
  }

  Result<void> make_bridge(const NetworkSpec& network) {
    if (!kernel_.bridge) {
      if (auto made = send({requests::create_bridge(network)}); !made) return made;
      if (auto read = observe(); !read) return read;
      if (!kernel_.bridge) return Error{Errc::internal, bridge_name(vni_) + " went away while it was made"};
    }
    const auto& bridge = *kernel_.bridge;
    Messages messages;
    // Only what differs: setting the MAC, even to the same, makes the kernel forget all neighbours.
    if (bridge.mac != network.gateway_mac) messages.push_back(requests::set_mac(bridge.index, network.gateway_mac));
    if (bridge.mtu != network.mtu) messages.push_back(requests::set_mtu(bridge.index, network.mtu));
    if (bridge.alias != alias_of(network.id)) messages.push_back(requests::set_alias(bridge.index, network.id));
    if (!bridge.plain) {
      messages.push_back(requests::set_no_stp(bridge.index));  // first: STP forbids a delay of 0
      messages.push_back(requests::set_bridge_options(bridge.index));
    }
    return send(messages);
  }

  Result<void> make_vxlan(const NetworkSpec& network) {
    const int bridge_index = kernel_.bridge->index;
    if (!kernel_.vxlan) {
      if (auto made = send({requests::create_vxlan(network, bridge_index)}); !made) return made;
      if (auto read = observe(); !read) return read;
      if (!kernel_.vxlan || !kernel_.bridge) return Error{Errc::internal, vxlan_name(vni_) + " went away while it was made"};
    }
    if (auto off = disable_ipv6(vxlan_name(vni_)); !off) return off;
    const auto& vxlan = *kernel_.vxlan;
    Messages messages;
    if (vxlan.mtu != network.mtu) messages.push_back(requests::set_mtu(vxlan.index, network.mtu));
    if (vxlan.alias != alias_of(network.id)) messages.push_back(requests::set_alias(vxlan.index, network.id));
    if (vxlan.master != bridge_index) messages.push_back(requests::set_master(vxlan.index, bridge_index));
    if (vxlan.master != bridge_index || !vxlan.port_flags) messages.push_back(requests::set_port_flags(vxlan.index));
    return send(messages);
  }

  // New entries first: at no time is a guest that stays without its entry.
  Result<void> send_tables(const KernelNetwork& wanted) {
    const int bridge = kernel_.bridge->index, vxlan = kernel_.vxlan->index;
    Messages added, dropped;
    std::set<Mac> tunnelled;
    for (const auto& [mac, vtep] : wanted.tunnels) tunnelled.insert(mac);
    differences(
        kernel_.tunnels, wanted.tunnels,
        [&](const auto& entry) { added.push_back(requests::set_tunnel(vxlan, entry.first, entry.second)); },
        // Another VTEP for the same MAC has been replaced in place.
        [&](const auto& entry) {
          if (!tunnelled.contains(entry.first)) {
            dropped.push_back(requests::delete_tunnel(vxlan, entry.first, entry.second));
          }
        });
    differences(
        kernel_.flood, wanted.flood, [&](Ipv4 vtep) { added.push_back(requests::add_flood(vxlan, vtep)); },
        [&](Ipv4 vtep) { dropped.push_back(requests::delete_flood(vxlan, vtep)); });
    differences(
        kernel_.forwards, wanted.forwards, [&](const Mac& mac) { added.push_back(requests::set_forward(vxlan, mac)); },
        [&](const Mac& mac) { dropped.push_back(requests::delete_forward(vxlan, mac)); });
    for (const auto& [address, mac] : wanted.neighbours) {
      const auto held = kernel_.neighbours.find(address);
      if (held == kernel_.neighbours.end() || held->second != mac) {
        added.push_back(requests::set_neighbour(bridge, address, mac));
      }
    }
    for (const auto& [address, mac] : kernel_.neighbours) {
      if (!wanted.neighbours.contains(address)) dropped.push_back(requests::delete_neighbour(bridge, address));
    }
    if (auto sent = send(added); !sent) return sent;
    return send(dropped, gone_already);
  }

  // An old address goes first: the kernel takes a later one of the same prefix away with it.
  Result<void> set_address(const KernelNetwork& wanted) {
    const int bridge = kernel_.bridge->index;
    Messages added, dropped;
    differences(
        kernel_.addresses, wanted.addresses,
        [&](const auto& a) { added.push_back(requests::add_address(bridge, a.first, a.second)); },
        [&](const auto& a) { dropped.push_back(requests::delete_address(bridge, a.first, a.second)); });
    if (auto sent = send(dropped, gone_already); !sent) return sent;
    return send(added);
  }

  // libvirt puts a tap into its bridge once, when the VM starts: a bridge that was made anew is without it.
  Result<void> attach(const std::vector<Mac>& guests) {
    Messages messages;
    for (const Mac& mac : guests) {
      const auto tap = read_tap(socket_, mac);
      if (!tap) return tap.error();
      if (!*tap || (*tap)->master == kernel_.bridge->index) continue;
      messages.push_back(requests::set_master((*tap)->index, kernel_.bridge->index));
      messages.push_back(requests::set_up((*tap)->index));
    }
    return send(messages, gone_already);
  }

  Result<void> set_links_up() {
    Messages messages;
    if (!kernel_.vxlan->up) messages.push_back(requests::set_up(kernel_.vxlan->index));
    if (!kernel_.bridge->up) messages.push_back(requests::set_up(kernel_.bridge->index));
    return send(messages);
  }

  Result<void> set_sysctls() {
    const std::string bridge = "net/ipv4/conf/" + bridge_name(vni_) + "/";
    // Guests are IPv4 behind their gateway: strict reverse path, the gateway's own address is all
    // that answers ARP, and nothing of ICMP redirects. The order matters: ip_forward resets others.
    const std::pair<std::string, std::string_view> settings[] = {
        {kForwarding, "1"},               {bridge + "rp_filter", "1"},
        {bridge + "arp_ignore", "1"},     {bridge + "accept_redirects", "0"},
        {bridge + "send_redirects", "0"}, {bridge + "accept_source_route", "0"},
    };
    for (const auto& [path, value] : settings) {
      if (auto set = set_sysctl(path, value); !set) return set;
    }
    return disable_ipv6(bridge_name(vni_));
  }

  static Result<void> disable_ipv6(const std::string& device) {
    auto off = set_sysctl("net/ipv6/conf/" + device + "/disable_ipv6", "1");
    if (!off && off.error().code != Errc::not_found) return off;  // a kernel without IPv6
    return {};
  }

  RouteSocket socket_;
  std::uint32_t vni_;
  KernelNetwork kernel_;
};

}  // namespace

Result<std::vector<ObservedNetwork>> NetlinkDataplane::list() {
  auto socket = RouteSocket::open();
  if (!socket) return socket.error();
  auto networks = read_networks(*socket, std::nullopt);
  if (!networks) return networks.error();
  // Other programs of the PC reset it: then no network of ours works, whatever its devices look like.
  const auto forwards = sysctl_is(kForwarding, "1");
  if (!forwards) return forwards.error();
  std::vector<ObservedNetwork> seen;
  for (const auto& [vni, kernel] : *networks) {
    auto observed = observed_network(vni, kernel);
    if (!observed) continue;
    observed->complete = observed->complete && *forwards;
    seen.push_back(std::move(*observed));
  }
  return seen;
}

Result<void> NetlinkDataplane::apply(const NetworkSpec& network) {
  if (auto fit = check_network(network); !fit) return fit;
  auto session = Session::begin(network.vni);
  if (!session) return session.error();
  std::vector<Mac> guests;
  for (const auto& entry : network.entries) {
    if (entry.vtep == network.local_vtep) guests.push_back(entry.mac);
  }
  return session->apply(remote_part(network), guests);
}

Result<void> NetlinkDataplane::remove(std::uint32_t vni) {
  auto session = Session::begin(vni);
  if (!session) return session.error();
  return session->remove();
}

}  // namespace dure::host
