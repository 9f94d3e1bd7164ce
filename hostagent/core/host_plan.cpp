#include "hostagent/core/host_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/planted.h"
#include "hostagent/core/order_parts.h"

namespace dure::host {
namespace {

// One run of the planner: looks things up, collects ops, remembers whether anything is still open.
class Planner {
 public:
  Planner(const HostOrder& order, const Observed& observed, const PlanMemory& memory)
      : order_(order), observed_(observed), memory_(memory) {
    for (const auto& vm : observed.vms) vms_[vm.id] = &vm;
    for (const auto& blob : observed.blobs) {
      if (blob.complete) complete_blobs_.insert(blob.digest);
    }
    for (const auto& network : observed.networks) networks_[network.spec.vni] = &network;
  }

  HostPlan run() {
    plan_blobs();
    plan_networks();
    plan_firewall();
    plan_removals();
    plan_vms();
    plan_network_removals();
    plan_blob_removals();
    const bool settled = ops_.empty() && !waiting_;
    return HostPlan{std::move(ops_), settled};
  }

 private:
  void add(HostOp op) { ops_.push_back(std::move(op)); }

  void plan_blobs() {
    std::set<Digest> planned;
    for (const auto& image : order_.images) {
      for (const auto* blob : {&image.disk, &image.kernel, &image.initrd}) {
        if (blob->size_bytes == 0 || complete_blobs_.contains(blob->digest)) continue;
        if (planned.insert(blob->digest).second) add(FetchBlob{*blob});
      }
    }
  }

  void plan_networks() {
    for (const auto& network : order_.networks) {
      if (network_in_place(network)) continue;
      if (filter_is_up()) {
        add(ApplyNetwork{network});
      } else {
        waiting_ = true;
      }
    }
  }

  // Somebody's rules, and they are not about to go.
  bool filter_is_up() const { return observed_.firewall != Digest{} && !memory_.in_flight.contains(key_of(RemoveFirewall{})); }

  bool guests_in_flight() const {
    return std::any_of(memory_.in_flight.begin(), memory_.in_flight.end(), [](const ObjectRef& object) {
      return object.kind == ObjectKind::vm || object.kind == ObjectKind::network;
    });
  }

  bool network_in_place(const NetworkSpec& wanted) const {
    const auto found = networks_.find(wanted.vni);
    return found != networks_.end() && found->second->complete &&
           found->second->spec == remote_part(wanted) && guests_attached(wanted, *found->second);
  }

  // A bridge that was made anew has lost its ports: running VMs do not come back to it by themselves.
  bool guests_attached(const NetworkSpec& wanted, const ObservedNetwork& seen) const {
    return std::all_of(order_.vms.begin(), order_.vms.end(), [&](const VmSpec& vm) {
      const auto found = vms_.find(vm.id);
      return vm.network != wanted.id || found == vms_.end() || found->second->state != VmState::running ||
             std::binary_search(seen.guests.begin(), seen.guests.end(), vm.mac);
    });
  }

  bool firewall_in_place() const {
    return firewall_digest(order_.networks, memory_.firewall_rules) == observed_.firewall;
  }

  // Whether anything is here, or may be, that a guest could send from.
  bool guests_possible() const {
    if (planted(Bug::filter_opens)) return !order_.networks.empty();
    return !order_.networks.empty() || !observed_.hypervisor_answers || !observed_.vms.empty() ||
           !observed_.networks.empty() || has(observed_, ConditionCode::network);
  }

  void plan_firewall() {
    if (guests_possible()) {
      if (!firewall_in_place()) add(ApplyFirewall{order_.networks});
    } else if (observed_.firewall != Digest{}) {
      if (guests_in_flight()) {
        waiting_ = true;
      } else {
        add(RemoveFirewall{});
      }
    }
  }

  const VmSpec* wanted_vm(const NodeId& id) const {
    for (const auto& vm : order_.vms) {
      if (vm.id == id) return &vm;
    }
    return nullptr;
  }

  bool files_up_to(const NodeId& id, std::uint64_t generation) const {
    return std::any_of(observed_.files.begin(), observed_.files.end(), [&](const auto& files) {
      return files.id == id && files.generation <= generation && (files.overlay || files.seed);
    });
  }

