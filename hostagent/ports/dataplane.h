#pragma once

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "hostagent/core/observed.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// Bridges, VXLAN devices, forwarding and neighbour entries of this host's kernel.
class Dataplane {
 public:
  virtual ~Dataplane() = default;
  // Every network of ours in the kernel, read back.
  virtual Result<std::vector<ObservedNetwork>> list() = 0;
  // Makes the kernel equal to `network` (its remote part): entries replaced as a whole list, in
  // batches; what is right already is not touched, so that running traffic loses no packet. Taps of its local guests that
  // have lost their bridge get it again.
  virtual Result<void> apply(const NetworkSpec& network) = 0;
  // Both devices; absent is success.
  virtual Result<void> remove(std::uint32_t vni) = 0;
};

// Packet filter and NAT of this host, as a whole.
class Firewall {
 public:
  virtual ~Firewall() = default;
  // Digest of the networks whose rules are in the kernel; all zero: no rules.
  virtual Result<Digest> applied() = 0;
  // Replaces all rules in one transaction: masquerading to the outside, no traffic between
  // networks, no spoofed MAC or address, no VXLAN from others than the peers. Of no network: nothing passes from or to
  // a device of ours. `digest` is not all zero.
  virtual Result<void> apply(const std::vector<NetworkSpec>& networks, const Digest& digest) = 0;
  // Both tables. Absent is success.
  virtual Result<void> remove() = 0;
  // Names the rules that apply() writes, with their options: another name, and the same networks get other rules.
  virtual Digest rules() const = 0;
};

}  // namespace dure::host
