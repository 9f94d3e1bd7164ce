#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

// A libvirt domain that carries our metadata.
struct ObservedVm {
  NodeId id;
  std::uint64_t generation = 0;
  OrderId order;
  NetworkId network;
  std::uint32_t vni = 0;
  VmState state = VmState::unknown;
  std::uint64_t restart = 0;   // under which it was switched on last (VmSpec::restart)
  friend bool operator==(const ObservedVm&, const ObservedVm&) = default;
};

// Files of a VM that exist under their final names, with or without a domain.
struct ObservedVmFiles {
  NodeId id;
  std::uint64_t generation = 0;
  bool overlay = false, seed = false;
  friend bool operator==(const ObservedVmFiles&, const ObservedVmFiles&) = default;
};

// What the kernel has for one of our networks, read back in the form of the order. `complete` is
// false while a part (bridge or VXLAN device) is missing or down, or the kernel does not forward for it.
struct ObservedNetwork {
  NetworkSpec spec;          // entries: only the remote ones the kernel holds
  bool complete = false;
  std::vector<Mac> guests{}; // whose taps are ports of its bridge, sorted
  friend bool operator==(const ObservedNetwork&, const ObservedNetwork&) = default;
};

struct ObservedBlob {
  Digest digest;
  std::uint64_t bytes_done = 0;
  bool complete = false;     // under its final name, digest checked
  friend bool operator==(const ObservedBlob&, const ObservedBlob&) = default;
};

// One look at a host. Every list is complete, or its part of the look is told to have failed by a condition.
struct Observed {
  bool hypervisor_answers = false;  // false: `vms` means nothing, and no VM op is planned
  std::vector<ObservedVm> vms;
  std::vector<ObservedVmFiles> files;
  std::vector<ObservedNetwork> networks;
  std::vector<ObservedBlob> blobs;
  Digest firewall;                  // digest of the rules as applied; all zero: none
  bool hardware_virtualisation = false;
  std::uint64_t disk_free_gib = 0;  // in steps; 0: not known
  std::vector<HostCondition> conditions{};  // each code once
};

bool has(const Observed& observed, ConditionCode code);
// Another sentence about what is told already is left out.
void note(Observed& observed, ConditionCode code, const std::string& message);

}  // namespace dure::host