  void plan_removals() {
    for (const auto& removal : order_.removed_vms) {
      const auto* wanted = wanted_vm(removal.id);
      // An order that both wants and removes the same generation contradicts itself: keep the VM.
      if (wanted != nullptr && wanted->generation <= removal.generation) continue;
      plan_vm_removal(removal.id, removal.generation);
    }
  }

  // True when something of it is left.
  bool plan_vm_removal(const NodeId& id, std::uint64_t generation) {
    const auto found = vms_.find(id);
    const bool domain = found != vms_.end() && found->second->generation <= generation;
    if (!domain && !files_up_to(id, generation)) {
      // Without libvirt's word absence is not proven.
      if (!observed_.hypervisor_answers) waiting_ = true;
      return !observed_.hypervisor_answers;
    }
    if (observed_.hypervisor_answers) {
      add(RemoveVm{id, generation});
    } else {
      waiting_ = true;
    }
    return true;
  }

  void plan_vms() {
    for (const auto& vm : order_.vms) plan_vm(vm);
  }

  void plan_vm(const VmSpec& vm) {
    if (!observed_.hypervisor_answers) {
      waiting_ = true;
      return;
    }
    const auto found = vms_.find(vm.id);
    const auto* seen = found == vms_.end() ? nullptr : found->second;
    if (seen != nullptr && seen->generation > vm.generation) return;
    if (vm.generation > 0 && !planted(Bug::generation_ignored) && plan_vm_removal(vm.id, vm.generation - 1)) return;
    if (seen == nullptr) {
      if (!vm.off) plan_start(vm);
      return;
    }
    if (seen->state == VmState::unknown) {
      waiting_ = true;
    } else if (vm.off || (active(seen->state) && seen->restart < vm.restart)) {
      if (active(seen->state)) add(StopVm{vm.id, vm.generation, memory_.asked_to_stop.contains(vm.id)});
    } else if (must_start(vm, *seen)) {
      plan_start(vm);
    }
  }

  // It has a QEMU, or may have one.
  static bool active(VmState state) {
    return state == VmState::running || state == VmState::paused || state == VmState::creating;
  }

  bool must_start(const VmSpec& vm, const ObservedVm& seen) {
    switch (seen.state) {
      case VmState::stopped:
      case VmState::crashed:
      case VmState::creating: return true;
      case VmState::shut_down: return seen.restart < vm.restart;
      case VmState::paused:
        if (planted(Bug::paused_stays)) return false;
        // It would be paused again by its next write.
        if (!has(observed_, ConditionCode::no_space)) return true;
        waiting_ = true;
        return false;
      case VmState::unknown:
      case VmState::running: return false;
    }
    return false;
  }

  void plan_start(const VmSpec& vm) {
    const auto image = std::find_if(order_.images.begin(), order_.images.end(),
                                    [&](const auto& i) { return i.id == vm.image; });
    const auto network = std::find_if(order_.networks.begin(), order_.networks.end(),
                                      [&](const auto& n) { return n.id == vm.network; });
    if (image == order_.images.end() || network == order_.networks.end()) {
      waiting_ = true;  // the codec refuses such an order; never start a VM without them
      return;
    }
    const bool network_stays = network_in_place(*network) && !memory_.in_flight.contains({ObjectKind::network, network->id.uuid});
    if (!blobs_complete(*image) || !network_stays || !firewall_in_place() || !filter_is_up()) {
      waiting_ = true;
      return;
    }
    add(StartVm{vm, *image, *network, order_.order});
  }

  bool blobs_complete(const ImageSpec& image) const {
    for (const auto* blob : {&image.disk, &image.kernel, &image.initrd}) {
      if (blob->size_bytes > 0 && !complete_blobs_.contains(blob->digest)) return false;
    }
    return true;
  }

  void plan_network_removals() {
    for (const auto& removal : order_.removed_networks) {
      const bool wanted =
          std::any_of(order_.networks.begin(), order_.networks.end(),
                      [&](const auto& network) { return network.vni == removal.vni; });
      if (wanted || !networks_.contains(removal.vni)) continue;
      // A neighbour's VM, or one that is still being removed, keeps the network alive.
      const bool used =
          !observed_.hypervisor_answers ||
          std::any_of(observed_.vms.begin(), observed_.vms.end(),
                      [&](const auto& vm) { return vm.vni == removal.vni; });
      if (used) {
        waiting_ = true;
      } else {
        add(RemoveNetwork{removal.id, removal.vni});
      }
    }
  }

