#pragma once

#include <vector>

#include "common/config.h"
#include "common/ip.h"
#include "common/result.h"

namespace dure::host {

// Every key of the agent's configuration, with default and meaning.
const std::vector<ConfigKey>& config_keys();

// Where guests may never reach: the prefixes of the configuration, and the control node itself.
Result<std::vector<Ipv4Prefix>> forbidden_to_guests(const Config& config);

}  // namespace dure::host
