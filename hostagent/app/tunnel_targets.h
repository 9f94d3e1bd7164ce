#pragma once

#include <vector>

#include "hostagent/ports/tunnels.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// Whom an accepted order lets users reach through this host: every VM that it names, and nobody else.
std::vector<TunnelTarget> tunnel_targets(const HostOrder& order);

}  // namespace dure::host
