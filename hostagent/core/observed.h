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
// false while a part (bridge or VXLAN device) is missing or down.
struct ObservedNetwork {
  NetworkSpec spec;          // entries: only the remote ones the kernel holds
  bool complete = false;
  friend bool operator==(const ObservedNetwork&, const ObservedNetwork&) = default;
};

struct ObservedBlob {
  Digest digest;
  std::uint64_t bytes_done = 0;
  bool complete = false;     // under its final name, digest checked
  friend bool operator==(const ObservedBlob&, const ObservedBlob&) = default;
};

struct Observed {
  bool hypervisor_answers = false;  // false: `vms` means nothing, and no VM op is planned
  std::vector<ObservedVm> vms;
  std::vector<ObservedVmFiles> files;
  std::vector<ObservedNetwork> networks;
  std::vector<ObservedBlob> blobs;
  Digest firewall;                  // digest of the rules as applied; all zero: none
};

}  // namespace dure::host
