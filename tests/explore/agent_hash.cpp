#include "tests/explore/agent.h"

namespace dure::explore {
namespace {

void add(Hasher& hasher, const ObjectRef& object) {
  hasher.add(object.kind);
  hasher.add(object.object);
}

struct HashOp {
  Hasher& hasher;
  void network(const NetworkSpec& spec) const {
    hasher.add(spec.vni);
    for (const auto& entry : spec.entries) hasher.add(static_cast<std::uint64_t>(entry.address.value) << 32 | entry.vtep.value);
  }
  void operator()(const host::FetchBlob&) const {}
  void operator()(const host::RemoveBlob&) const {}
  void operator()(const host::ApplyNetwork& op) const { network(op.network); }
  void operator()(const host::RemoveNetwork& op) const { hasher.add(op.vni); }
  void operator()(const host::ApplyFirewall& op) const {
    for (const auto& spec : op.networks) network(spec);
  }
  void operator()(const host::RemoveFirewall&) const {}
  void operator()(const host::StartVm& op) const { hasher.add(op.vm.generation << 32 | op.vm.restart); }
  void operator()(const host::StopVm& op) const { hasher.add(op.generation << 1 | static_cast<std::uint64_t>(op.hard)); }
  void operator()(const host::RemoveVm& op) const { hasher.add(op.generation); }
};

void add(Hasher& hasher, const host::HostOp& op) {
  hasher.add(op.index());
  add(hasher, host::key_of(op));
  std::visit(HashOp{hasher}, op);
}

void add(Hasher& hasher, const std::optional<Look>& look) {
  hasher.add(look ? 1 + 2 * static_cast<std::uint64_t>(look->blind) + 4 * static_cast<std::uint64_t>(look->young) : 0);
  if (look) hasher.add(look->machine->hash);
}

template <class Objects>
void add_objects(Hasher& hasher, const Objects& objects) {
  hasher.add(objects.size());
  for (const ObjectRef& object : objects) add(hasher, object);
}

void add_attempts(Hasher& hasher, const Pc& pc) {
  pc.attempts.add_to(hasher);
  hasher.add(pc.running.size());
  for (const Running& each : pc.running) {
    add(hasher, each.op);
    hasher.add(each.hangs);
  }
  hasher.add(pc.ghosts.size());
  for (const auto& op : pc.ghosts) add(hasher, op);
}

}  // namespace

Hash hash_of(const Pc& pc) {
  Hasher hasher;
  hasher.add(pc.id);
  hasher.add(pc.machine->hash);
  hasher.add(static_cast<std::uint64_t>(pc.dead) | static_cast<std::uint64_t>(pc.cut) << 1 |
             static_cast<std::uint64_t>(pc.order_is_news) << 2 | static_cast<std::uint64_t>(pc.young) << 3 |
             static_cast<std::uint64_t>(pc.order != nullptr) << 4 |
             static_cast<std::uint64_t>(pc.order && pc.order->generation == pc.applied_generation) << 5 |
             std::uint64_t{pc.session} << 8);
  hasher.add(pc.order_hash);
  add(hasher, pc.seen);
  add(hasher, pc.looking);
  add_attempts(hasher, pc);
  add_objects(hasher, pc.earlier);
  add_objects(hasher, pc.obligations);
  hasher.add(pc.words.size());
  for (const auto& [id, words] : pc.words) {
    hasher.add(id);
    hasher.add(static_cast<std::uint64_t>(words.guest) << 8 | words.boot);
  }
  return hasher.finish();
}

Hash hash_of(const HostReport& report) {
  Hasher hasher;
  hasher.add(report.host);
  hasher.add(report.session);
  hasher.add(report.accepted_generation);
  hasher.add(report.applied_generation);
  hasher.add(report.observed);
  hasher.add(report.vms.size());
  for (const VmReport& vm : report.vms) {
    hasher.add(vm.id);
    hasher.add(vm.generation << 16 | vm.restart << 8 | static_cast<std::uint64_t>(vm.state));
    hasher.add(vm.boot);
    hasher.add(vm.stages.size() << 32 | vm.departed.size() << 16 | vm.silent_s);
    for (const auto& name : vm.departed) hasher.add(std::string_view(name));
  }
  hasher.add(report.networks.size());
  for (const auto& network : report.networks) hasher.add(network.vni);
  for (const auto& image : report.images) hasher.add(image.complete);
  hasher.add(report.failures.size());
  for (const auto& failure : report.failures) add(hasher, ObjectRef{failure.kind, failure.object});
  for (const auto& condition : report.conditions) hasher.add(condition.code);
  add_objects(hasher, report.in_flight);
  return hasher.finish();
}

Hash hash_of(const HostOrder& order) {
  Hasher hasher;
  hasher.add(order.images.size());
  hasher.add(order.vms.size());
  for (const VmSpec& vm : order.vms) {
    hasher.add(vm.id);
    hasher.add(vm.generation << 16 | vm.restart << 1 | static_cast<std::uint64_t>(vm.off));
    hasher.add(std::string_view(vm.bootstrap));
  }
  hasher.add(order.networks.size());
  for (const NetworkSpec& network : order.networks) {
    hasher.add(network.id);
    hasher.add(network.entries.size());
    for (const auto& entry : network.entries) hasher.add(static_cast<std::uint64_t>(entry.address.value) << 32 | entry.vtep.value);
  }
  hasher.add(order.removed_vms.size());
  for (const VmRemoval& removal : order.removed_vms) {
    hasher.add(removal.id);
    hasher.add(removal.generation);
  }
  hasher.add(order.removed_networks.size());
  for (const NetworkRemoval& removal : order.removed_networks) hasher.add(removal.vni);
  return hasher.finish();
}

}  // namespace dure::explore
