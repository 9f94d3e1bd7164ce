#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hostagent/ports/hypervisor.h"

namespace dure::host {

// A hypervisor in memory with the behaviour of the real one: what runs, runs until it is stopped,
// crashed or removed, and overlays stay until their VM is removed.
class FakeHypervisor : public Hypervisor {
 public:
  struct Domain {
    bool ours = true;
    ObservedVm seen;
    VmSpec spec;
    NetworkSpec network;
    VmPaths paths;
    std::uint64_t starts = 0;  // how often it was switched on: its guest booted anew each time
  };
  // Asked before every call of "list", "volumes", "start", "stop", "remove": an error makes it fail.
  // Of `in_doubt` the effect takes place all the same.
  std::function<std::optional<Error>(const std::string& call, const NodeId& vm)> fail;
  bool kvm = true;
  std::set<NodeId> deaf;  // guests that do not stop when they are asked to
  bool disk_full = false;  // who is resumed is paused again at once

  explicit FakeHypervisor(HypervisorListener* listener = nullptr) : listener_(listener) {}

  Result<std::vector<ObservedVm>> list() override {
    const std::lock_guard lock(mutex_);
    if (auto error = failure("list", {})) return *error;
    std::vector<ObservedVm> found;
    for (const auto& [id, domain] : domains_)
      if (domain.ours) found.push_back(domain.seen);
    return found;
  }

  Result<std::vector<ObservedVmFiles>> volumes() override {
    const std::lock_guard lock(mutex_);
    if (auto error = failure("volumes", {})) return *error;
    std::vector<ObservedVmFiles> found;
    for (const auto& [id, generation] : overlays_) found.push_back({id, generation, true, false});
    return found;
  }

  Result<void> start(const VmSpec& vm, const OrderId& order, const NetworkSpec& network,
                     const VmPaths& paths) override {
    const auto error = locked_failure("start", vm.id);
    if (error && error->code != Errc::in_doubt) return *error;
    if (auto started = do_start(vm, order, network, paths); !started) return started;
    tell();
    return error ? Result<void>(*error) : Result<void>();
  }

  Result<void> stop(const NodeId& id, std::uint64_t generation, bool hard) override {
    const auto error = locked_failure("stop", id);
    if (error && error->code != Errc::in_doubt) return *error;
    {
      const std::lock_guard lock(mutex_);
      const auto found = domains_.find(id);
      if (found != domains_.end() && found->second.ours && found->second.seen.generation == generation) {
        auto& seen = found->second.seen;
        if (seen.state == VmState::running && !hard && !deaf.contains(id)) seen.state = VmState::shut_down;
        if (hard && seen.state != VmState::shut_down) seen.state = VmState::stopped;
      }
    }
    tell();
    return error ? Result<void>(*error) : Result<void>();
  }

  Result<void> remove(const NodeId& id, std::uint64_t generation) override {
    const auto error = locked_failure("remove", id);
    if (error && error->code != Errc::in_doubt) return *error;
    if (auto removed = do_remove(id, generation); !removed) return removed;
    tell();
    return error ? Result<void>(*error) : Result<void>();
  }

  bool hardware_virtualisation() override { return kvm; }

  // What may happen to a host from outside.
  void set_state(const NodeId& id, VmState state) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = domains_.find(id);
      if (found != domains_.end()) found->second.seen.state = state;
    }
    tell();
  }
  void crash(const NodeId& id) { set_state(id, VmState::crashed); }
  void stop(const NodeId& id) { set_state(id, VmState::stopped); }
  // The PC was switched off and on: definitions and overlays stay, nothing runs.
  void reboot() {
    {
      const std::lock_guard lock(mutex_);
      for (auto& [id, domain] : domains_) domain.seen.state = VmState::stopped;
    }
    tell();
  }
  // Somebody's own VM with this UUID.
  void place_foreign(const NodeId& id) {
    const std::lock_guard lock(mutex_);
    domains_[id].ours = false;
  }
  // A domain undefined behind our back; its overlay stays.
  void take_away(const NodeId& id) {
    const std::lock_guard lock(mutex_);
    domains_.erase(id);
  }

  std::optional<Domain> find(const NodeId& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = domains_.find(id);
    return found == domains_.end() ? std::nullopt : std::optional(found->second);
  }
  // The truth, whatever list() answers.
  std::vector<ObservedVm> domains() const {
    const std::lock_guard lock(mutex_);
    std::vector<ObservedVm> found;
    for (const auto& [id, domain] : domains_) {
      if (domain.ours) found.push_back(domain.seen);
    }
    return found;
  }
  // How often a VM was really switched on: two at once would be the same VM running twice.
  std::size_t starts() const {
    const std::lock_guard lock(mutex_);
    return starts_;
  }

 private:
  std::optional<Error> failure(const std::string& call, const NodeId& vm) const {
    return fail ? fail(call, vm) : std::nullopt;
  }
  std::optional<Error> locked_failure(const std::string& call, const NodeId& vm) const {
    const std::lock_guard lock(mutex_);
    return failure(call, vm);
  }
  void tell() const {
    if (listener_) listener_->on_hypervisor_change();
  }

  Result<void> do_start(const VmSpec& vm, const OrderId& order, const NetworkSpec& network,
                        const VmPaths& paths) {
    const std::lock_guard lock(mutex_);
    const auto found = domains_.find(vm.id);
    if (found != domains_.end()) {
      const Domain& there = found->second;
      if (!there.ours || there.seen.generation > vm.generation)
        return Error{Errc::already_exists, "a domain with this id is not ours or newer"};
      if (there.seen.generation < vm.generation)
        return Error{Errc::conflict, "an older generation is still there"};
      if (there.seen.state == VmState::running) return {};
      if (there.seen.state == VmState::paused && disk_full) return {};
      if (there.seen.state != VmState::paused) ++found->second.starts;
      found->second.seen.state = VmState::running;
      found->second.seen.restart = vm.restart;
    } else {
      overlays_.emplace(vm.id, vm.generation);
      Domain made{true, {}, vm, network, paths};
      made.seen = {vm.id, vm.generation, order, network.id, network.vni, VmState::running, vm.restart};
      made.starts = 1;
      domains_.emplace(vm.id, std::move(made));
    }
    ++starts_;
    return {};
  }

  Result<void> do_remove(const NodeId& id, std::uint64_t generation) {
    const std::lock_guard lock(mutex_);
    const auto found = domains_.find(id);
    if (found != domains_.end()) {
      if (!found->second.ours) return Error{Errc::already_exists, "a domain with this id is not ours"};
      if (found->second.seen.generation > generation)
        return Error{Errc::superseded, "the domain is of a newer generation"};
      domains_.erase(found);
    }
    std::erase_if(overlays_, [&](const auto& overlay) {
      return overlay.first == id && overlay.second <= generation;
    });
    return {};
  }

  HypervisorListener* listener_;
  mutable std::mutex mutex_;
  std::map<NodeId, Domain> domains_;
  std::set<std::pair<NodeId, std::uint64_t>> overlays_;
  std::size_t starts_ = 0;
};

}  // namespace dure::host
