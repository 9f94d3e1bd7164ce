#pragma once

#include <vector>

#include "common/config.h"
#include "common/result.h"
#include "controlnode/core/model.h"

namespace dure::control {

// Every key of the control node's configuration, with default and meaning.
const std::vector<ConfigKey>& config_keys();

// The part of it that decisions depend on.
Result<Settings> settings_of(const Config& config);

}  // namespace dure::control
