#pragma once

#include <memory>
#include <optional>
#include <string>

#include "hostagent/ports/hypervisor.h"

namespace dure::host {

struct LibvirtOptions {
  std::string uri;                        // qemu:///system
  std::string state_dir;                  // overlays go to <state_dir>/volumes
  std::optional<std::string> force_type;  // "kvm" or "qemu"; empty: found by trying
};

// The port on libvirt's C API and its QEMU driver. One object in a process at a time: libvirt's
// event loop is one for the process.
class LibvirtHypervisor : public Hypervisor {
 public:
  // Opens also while libvirtd is away: the calls answer `unavailable` until it is back. `listener`
  // must outlive the object.
  static Result<std::unique_ptr<LibvirtHypervisor>> open(const LibvirtOptions& options,
                                                         HypervisorListener& listener);
  ~LibvirtHypervisor() override;

  Result<std::vector<ObservedVm>> list() override;
  Result<std::vector<ObservedVmFiles>> volumes() override;
  Result<void> start(const VmSpec& vm, const OrderId& order, const NetworkSpec& network,
                     const VmPaths& paths) override;
  Result<void> stop(const NodeId& id, std::uint64_t generation, bool hard) override;
  Result<void> remove(const NodeId& id, std::uint64_t generation) override;
  bool hardware_virtualisation() override;

 private:
  struct State;
  explicit LibvirtHypervisor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dure::host
