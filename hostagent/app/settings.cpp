#include "hostagent/app/settings.h"

#include <string_view>

namespace dure::host {

const std::vector<ConfigKey>& config_keys() {
  using Kind = ConfigKey::Kind;
  static const std::vector<ConfigKey> keys{
      {"host.keys_dir", Kind::text, std::nullopt, "directory made by 'dure-hostagent init'"},
      {"host.state_dir", Kind::text, std::nullopt, "images, overlays, seeds, journal"},
      {"control.endpoint", Kind::text, std::nullopt, "tcp://address:port of the control node"},
      {"control.blobs", Kind::text, std::nullopt, "http://address:port where it serves images"},
      {"control.bundle", Kind::text, std::nullopt, "agent-bundle.toml of the control node"},
      {"libvirt.uri", Kind::text, "qemu:///system", "libvirt connection"},
      {"libvirt.virtualisation", Kind::text, "auto", "auto, kvm or qemu"},
      {"network.uplink", Kind::text, std::nullopt, "interface to the outside"},
      {"network.underlay_address", Kind::text, std::nullopt, "this host's VTEP address"},
      {"network.forbidden", Kind::text, "", "prefixes that guests may not reach, with commas"},
      {"capacity.vcpus", Kind::integer, "0", "most vCPUs to report; 0: as the PC has"},
      {"capacity.memory_mib", Kind::integer, "0", "most memory to report; 0: as the PC has"},
      {"capacity.disk_gib", Kind::integer, "0", "most disk to report; 0: as the PC has"},
      {"images.keep_hours", Kind::integer, "24", "how long an image stays that no VM here needs any more"},
      {"log.level", Kind::text, "info", "debug, info, warn or error"},
  };
  return keys;
}

Result<std::vector<Ipv4Prefix>> forbidden_to_guests(const Config& config) {
  std::vector<Ipv4Prefix> prefixes;
  std::string_view text = config.text("network.forbidden");
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto prefix = Ipv4Prefix::parse(text.substr(0, comma));
    if (!prefix) {
      return Error{Errc::invalid_argument, "network.forbidden: '" +
                                               std::string(text.substr(0, comma)) +
                                               "' is no IPv4 prefix such as 10.0.0.0/24"};
    }
    prefixes.push_back(*prefix);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  // tcp://address:port; a name instead of an address protects nothing here and is left to the list.
  std::string_view endpoint = config.text("control.endpoint");
  constexpr std::string_view scheme = "tcp://";
  if (endpoint.starts_with(scheme)) endpoint.remove_prefix(scheme.size());
  if (const auto address = Ipv4::parse(endpoint.substr(0, endpoint.rfind(':')))) {
    prefixes.push_back({*address, 32});
  }
  return prefixes;
}

}  // namespace dure::host
