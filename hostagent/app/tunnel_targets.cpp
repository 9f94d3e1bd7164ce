#include "hostagent/app/tunnel_targets.h"

namespace dure::host {

std::vector<TunnelTarget> tunnel_targets(const HostOrder& order) {
  std::vector<TunnelTarget> targets;
  for (const auto& vm : order.vms) targets.push_back({vm.id, vm.address});
  return targets;
}

}  // namespace dure::host
