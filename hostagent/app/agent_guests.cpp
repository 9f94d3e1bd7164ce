#include <algorithm>
#include <utility>

#include "hostagent/app/agent_loop.h"
#include "hostagent/app/executor.h"

namespace dure::host {

void AgentLoop::follow_guests() {
  if (!seen_->hypervisor_answers) return;
  std::vector<WatchedGuest> watch;
  GuestBook book;
  for (const auto& vm : seen_->vms) {
    if (vm.state != VmState::running) continue;
    watch.push_back({vm.id, channel_path(identity_.channels_dir, vm.id), bootstrap_of(vm)});
    // What a guest said of one boot is not true of the next.
    const auto known = guests_.find(vm.id);
    book.emplace(vm.id, known == guests_.end() ? GuestWords{std::nullopt, parts_.steady.now()} : known->second);
  }
  guests_ = std::move(book);
  std::sort(watch.begin(), watch.end(), [](const auto& a, const auto& b) { return a.vm < b.vm; });
  if (watch == watched_) return;
  watched_ = watch;
  parts_.guests.watch(std::move(watch));
}

// A document is for one generation: a VM that is being replaced must not take its successor's place.
std::string AgentLoop::bootstrap_of(const ObservedVm& vm) const {
  if (!order_) return {};
  const auto wanted = std::find_if(order_->vms.begin(), order_->vms.end(), [&](const VmSpec& spec) {
    return spec.id == vm.id && spec.generation == vm.generation;
  });
  return wanted == order_->vms.end() ? std::string() : wanted->bootstrap;
}

void AgentLoop::on(GuestSpoke&& event) {
  hear(guests_[event.vm], std::move(event.status), parts_.steady.now());
}

}  // namespace dure::host
