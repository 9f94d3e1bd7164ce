#pragma once

#include "common/config.h"
#include "common/result.h"
#include "hostagent/edges/fetch/http_blob_store.h"
#include "hostagent/edges/libvirt/libvirt_hypervisor.h"
#include "hostagent/edges/nftables/ruleset.h"
#include "hostagent/edges/system/system_machine.h"

namespace dure::host {

// What the configuration says to each edge, for main.cpp.
MachineCaps machine_caps(const Config& config);
MachineNeeds machine_needs(const Config& config);
LibvirtOptions libvirt_options(const Config& config);
HttpBlobStoreOptions blob_options(const Config& config);
Result<FirewallOptions> firewall_options(const Config& config);

}  // namespace dure::host
