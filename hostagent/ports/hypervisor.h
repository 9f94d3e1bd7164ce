#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "hostagent/core/observed.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// Where a VM's parts are; all made by the caller from parsed ids.
struct VmPaths {
  std::string base_disk;  // read-only qcow2
  std::string kernel;     // empty: boot from disk
  std::string initrd;     // empty: none
  std::string cmdline;    // of the kernel
  std::string seed;       // ISO image, attached read-only
  std::string channel;    // unix socket that QEMU binds for the guest's stage reports
};

class HypervisorListener {
 public:
  virtual ~HypervisorListener() = default;
  // A domain changed, or the connection came or went: observe again. From any thread.
  virtual void on_hypervisor_change() = 0;
};

// libvirt. Every method blocks and is idempotent; safe to call from several threads for different
// VMs. After libvirtd restarts, the next call reconnects and registers for events again.
class Hypervisor {
 public:
  virtual ~Hypervisor() = default;

  // All domains that carry our metadata. `unavailable`: libvirtd does not answer.
  virtual Result<std::vector<ObservedVm>> list() = 0;

  // Overlay volumes that exist in the pool.
  virtual Result<std::vector<ObservedVmFiles>> volumes() = 0;

  // Makes the overlay where missing, defines the domain (autostart off) and brings it to run: it is started, resumed when
  // it is paused, or ended and begun again when it was half started. From then on it runs under `vm.restart`. One that
  // runs already at this generation is success. `already_exists`: a domain with this id or name is not ours or newer: left
  // alone. `in_doubt`: observe again.
  virtual Result<void> start(const VmSpec& vm, const OrderId& order, const NetworkSpec& network,
                             const VmPaths& paths) = 0;

  // Asks the guest to switch itself off, or with `hard` switches it off. Does not wait for it to happen. Not there, not
  // ours or off already: success.
  virtual Result<void> stop(const NodeId& id, std::uint64_t generation, bool hard) = 0;

  // Destroys and undefines the domain when its generation is at most this one, and deletes the
  // overlays of all generations up to it. Absent is success.
  virtual Result<void> remove(const NodeId& id, std::uint64_t generation) = 0;

  // Whether guests run on KVM: found by trying, not by the device file.
  virtual bool hardware_virtualisation() = 0;
};

}  // namespace dure::host
