#pragma once

#include <map>
#include <string>
#include <utility>

#include "tests/sim/sim_kubernetes.h"
#include "tests/sim/world.h"
#include "tests/support/fake_bootstrap_documents.h"
#include "tests/support/fake_guest_channels.h"
#include "tests/support/fake_hypervisor.h"

namespace dure::sim {

// What runs in the VMs of one PC: it boots, says its stages, and is a member of its Kubernetes cluster. Its disk outlives
// its boots and goes with its VM.
class SimGuests {
 public:
  SimGuests(World& world, SimKubernetes& kubernetes, host::FakeGuestChannels& channels, std::string channels_dir)
      : world_(world), kubernetes_(kubernetes), channels_(channels), channels_dir_(std::move(channels_dir)) {}

  // Every few seconds.
  void step(host::FakeHypervisor& hypervisor);

  // What may become of one that runs.
  void reboot(const NodeId& vm);         // its kernel panics, or its user asks for it
  void fall_silent(const NodeId& vm, bool silent);
  void kill_kubelet(const NodeId& vm, bool dead);
  void wake_all();                       // nobody is silent, every kubelet lives
  // Its PC was given up and lives on: the other hosts do not send to it, and its guests are alone.
  void leave_alone(bool alone) { alone_ = alone; }
  void begin_anew() { guests_.clear(), alone_ = false; }

  // The truth: it has booted and all that makes it ready is there.
  bool ready(const NodeId& vm) const;
  Uuid boot_of(const NodeId& vm) const;

 private:
  struct Guest {
    // Its disk.
    std::string document;
    bool joined = false;
    // This boot.
    std::uint64_t starts = 0, reboots = 0, booted_reboots = 0;
    Uuid boot;
    TimePoint booted_at;
    Duration takes{};
    bool silent = false, kubelet_dead = false, ready = false;
  };
  using Key = std::pair<NodeId, std::uint64_t>;  // with its generation

  void begin_boot(Guest& guest, std::uint64_t starts);
  host::GuestStatus speak(Guest& guest, const VmSpec& vm);
  void join(Guest& guest, const control::FakeDocument& document, const VmSpec& vm, host::GuestStatus& status);
  void do_duties(const Guest& guest, const control::FakeDocument& document, host::GuestStatus& status);
  Guest* running(const NodeId& vm);

  World& world_;
  SimKubernetes& kubernetes_;
  host::FakeGuestChannels& channels_;
  std::string channels_dir_;
  std::map<Key, Guest> guests_;
  bool alone_ = false;
};

}  // namespace dure::sim
