#include "hostagent/edge_options.h"

#include "hostagent/app/settings.h"

namespace dure::host {

MachineCaps machine_caps(const Config& config) {
  MachineCaps caps;  // 0 in the configuration: as the PC has
  if (const auto n = config.integer("capacity.vcpus"); n > 0) caps.vcpus = static_cast<unsigned>(n);
  if (const auto n = config.integer("capacity.memory_mib"); n > 0) caps.memory_mib = n;
  if (const auto n = config.integer("capacity.disk_gib"); n > 0) caps.disk_gib = n;
  return caps;
}

MachineNeeds machine_needs(const Config& config) {
  return {config.text("network.uplink"), config.text("network.underlay_address")};
}

LibvirtOptions libvirt_options(const Config& config) {
  LibvirtOptions options{config.text("libvirt.uri"), config.text("host.state_dir"), {}};
  if (config.text("libvirt.virtualisation") != "auto") {
    options.force_type = config.text("libvirt.virtualisation");
  }
  return options;
}

HttpBlobStoreOptions blob_options(const Config& config) {
  HttpBlobStoreOptions options;
  options.state_dir = config.text("host.state_dir");
  options.base_url = config.text("control.blobs");
  return options;
}

Result<FirewallOptions> firewall_options(const Config& config) {
  const auto forbidden = forbidden_to_guests(config);
  if (!forbidden) return forbidden.error();
  FirewallOptions options;
  options.uplink = config.text("network.uplink");
  options.control_cidrs = *forbidden;
  return options;
}

}  // namespace dure::host
