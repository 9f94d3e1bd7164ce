#include "controlnode/app/settings.h"

#include <string_view>

#include "common/text.h"
#include "protocol/messages/host_order.h"

namespace dure::control {
namespace {

using Kind = ConfigKey::Kind;

Error wrong(std::string_view key, const std::string& why) {
  return {Errc::invalid_argument, std::string(key) + ": " + why};
}

// Comma-separated addresses.
Result<std::vector<Ipv4>> parse_addresses(std::string_view key, std::string_view text) {
  std::vector<Ipv4> result;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto address = Ipv4::parse(text.substr(0, comma));
    if (!address) return wrong(key, "'" + std::string(text.substr(0, comma)) + "' is no IPv4 address");
    result.push_back(*address);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return result;
}

bool overlap(const Ipv4Prefix& a, const Ipv4Prefix& b) { return a.contains(b.base) || b.contains(a.base); }

// A pod that asks for an address must find one thing under it.
Result<void> kubernetes_networks(const Config& config, Settings& settings) {
  const auto pods = Ipv4Prefix::parse(config.text("kubernetes.pods"));
  // One part of it for each address that a cluster's own prefix has.
  if (!pods || pods->length < 8 || pods->length > 16) {
    return wrong("kubernetes.pods", "an IPv4 prefix of 8 to 16 bits is wanted");
  }
  const auto services = Ipv4Prefix::parse(config.text("kubernetes.services"));
  if (!services || services->length < 12 || services->length > 24) {
    return wrong("kubernetes.services", "an IPv4 prefix of 12 to 24 bits is wanted");
  }
  if (overlap(*pods, *services) || overlap(*pods, settings.cluster_networks) ||
      overlap(*services, settings.cluster_networks)) {
    return wrong("kubernetes.pods", "overlaps with kubernetes.services or networks.prefix, or they with each other");
  }
  settings.pod_network = *pods;
  settings.service_network = *services;
  return {};
}

template <class Number>
Result<void> bounded(const Config& config, std::string_view key, std::int64_t low, std::int64_t high, Number& into) {
  const auto value = config.integer(key);
  if (value < low || value > high) return wrong(key, std::to_string(low) + " to " + std::to_string(high) + " is wanted");
  into = static_cast<Number>(value);
  return {};
}

Result<void> bounded_numbers(const Config& config, Settings& settings) {
  constexpr std::int64_t kDay = 86400;
  std::int64_t days = 0;
  const Result<void> read[] = {
      bounded(config, "placement.etcd_round_trip_ms", 0, 10'000, settings.etcd_round_trip_ms),
      bounded(config, "networks.first_vni", 1, 0xfffffe, settings.first_vni),
      bounded(config, "nodes.deadline_s", 10, kDay, settings.node_deadline_s),
      bounded(config, "nodes.drain_s", 10, kDay, settings.drain_deadline_s),
      bounded(config, "nodes.credential_s", 60, 365 * kDay, settings.join_credential_s),
      bounded(config, "nodes.silent_after_s", 30, 3600, settings.guest_silent_after_s),
      bounded(config, "hosts.silent_after_s", 6, 3600, settings.silent_after_s),
      bounded(config, "hosts.missing_after_s", 30, 7 * kDay, settings.missing_after_s),
      bounded(config, "leases.grace_s", 0, 30 * kDay, settings.lease_grace_s),
      bounded(config, "clock.settles_s", 10, kDay, settings.date_settles_s),
      bounded(config, "history.keep_days", 2, 3650, days),
      bounded(config, "clusters.max_nodes", 1, 200, settings.max_nodes_per_cluster),
  };
  for (const auto& one : read) {
    if (!one) return one.error();
  }
  settings.keep_history_s = days * kDay;
  if (settings.missing_after_s > settings.silent_after_s) return {};
  return wrong("hosts.missing_after_s", "more than hosts.silent_after_s is wanted");
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys{
      {"database.url", Kind::text, std::nullopt, "libpq connection string"},
      {"keys.dir", Kind::text, std::nullopt, "directory made by 'dure-controlnode init'"},
      {"api.listen", Kind::text, "127.0.0.1:8480", "address:port of the REST API; loopback only"},
      {"blobs.listen", Kind::text, std::nullopt, "address:port where agents fetch images"},
      {"blobs.dir", Kind::text, std::nullopt, "directory of the images"},
      {"agents.listen", Kind::text, std::nullopt, "tcp://address:port where agents dial in"},
      {"log.level", Kind::text, "info", "debug, info, warn or error"},
      {"placement.vcpu_overcommit", Kind::real, "4.0", "virtual CPUs per physical one"},
      {"placement.etcd_round_trip_ms", Kind::integer, "10",
       "most round trip between sites that share control planes; 0: no bound"},
      {"guests.user", Kind::text, "dure", "login name in the nodes"},
      {"guests.nameservers", Kind::text, "", "comma-separated addresses"},
      {"networks.prefix", Kind::text, "10.128.0.0/10", "clusters get a /24 of it each"},
      {"networks.first_vni", Kind::integer, "4097", "lowest VXLAN network identifier"},
      {"nodes.deadline_s", Kind::integer, "900", "time for a node to become ready, with KVM"},
      {"nodes.tcg_factor", Kind::real, "6.0", "how much longer it may take without KVM"},
      {"nodes.drain_s", Kind::integer, "300", "time for a cluster to let a leaving node go; then it goes all the same"},
      {"nodes.credential_s", Kind::integer, "31536000",
       "life of the certificate that a kubelet begins with; made anew at half of it until it has joined"},
      {"kubernetes.pods", Kind::text, "10.64.0.0/12", "pod network of every cluster; a node gets a /24 of it"},
      {"kubernetes.services", Kind::text, "10.96.0.0/16", "service network of every cluster"},
      {"nodes.silent_after_s", Kind::integer, "60", "without a word from its guest a node is unknown"},
      {"hosts.silent_after_s", Kind::integer, "15", "without a report its nodes are unknown"},
      {"hosts.missing_after_s", Kind::integer, "180", "without a report nothing waits for it any longer"},
      {"leases.grace_s", Kind::integer, "3600", "a lease that ends switches off; so long after it, the cluster is deleted"},
      {"clock.settles_s", Kind::integer, "600", "a clock that was set is followed when it has stood still for so long, and most hosts agree"},
      {"history.keep_days", Kind::integer, "30", "events and finished operations are kept"},
      {"clusters.max_nodes", Kind::integer, "64", "most nodes of one cluster"},
  };
  return keys;
}

Result<Settings> settings_of(const Config& config) {
  Settings settings;
  settings.vcpu_overcommit = config.real("placement.vcpu_overcommit");
  if (!(settings.vcpu_overcommit >= 1.0 && settings.vcpu_overcommit <= 64.0)) {
    return wrong("placement.vcpu_overcommit", "1 to 64 is wanted");
  }
  auto nameservers = parse_addresses("guests.nameservers", config.text("guests.nameservers"));
  if (!nameservers) return nameservers.error();
  settings.nameservers = std::move(*nameservers);
  if (settings.nameservers.size() > kMaxNameservers) {
    return wrong("guests.nameservers", "at most " + std::to_string(kMaxNameservers) + " are wanted");
  }
  settings.guest_user = config.text("guests.user");
  if (!is_user_name(settings.guest_user)) {
    return wrong("guests.user", "a login name is wanted: a-z, 0-9, '-' and '_', beginning with a letter or '_', at most 32");
  }
  const auto prefix = Ipv4Prefix::parse(config.text("networks.prefix"));
  if (!prefix || prefix->length > settings.cluster_prefix_length) {
    return wrong("networks.prefix", "an IPv4 prefix of at most 24 bits is wanted");
  }
  settings.cluster_networks = *prefix;
  if (auto numbers = bounded_numbers(config, settings); !numbers) return numbers.error();
  if (auto r = kubernetes_networks(config, settings); !r) return r.error();
  settings.software_virtualisation_factor = config.real("nodes.tcg_factor");
  if (!(settings.software_virtualisation_factor >= 1.0 &&
        settings.software_virtualisation_factor <= 100.0)) {
    return wrong("nodes.tcg_factor", "1 to 100 is wanted");
  }
  return settings;
}

}  // namespace dure::control
