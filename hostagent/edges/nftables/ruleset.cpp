#include "hostagent/edges/nftables/ruleset.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <set>
#include <utility>

#include "hostagent/core/host_plan.h"

namespace dure::host {
namespace {

namespace json = boost::json;

constexpr int kVxlanPort = 4789;
constexpr int kDhcpServerPort = 67;
constexpr std::size_t kMaxInterfaceName = 15;

// Lists are made by name: a braced pair that starts with a text would become an object.
template <class... Values>
json::array list(Values&&... values) {
  json::array whole;
  (whole.emplace_back(std::forward<Values>(values)), ...);
  return whole;
}

json::value meta(const char* key) { return {{"meta", {{"key", key}}}}; }
json::value field(const char* protocol, const char* name) {
  return {{"payload", {{"protocol", protocol}, {"field", name}}}};
}
template <class... Parts>
json::value concat(Parts&&... parts) {
  json::object whole;
  whole["concat"] = list(std::forward<Parts>(parts)...);
  return whole;
}
json::value prefix(const Ipv4Prefix& p) {
  return {{"prefix", {{"addr", p.base.str()}, {"len", static_cast<int>(p.length)}}}};
}
json::value match(json::value left, json::value right, const char* op = "==") {
  json::object body;
  body["op"] = op;
  body["left"] = std::move(left);
  body["right"] = std::move(right);
  json::object whole;
  whole["match"] = std::move(body);
  return whole;
}
json::value verdict(const char* name) {
  json::object whole;
  whole[name] = nullptr;
  return whole;
}
json::value jump(const std::string& chain) { return {{"jump", {{"target", chain}}}}; }
json::value accept() { return verdict("accept"); }
json::value drop() { return verdict("drop"); }
json::value from_bridges() { return match(meta("iifname"), "dvb*"); }
json::value to_bridges() { return match(meta("oifname"), "dvb*"); }
template <class... States>
json::value ct_state(States... states) {
  return match({{"ct", {{"key", "state"}}}}, list(states...), "in");
}

// Collects the commands of one table.
class Table {
 public:
  Table(const char* family, json::array& commands) : family_(family), commands_(commands) {
    // Deleting what may not exist needs it to be added first; all of it is one transaction.
    command("add", "table", named());
    command("delete", "table", named());
    command("add", "table", named());
  }

  void chain(const std::string& name) { command("add", "chain", inside(name)); }
  void base_chain(const char* name, const char* type, const char* hook, int priority) {
    auto body = inside(name);
    body["type"] = type;
    body["hook"] = hook;
    body["prio"] = priority;
    body["policy"] = "accept";
    command("add", "chain", std::move(body));
  }
  void set(const char* name, json::value type, json::array elements, bool intervals = false) {
    auto body = inside(name);
    if (intervals) {
      body["flags"] = list("interval");
      // Not for concatenations, which can not be merged.
      if (type.is_string()) body["auto-merge"] = true;
    }
    body["type"] = std::move(type);
    if (!elements.empty()) body["elem"] = std::move(elements);
    command("add", "set", std::move(body));
  }
  template <class... Expressions>
  void rule(const std::string& chain, Expressions&&... expressions) {
    json::object body;
    body["family"] = family_;
    body["table"] = kTable;
    body["chain"] = chain;
    body["expr"] = list(std::forward<Expressions>(expressions)...);
    command("add", "rule", std::move(body));
  }

 private:
  json::object named() const { return {{"family", family_}, {"name", kTable}}; }
  json::object inside(const std::string& name) const {
    return {{"family", family_}, {"table", kTable}, {"name", name}};
  }
  void command(const char* verb, const char* kind, json::object body) {
    json::object what, whole;
    what[kind] = std::move(body);
    whole[verb] = std::move(what);
    commands_.push_back(std::move(whole));
  }

  const char* family_;
  json::array& commands_;
};

json::array strings(const std::set<std::string>& values) {
  json::array elements;
  for (const auto& value : values) elements.emplace_back(value);
  return elements;
}

json::array prefixes(const std::vector<Ipv4Prefix>& values) {
  json::array elements;
  for (const auto& value : std::set<Ipv4Prefix>(values.begin(), values.end()))
    elements.push_back(prefix(value));
  return elements;
}

// The elements of all sets, gathered over the networks.
struct Elements {
  std::set<std::string> peers;
  std::vector<Ipv4Prefix> prefixes;
  json::array guest_ports, guest_pairs, routed, overlay_out, overlay_in, overlay_pairs, gateways, same_bridge;

