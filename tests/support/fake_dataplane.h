#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hostagent/core/host_plan.h"
#include "hostagent/ports/dataplane.h"

namespace dure::host {

// A kernel's networks in memory. `fail` is asked before each call ("list", "apply", "remove"); what
// it returns is the call's outcome, and nothing changes.
class FakeDataplane final : public Dataplane {
 public:
  std::function<std::optional<Error>(const std::string& call)> fail;
  std::uint64_t applied = 0;  // how often apply() changed anything

  Result<std::vector<ObservedNetwork>> list() override {
    if (auto error = failure("list")) return *error;
    std::vector<ObservedNetwork> seen;
    for (const auto& [vni, network] : networks_) seen.push_back(network);
    return seen;
  }

  Result<void> apply(const NetworkSpec& network) override {
    if (auto error = failure("apply")) return *error;
    if (network.vni == 0 || network.vni >= (1U << 24) || network.id.is_nil() || network.mtu < 576 ||
        !network.prefix.contains(network.gateway)) {
      return Error{Errc::invalid_argument, "network " + network.id.str() + " is not well-formed"};
    }
    const auto held = networks_.find(network.vni);
    if (held != networks_.end() && held->second.spec.id != network.id) {
      return Error{Errc::conflict, "VNI " + std::to_string(network.vni) + " is in use by another network"};
    }
    // Guests' taps go with their VM: here they are taken to be where they belong.
    ObservedNetwork wanted{remote_part(network), true};
    for (const auto& entry : network.entries) {
      if (entry.vtep == network.local_vtep) wanted.guests.push_back(entry.mac);
    }
    std::sort(wanted.guests.begin(), wanted.guests.end());
    if (held != networks_.end() && held->second == wanted) return {};
    networks_[network.vni] = wanted;
    ++applied;
    return {};
  }

  Result<void> remove(std::uint32_t vni) override {
    if (auto error = failure("remove")) return *error;
    networks_.erase(vni);
    return {};
  }

  // What a reboot leaves of a kernel.
  void reboot() { networks_.clear(); }
  // Somebody deleted a device behind our back.
  void damage(std::uint32_t vni) {
    if (const auto held = networks_.find(vni); held != networks_.end()) held->second.complete = false;
  }
  // Its bridge was made anew by somebody: no tap is a port of it.
  void detach_guests(std::uint32_t vni) {
    if (const auto held = networks_.find(vni); held != networks_.end()) held->second.guests.clear();
  }

 private:
  std::optional<Error> failure(const std::string& call) { return fail ? fail(call) : std::nullopt; }

  std::map<std::uint32_t, ObservedNetwork> networks_;
};

// A packet filter that remembers whose rules it has. `fail`: as above ("applied", "apply", "remove").
class FakeFirewall final : public Firewall {
 public:
  std::function<std::optional<Error>(const std::string& call)> fail;
  std::uint64_t replaced = 0;

  Result<Digest> applied() override {
    if (auto error = failure("applied")) return *error;
    return digest_;
  }

  Result<void> apply(const std::vector<NetworkSpec>& networks, const Digest& digest) override {
    if (auto error = failure("apply")) return *error;
    if (digest == Digest{}) return Error{Errc::invalid_argument, "the digest of rules is not all zero"};
    networks_ = networks;
    digest_ = digest;
    ++replaced;
    return {};
  }

  Result<void> remove() override {
    if (auto error = failure("remove")) return *error;
    reboot();
    return {};
  }

  Digest rules() const override { return Digest{{7}}; }

  bool there() const { return digest_ != Digest{}; }

  const std::vector<NetworkSpec>& networks() const { return networks_; }
  void reboot() { networks_.clear(), digest_ = {}; }

 private:
  std::optional<Error> failure(const std::string& call) { return fail ? fail(call) : std::nullopt; }

  std::vector<NetworkSpec> networks_;
  Digest digest_;
};

}  // namespace dure::host