  // Whatever the order does not explain may lie on any blob, and so may what is on its way out.
  bool all_explained() const {
    return observed_.hypervisor_answers &&
           std::all_of(observed_.vms.begin(), observed_.vms.end(), [&](const auto& vm) { return wanted_vm(vm.id) != nullptr; }) &&
           std::all_of(observed_.files.begin(), observed_.files.end(), [&](const auto& files) {
             const auto* wanted = wanted_vm(files.id);
             return wanted != nullptr && wanted->generation == files.generation;
           });
  }

  void plan_blob_removals() {
    if (memory_.unneeded_blobs.empty() || !all_explained()) return;
    const auto needed = blobs_of(order_);
    for (const auto& blob : observed_.blobs) {
      if (memory_.unneeded_blobs.contains(blob.digest) && !needed.contains(blob.digest)) add(RemoveBlob{blob.digest});
    }
  }

  const HostOrder& order_;
  const Observed& observed_;
  const PlanMemory& memory_;
  std::map<NodeId, const ObservedVm*> vms_;
  std::set<Digest> complete_blobs_;
  std::map<std::uint32_t, const ObservedNetwork*> networks_;
  std::vector<HostOp> ops_;
  bool waiting_ = false;
};

struct KeyOf {
  static OpKey of_blob(const Digest& digest) {
    Uuid prefix;
    std::copy_n(digest.bytes.begin(), prefix.bytes.size(), prefix.bytes.begin());
    return {ObjectKind::image, prefix};
  }
  OpKey operator()(const FetchBlob& op) const { return of_blob(op.blob.digest); }
  OpKey operator()(const RemoveBlob& op) const { return of_blob(op.digest); }
  OpKey operator()(const ApplyNetwork& op) const { return {ObjectKind::network, op.network.id.uuid}; }
  OpKey operator()(const RemoveNetwork& op) const { return {ObjectKind::network, op.id.uuid}; }
  OpKey operator()(const ApplyFirewall&) const { return {ObjectKind::host, Uuid{}}; }
  OpKey operator()(const RemoveFirewall&) const { return {ObjectKind::host, Uuid{}}; }
  OpKey operator()(const StopVm& op) const { return {ObjectKind::vm, op.id.uuid}; }
  OpKey operator()(const StartVm& op) const { return {ObjectKind::vm, op.vm.id.uuid}; }
  OpKey operator()(const RemoveVm& op) const { return {ObjectKind::vm, op.id.uuid}; }
};

struct Describe {
  std::string operator()(const FetchBlob& op) const { return "fetch blob " + op.blob.digest.str(); }
  std::string operator()(const ApplyNetwork& op) const {
    return "apply network " + std::to_string(op.network.vni);
  }
  std::string operator()(const RemoveNetwork& op) const {
    return "remove network " + std::to_string(op.vni);
  }
  std::string operator()(const ApplyFirewall& op) const {
    return "apply firewall for " + std::to_string(op.networks.size()) + " networks";
  }
  std::string operator()(const RemoveFirewall&) const { return "remove firewall"; }
  std::string operator()(const RemoveBlob& op) const { return "remove blob " + op.digest.str(); }
  std::string operator()(const StopVm& op) const {
    return (op.hard ? "switch off vm " : "ask vm to stop ") + op.id.str();
  }
  std::string operator()(const StartVm& op) const { return "start vm " + op.vm.id.str(); }
  std::string operator()(const RemoveVm& op) const { return "remove vm " + op.id.str(); }
};

}  // namespace

OpKey key_of(const HostOp& op) { return std::visit(KeyOf{}, op); }
std::string describe(const HostOp& op) { return std::visit(Describe{}, op); }

HostPlan host_plan(const HostOrder& order, const Observed& observed, const PlanMemory& memory) {
  return Planner(order, observed, memory).run();
}

}  // namespace dure::host
