#include "hostagent/app/tunnel_targets.h"

#include <doctest/doctest.h>

namespace dure::host {

TEST_CASE("tunnel targets: the VMs of the order with their addresses, and nobody else") {
  HostOrder order;
  CHECK(tunnel_targets(order).empty());
  for (std::uint8_t n = 1; n <= 2; ++n) {
    VmSpec vm;
    vm.id.uuid.bytes.fill(n);
    vm.address = Ipv4{0x0a800000U + n};
    order.vms.push_back(vm);
  }
  VmRemoval removal;
  removal.id.uuid.bytes.fill(3);
  order.removed_vms.push_back(removal);
  const auto targets = tunnel_targets(order);
  REQUIRE(targets.size() == 2);
  CHECK(targets[1] == TunnelTarget{order.vms[1].id, Ipv4{0x0a800002}});
}

}  // namespace dure::host
