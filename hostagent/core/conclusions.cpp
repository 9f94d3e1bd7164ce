#include "hostagent/core/conclusions.h"

#include <algorithm>
#include <iterator>

#include "common/planted.h"

namespace dure::host {
namespace {

bool is_vm_or_network(const ObjectRef& object) { return object.kind == ObjectKind::vm || object.kind == ObjectKind::network; }

// VMs that the order removes and that are gone but for their files. The report's lists do not name them, and they are not removed.
void add_half_removed(std::set<ObjectRef>& objects, const HostOrder& order, const Observed& observed) {
  for (const auto& removal : order.removed_vms) {
    const bool left = std::any_of(observed.files.begin(), observed.files.end(), [&](const auto& files) {
      return files.id == removal.id && files.generation <= removal.generation && (files.overlay || files.seed);
    });
    if (left) objects.insert({ObjectKind::vm, removal.id.uuid});
  }
}

}  // namespace

void prove_earlier(std::set<ObjectRef>& earlier, const Observed& observed, bool over) {
  if (over) earlier.clear();
  if (earlier.empty()) return;
  for (const auto& vm : observed.vms) earlier.erase({ObjectKind::vm, vm.id.uuid});
  for (const auto& network : observed.networks) earlier.erase({ObjectKind::network, network.spec.id.uuid});
}

std::set<ObjectRef> unproven(const std::set<ObjectRef>& earlier, const Attempts& attempts) {
  auto objects = earlier;
  for (const auto& object : attempts.in_flight()) objects.insert(object);
  return objects;
}

bool is_gone(const ObjectRef& object, const HostOrder& order, const Observed& observed, const std::set<ObjectRef>& at_work) {
  if (!observed.hypervisor_answers || at_work.contains(object)) return false;
  const auto none = [&](const auto& things) {
    return std::none_of(things.begin(), things.end(), [&](const auto& thing) { return thing.id.uuid == object.object; });
  };
  if (object.kind == ObjectKind::vm) return none(order.vms) && none(observed.vms) && none(observed.files);
  return none(order.networks) && std::none_of(observed.networks.begin(), observed.networks.end(),
                                              [&](const auto& network) { return network.spec.id.uuid == object.object; });
}

bool is_applied(const HostPlan& plan, const Observed& observed, const Attempts& attempts) {
  return plan.settled || (!plan.ops.empty() && observed.hypervisor_answers && attempts.only_failures());
}

std::vector<ObjectRef> told_in_flight(const std::set<ObjectRef>& at_work, const HostOrder* order, const Observed* observed) {
  std::vector<ObjectRef> told;
  if (planted(Bug::in_flight_untold)) return told;
  auto objects = at_work;
  if (order != nullptr && observed != nullptr) add_half_removed(objects, *order, *observed);
  std::copy_if(objects.begin(), objects.end(), std::back_inserter(told), &is_vm_or_network);
  return told;
}

}  // namespace dure::host
