#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hostagent/ports/machine.h"

namespace dure::host {

// What the owner of the PC gives at most; empty means everything the kernel shows.
struct MachineCaps {
  std::optional<std::uint32_t> vcpus;
  std::optional<std::uint64_t> memory_mib;
  std::optional<std::uint64_t> disk_gib;
};

// What the configuration says that the PC has to have. Empty: not asked for.
struct MachineNeeds {
  std::string uplink;            // an interface
  std::string underlay_address;  // of one of its interfaces
};

// The PC as its kernel describes it. `capacity().hardware_virtualisation` stays false: only the
// hypervisor can tell, by trying.
class SystemMachine : public Machine {
 public:
  // Disk capacity is that of the file system of `state_dir`, which must exist.
  SystemMachine(std::string state_dir, MachineCaps caps, MachineNeeds needs = {});

  Result<BootId> boot_id() override;
  Result<HostCapacity> capacity() override;
  HostState state() override;

 private:
  const std::string state_dir_;
  const MachineCaps caps_;
  const MachineNeeds needs_;
};

// So little is left that a guest's next write may fail: under 2 GiB, or a fiftieth of a small disk.
bool nearly_full(std::uint64_t free_bytes, std::uint64_t total_bytes);

// MemTotal of /proc/meminfo, in MiB.
std::optional<std::uint64_t> total_memory_mib(std::string_view meminfo);

}  // namespace dure::host
