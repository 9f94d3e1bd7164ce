#include "tests/sim/sim_guests.h"

#include <algorithm>

#include "controlnode/core/bootstrap_plan.h"
#include "hostagent/app/executor.h"

namespace dure::sim {
namespace {

std::uint64_t ms_of(Duration time) { return static_cast<std::uint64_t>(time / std::chrono::milliseconds(1)); }

}  // namespace

void SimGuests::step(host::FakeHypervisor& hypervisor) {
  std::erase_if(guests_, [&](const auto& entry) {
    const auto domain = hypervisor.find(entry.first.first);
    return !domain || domain->seen.generation != entry.first.second;
  });
  for (const auto& vm : hypervisor.domains()) {
    auto& guest = guests_[{vm.id, vm.generation}];
    guest.ready = guest.ready && vm.state == VmState::running;
    if (vm.state != VmState::running) continue;
    const auto domain = hypervisor.find(vm.id);
    if (guest.starts != domain->starts || guest.booted_reboots != guest.reboots) begin_boot(guest, domain->starts);
    if (guest.silent || world_.now() - guest.booted_at < guest.takes) continue;
    const auto path = host::channel_path(channels_dir_, vm.id);
    channels_.say(path, speak(guest, domain->spec));
    if (auto document = channels_.take(path); !document.empty()) guest.document = std::move(document);
  }
}

void SimGuests::begin_boot(Guest& guest, std::uint64_t starts) {
  guest.starts = starts;
  guest.booted_reboots = guest.reboots;
  guest.boot = uuid_from_random(world_.bytes16());
  guest.booted_at = world_.now();
  guest.takes = world_.between(std::chrono::seconds(3), std::chrono::seconds(20));
  guest.silent = guest.kubelet_dead = guest.ready = false;
}

host::GuestStatus SimGuests::speak(Guest& guest, const VmSpec& vm) {
  host::GuestStatus status;
  status.boot = guest.boot;
  const auto up = ms_of(guest.takes);
  status.stages = {{"booted", up}, {"network", up + 10}, {"configured", up + 20}};
  if (vm.bootstrap.empty()) {
    status.stages.push_back({"ready", up + 30});
    guest.ready = true;
    return status;
  }
  status.have = guest.document.empty() ? std::string() : host::FakeGuestChannels::revision_of(guest.document);
  if (guest.document.empty()) return status;
  status.stages.push_back({"containerd", up + 30});
  const auto document = control::FakeDocument::read(guest.document);
  join(guest, document, vm, status);
  guest.ready = guest.joined && !guest.kubelet_dead && !alone_;
  if (!guest.ready) return status;
  kubernetes_.lives(vm.name);
  status.stages.push_back({"ready", up + 50});
  if (document.role != "worker") do_duties(guest, document, status);
  return status;
}

void SimGuests::join(Guest& guest, const control::FakeDocument& document, const VmSpec& vm, host::GuestStatus& status) {
  const bool begins = document.role == "init";
  if (!guest.joined && !alone_) {
    if (document.joined) {
      status.error = "this disk has never been a member";
    } else if (begins && document.has_cluster_keys) {
      kubernetes_.init(vm.name, vm.address);
      guest.joined = true;
    } else if (!begins && document.has_credential) {
      guest.joined = kubernetes_.join(vm.name, vm.address, document.role == "control-plane");
    }
  }
  if (guest.joined) status.stages.push_back({begins ? "init" : "join", ms_of(guest.takes) + 40});
}

void SimGuests::do_duties(const Guest&, const control::FakeDocument& document, host::GuestStatus& status) {
  const auto cluster = SimKubernetes::cluster_of(document.node);
  if (!kubernetes_.answers(cluster)) return;
  for (const auto& name : document.departing) {
    kubernetes_.take_out(name);
    status.departed.push_back(name);
  }
  status.judges = true;
  status.not_ready = kubernetes_.not_ready(cluster, document.members);
  status.access = control::access_fingerprint(document.admins);
}

SimGuests::Guest* SimGuests::running(const NodeId& vm) {
  const auto found = guests_.lower_bound({vm, 0});
  return found == guests_.end() || found->first.first != vm ? nullptr : &found->second;
}

void SimGuests::reboot(const NodeId& vm) {
  if (auto* guest = running(vm)) ++guest->reboots;
}

void SimGuests::fall_silent(const NodeId& vm, bool silent) {
  if (auto* guest = running(vm)) guest->silent = silent;
}

void SimGuests::kill_kubelet(const NodeId& vm, bool dead) {
  if (auto* guest = running(vm)) guest->kubelet_dead = dead;
}

void SimGuests::wake_all() {
  for (auto& [key, guest] : guests_) guest.silent = guest.kubelet_dead = false;
}

bool SimGuests::ready(const NodeId& vm) const {
  const auto found = guests_.lower_bound({vm, 0});
  return found != guests_.end() && found->first.first == vm && found->second.ready && !found->second.silent;
}

Uuid SimGuests::boot_of(const NodeId& vm) const {
  const auto found = guests_.lower_bound({vm, 0});
  return found == guests_.end() || found->first.first != vm ? Uuid{} : found->second.boot;
}

}  // namespace dure::sim