  explicit Elements(const std::vector<NetworkSpec>& networks) {
    for (const auto& network : networks) add(network);
  }

 private:
  void add(const NetworkSpec& network) {
    const std::string bridge = bridge_name(network.vni), vxlan = vxlan_name(network.vni);
    prefixes.push_back(network.prefix);
    gateways.push_back(concat(bridge, network.gateway.str()));
    same_bridge.push_back(concat(bridge, bridge));
    for (const auto& peer : network.peers) peers.insert(peer.vtep.str());
    for (const auto& entry : network.entries) {
      const std::string mac = entry.mac.str(), address = entry.address.str();
      if (entry.vtep == network.local_vtep) {
        const std::string tap = tap_name(entry.mac);
        guest_ports.push_back(concat(tap, mac));
        guest_pairs.push_back(concat(tap, mac, address));
        overlay_out.push_back(concat(vxlan, mac));
      } else {
        overlay_in.push_back(concat(vxlan, mac));
        overlay_pairs.push_back(concat(vxlan, mac, address));
      }
      if (entry.routed.length > 0) routed.push_back(concat(mac, prefix(entry.routed)));
    }
  }
};

// VXLAN comes from peers only; it is not tracked, so that a flood of it fills no table.
void add_vxlan_rules(Table& table, const Elements& elements) {
  const auto is_vxlan = match(field("udp", "dport"), kVxlanPort);
  table.set("peers", "ipv4_addr", strings(elements.peers));
  table.base_chain("untracked_in", "filter", "prerouting", -300);
  table.rule("untracked_in", is_vxlan, match(meta("iifname"), "dvb*", "!="), verdict("notrack"));
  table.base_chain("untracked_out", "filter", "output", -300);
  table.rule("untracked_out", is_vxlan, verdict("notrack"));
  table.base_chain("input", "filter", "input", 0);
  table.rule("input", from_bridges(), jump("from_guests"));
  table.rule("input", match(field("ip", "saddr"), "@peers"), is_vxlan, accept());
  table.rule("input", is_vxlan, drop());
}

// A guest reaches nothing of its host but the gateway's echo; the host may open connections to it.
void add_host_rules(Table& table, const Elements& elements) {
  table.set("gateways", list("ifname", "ipv4_addr"), elements.gateways);
  table.chain("from_guests");
  table.rule("from_guests", ct_state("established", "related"), accept());
  table.rule("from_guests", match(field("icmp", "type"), "echo-request"),
             match(concat(meta("iifname"), field("ip", "daddr")), "@gateways"), accept());
  table.rule("from_guests", drop());
}

void add_forward_rules(Table& table, const Elements& elements, const std::vector<NetworkSpec>& networks,
                       const FirewallOptions& options) {
  const json::value syn = {
      {"match",
       {{"op", "=="}, {"left", {{"&", {field("tcp", "flags"), list("syn", "rst")}}}}, {"right", "syn"}}}};
  const json::value clamp = {{"mangle",
                              {{"key", {{"tcp option", {{"name", "maxseg"}, {"field", "size"}}}}},
                               {"value", {{"rt", {{"key", "mtu"}}}}}}}};
  table.set("same_bridge", list("ifname", "ifname"), elements.same_bridge);
  table.set("control", "ipv4_addr", prefixes(options.control_cidrs), true);
  table.base_chain("forward", "filter", "forward", 0);
  table.rule("forward", from_bridges(), syn, clamp);
  table.rule("forward", to_bridges(), syn, clamp);
  // Frames that stay on a bridge come by here where br_netfilter is loaded.
  table.rule("forward", match(concat(meta("iifname"), meta("oifname")), "@same_bridge"), accept());
  table.rule("forward", from_bridges(), to_bridges(), drop());
  table.rule("forward", from_bridges(), match(field("udp", "dport"), kVxlanPort), drop());
  table.rule("forward", from_bridges(), match(field("ip", "daddr"), "@control"), drop());
  // What connection tracking does not know would leave with the guest's own address.
  table.rule("forward", from_bridges(), ct_state("invalid"), drop());
  table.rule("forward", to_bridges(), ct_state("established", "related"), accept());
  table.rule("forward", to_bridges(), drop());
  json::array by_bridge;
  for (const auto& network : networks) {
    const std::string chain = "network_" + std::to_string(network.vni);
    table.chain(chain);
    if (!options.uplink.empty()) {
      table.rule(chain, match(field("ip", "saddr"), prefix(network.prefix)),
                 match(meta("oifname"), json::string(options.uplink)), accept());
    }
    by_bridge.push_back(list(bridge_name(network.vni), jump(chain)));
  }
  if (by_bridge.empty()) {
    table.rule("forward", from_bridges(), drop());
    return;
  }
  json::object map;
  map["key"] = meta("iifname");
  map["data"] = {{"set", std::move(by_bridge)}};
  json::object lookup;
  lookup["vmap"] = std::move(map);
  table.rule("forward", std::move(lookup));
  table.rule("forward", from_bridges(), drop());
}

void add_masquerade(Table& table, const Elements& elements, const FirewallOptions& options) {
  table.set("prefixes", "ipv4_addr", prefixes(elements.prefixes), true);
  table.base_chain("postrouting", "nat", "postrouting", 100);
  if (options.uplink.empty()) return;
  table.rule("postrouting", match(field("ip", "saddr"), "@prefixes"), match(meta("oifname"), json::string(options.uplink)),
             verdict("masquerade"));
}

// A guest's tap is named by its MAC, so that every frame is bound to the one guest behind its port.
// Guests and overlay are told apart by their ports' names' starts, not by their bridge: "meta ibrname"
// is a module that not every kernel has.
void add_bridge_rules(Table& table, const Elements& elements) {
  table.set("guest_ports", list("ifname", "ether_addr"), elements.guest_ports);
  table.set("guest_pairs", list("ifname", "ether_addr", "ipv4_addr"), elements.guest_pairs);
  table.set("overlay_out", list("ifname", "ether_addr"), elements.overlay_out);
  table.set("overlay_in", list("ifname", "ether_addr"), elements.overlay_in);
  table.set("overlay_pairs", list("ifname", "ether_addr", "ipv4_addr"), elements.overlay_pairs);
  // No MAC is in two networks, and a port has been matched before: the MAC alone tells whose they are.
  table.set("routed", list("ether_addr", "ipv4_addr"), elements.routed, true);
  table.chain("from_guest");
  table.chain("from_overlay");
  table.base_chain("prerouting", "filter", "prerouting", -200);
  table.rule("prerouting", match(meta("iifname"), "dvt*"), jump("from_guest"));
  table.rule("prerouting", match(meta("iifname"), "dvx*"), jump("from_overlay"));
  table.base_chain("forward", "filter", "forward", -200);
  table.rule("forward", match(meta("oifname"), "dvx*"),
             match(concat(meta("oifname"), field("ether", "saddr")), "@overlay_out", "!="), drop());

  // By the type in the frame itself: a VLAN tag hides from "meta protocol", which "ip saddr" goes by.
  json::object known;
  known["set"] = list("ip", "arp");
  const auto other_type = match(field("ether", "type"), std::move(known), "!=");
  table.rule("from_guest", other_type, drop());
  table.rule("from_overlay", other_type, drop());

  // Only ARP and IPv4 under a guest's own names; IPv6, VLAN tags and all else end here.
  const auto from_port = [](const char* protocol, const char* mac) {
    return concat(meta("iifname"), field(protocol, mac));
  };
  const json::value ip_pair = concat(meta("iifname"), field("ether", "saddr"), field("ip", "saddr"));
  const json::value arp_pair = concat(meta("iifname"), field("arp", "saddr ether"), field("arp", "saddr ip"));
  const auto own_mac = match(from_port("ether", "saddr"), "@guest_ports");
  const auto own_routed = match(concat(field("ether", "saddr"), field("ip", "saddr")), "@routed");
  // A guest asks with the address that it sends from, and its pods' gateway has one of theirs.
  const auto arp_routed = match(concat(field("arp", "saddr ether"), field("arp", "saddr ip")), "@routed");
  table.rule("from_guest", own_mac, match(from_port("arp", "saddr ether"), "@guest_ports"),
             match(field("arp", "saddr ip"), "0.0.0.0"), accept());  // a probe (RFC 5227)
  table.rule("from_guest", own_mac, match(arp_pair, "@guest_pairs"), accept());
  table.rule("from_guest", own_mac, match(from_port("arp", "saddr ether"), "@guest_ports"), arp_routed, accept());
  table.rule("from_guest", match(field("udp", "sport"), kDhcpServerPort), drop());
  table.rule("from_guest", match(ip_pair, "@guest_pairs"), accept());
  table.rule("from_guest", own_mac, own_routed, accept());
  table.rule("from_guest", drop());

  // From the overlay come remote guests alone: not our gateway's MAC, and no guest of this host.
  const auto remote_mac = match(from_port("ether", "saddr"), "@overlay_in");
  table.rule("from_overlay", remote_mac, match(field("arp", "saddr ip"), "0.0.0.0"), accept());
  table.rule("from_overlay", remote_mac, match(arp_pair, "@overlay_pairs"), accept());
  table.rule("from_overlay", remote_mac, match(from_port("arp", "saddr ether"), "@overlay_in"), arp_routed, accept());
  table.rule("from_overlay", match(ip_pair, "@overlay_pairs"), accept());
  table.rule("from_overlay", remote_mac, own_routed, accept());
  table.rule("from_overlay", drop());
}

// A guest may not have its neighbours' addresses behind it.
bool may_be_routed(const Ipv4Prefix& routed, const Ipv4Prefix& network) {
  if (routed.length == 0) return routed == Ipv4Prefix{};
  return routed.length <= 32 && routed.contains(routed.base) && !network.contains(routed.base) &&
         !routed.contains(network.base);
}

Result<void> check(const std::vector<NetworkSpec>& networks, const FirewallOptions& options) {
  const bool plain = std::all_of(options.uplink.begin(), options.uplink.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '@';
  });
  if (!plain || options.uplink.size() > kMaxInterfaceName) {
    return Error{Errc::invalid_argument, "uplink \"" + options.uplink + "\" is no interface name"};
  }
  if (networks.size() > kMaxNetworksPerHost) return Error{Errc::invalid_argument, "too many networks"};
  std::set<std::uint32_t> vnis;
  std::set<Mac> macs;
  for (const auto& network : networks) {
    const bool fits = network.vni > 0 && network.vni < (1U << 24) && network.prefix.length > 0 &&
                      network.prefix.length <= 32 && network.entries.size() <= kMaxEntriesPerNetwork;
    if (!fits) return Error{Errc::invalid_argument, "network " + network.id.str() + " is not well-formed"};
    if (!vnis.insert(network.vni).second) {
      return Error{Errc::invalid_argument, "VNI " + std::to_string(network.vni) + " is there twice"};
    }
    for (const auto& entry : network.entries) {
      if (!macs.insert(entry.mac).second) {
        return Error{Errc::invalid_argument, "MAC " + entry.mac.str() + " is there twice"};
      }
      if (may_be_routed(entry.routed, network.prefix)) continue;
      return Error{Errc::invalid_argument, "what is behind " + entry.mac.str() + " is no prefix of its own"};
    }
  }
  return {};
}

}  // namespace

