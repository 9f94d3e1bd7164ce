#pragma once

#include <string_view>

#include "common/result.h"
#include "controlnode/ports/bootstrap_documents.h"

namespace dure::control {

// What JSON's escapes do not stop: these texts reach command lines, a hosts file and environment
// files in the guest. `invalid_argument` names the field.
Result<void> check_plan(const BootstrapPlan& plan);

// The keys that this node cannot do without are there.
Result<void> check_keys(const BootstrapPlan& plan, const BootstrapKeys& keys);

Result<void> check_access(const AccessDocument& access);

}  // namespace dure::control
