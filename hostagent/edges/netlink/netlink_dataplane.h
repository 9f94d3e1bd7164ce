#pragma once

#include "hostagent/ports/dataplane.h"

namespace dure::host {

// The kernel of the calling thread's network namespace, by netlink. Holds nothing between calls:
// what is true is read from the kernel each time. Calls for different networks may run at once.
class NetlinkDataplane final : public Dataplane {
 public:
  Result<std::vector<ObservedNetwork>> list() override;
  // Besides the errors of the kernel: `invalid_argument` for a network that no kernel should get,
  // `conflict` when the VNI's bridge belongs to another network still.
  Result<void> apply(const NetworkSpec& network) override;
  Result<void> remove(std::uint32_t vni) override;
};

}  // namespace dure::host
