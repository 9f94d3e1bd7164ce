#pragma once

#include <cstdint>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

struct HostState {
  std::vector<HostCondition> conditions;
  std::uint64_t disk_free_gib = 0;  // in steps of a sixteenth of the disk; 0: not known
};

// Facts about the PC itself.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Result<BootId> boot_id() = 0;
  // vCPUs, memory and disk as the kernel says, capped by the configuration.
  virtual Result<HostCapacity> capacity() = 0;
  // What is wrong with the PC apart from libvirt and the kernel's networks, and what is left of the disk that VMs lie on.
  virtual HostState state() = 0;
};

}  // namespace dure::host
