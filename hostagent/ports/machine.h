#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

// Facts about the PC itself.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Result<BootId> boot_id() = 0;
  // vCPUs, memory and disk as the kernel says, capped by the configuration.
  virtual Result<HostCapacity> capacity() = 0;
};

}  // namespace dure::host
