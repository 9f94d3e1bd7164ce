#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace dure::host {

// /proc/sys/<path> of the calling thread's network namespace; written only where the value differs.
// `not_found` when this kernel has no such setting.
Result<void> set_sysctl(const std::string& path, std::string_view value);

// Whether it has this value now.
Result<bool> sysctl_is(const std::string& path, std::string_view value);

}  // namespace dure::host