std::string digest_chain(const Digest& digest) { return kDigestChainStart + digest.str(); }

Result<std::string> ruleset_json(const std::vector<NetworkSpec>& networks, const Digest& digest,
                                 const FirewallOptions& options) {
  if (auto fit = check(networks, options); !fit) return fit.error();
  const Elements elements(networks);
  json::array commands;
  Table inet("inet", commands);
  inet.chain(digest_chain(digest));
  add_host_rules(inet, elements);
  add_vxlan_rules(inet, elements);
  add_forward_rules(inet, elements, networks, options);
  add_masquerade(inet, elements, options);
  Table bridge("bridge", commands);
  bridge.chain(digest_chain(digest));
  add_bridge_rules(bridge, elements);
  json::object whole;
  whole["nftables"] = std::move(commands);
  return json::serialize(whole);
}

std::string removal_json() {
  json::array commands;
  for (const char* family : {"inet", "bridge"}) {
    const json::object table = {{"family", family}, {"name", kTable}};
    for (const char* verb : {"add", "delete"}) {
      json::object what, command;
      what["table"] = table;
      command[verb] = std::move(what);
      commands.push_back(std::move(command));
    }
  }
  json::object whole;
  whole["nftables"] = std::move(commands);
  return json::serialize(whole);
}

}  // namespace dure::host
