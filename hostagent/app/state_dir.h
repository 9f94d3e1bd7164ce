#pragma once

#include <string>

#include "common/result.h"

namespace dure::host {

// Makes the state directory and the one for the guests' sockets, whose path is returned. QEMU, which libvirt runs as another
// user, has to get through the former to disks and images: all may enter it, and nobody else may list it.
Result<std::string> prepare_state_dir(const std::string& state_dir);

}  // namespace dure::host
