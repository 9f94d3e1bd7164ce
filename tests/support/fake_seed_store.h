#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hostagent/ports/storage.h"

namespace dure::host {

// Seeds in memory.
class FakeSeedStore : public SeedStore {
 public:
  // Asked before every call of "list", "make", "remove": an error makes it fail.
  std::function<std::optional<Error>(const std::string& call)> fail;

  Result<std::vector<ObservedVmFiles>> list() override {
    const std::lock_guard lock(mutex_);
    if (auto error = failure("list")) return *error;
    std::vector<ObservedVmFiles> found;
    for (const auto& [name, vm] : seeds_) found.push_back({name.first, name.second, false, true});
    return found;
  }

  Result<std::string> make(const VmSpec& vm, const NetworkSpec&) override {
    const std::lock_guard lock(mutex_);
    if (auto error = failure("make")) return *error;
    if (vm.guest.hostname.empty() || vm.guest.hostname.find('\n') != std::string::npos)
      return Error{Errc::invalid_argument, "the hostname is not a host name"};
    seeds_.try_emplace({vm.id, vm.generation}, vm);
    return "seeds/" + vm.id.str() + "." + std::to_string(vm.generation);
  }

  Result<void> remove(const NodeId& id, std::uint64_t generation) override {
    const std::lock_guard lock(mutex_);
    if (auto error = failure("remove")) return *error;
    std::erase_if(seeds_, [&](const auto& seed) {
      return seed.first.first == id && seed.first.second <= generation;
    });
    return {};
  }

  // What the seed was made from.
  std::optional<VmSpec> find(const NodeId& id, std::uint64_t generation) const {
    const std::lock_guard lock(mutex_);
    const auto found = seeds_.find({id, generation});
    return found == seeds_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::optional<Error> failure(const std::string& call) const {
    return fail ? fail(call) : std::nullopt;
  }

  mutable std::mutex mutex_;
  std::map<std::pair<NodeId, std::uint64_t>, VmSpec> seeds_;
};

}  // namespace dure::host
