#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hostagent/app/agent_loop.h"
#include "tests/sim/network.h"
#include "tests/sim/sim_guests.h"
#include "tests/sim/world.h"
#include "tests/support/fake_blob_store.h"
#include "tests/support/fake_dataplane.h"
#include "tests/support/fake_guest_channels.h"
#include "tests/support/fake_hypervisor.h"
#include "tests/support/fake_journal.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_round_trips.h"
#include "tests/support/fake_seed_store.h"

namespace dure::sim {

// What outlives the agent's process: hypervisor, kernel, disk.
struct PcParts {
  explicit PcParts(host::HypervisorListener* listener) : hypervisor(listener) {}

  host::FakeHypervisor hypervisor;
  host::FakeDataplane dataplane;
  host::FakeFirewall firewall;
  host::FakeBlobStore blobs;
  host::FakeSeedStore seeds;
  host::FakeJournal journal;
  host::FakeMachine machine;
};

// One PC and, while it runs, the real agent loop over it, driven by the production driver's rule.
class SimHost : public host::AgentInbox,
                public host::ControlLink,
                public host::ControlLinkListener,
                public host::HypervisorListener,
                public host::GuestListener,
                public host::RoundTripListener {
 public:
  // What takes time and may never return.
  enum class LaneName : std::uint8_t { looks, glances, fetches, networks, vms };
  static constexpr std::size_t kLanes = 5;

  SimHost(World& world, Network& network, SimKubernetes& kubernetes, std::string name, HostId id, SystemId system,
          const wire::VerifyingKey& control_key);

  void start_agent();
  void kill_agent();   // what was under way may or may not have happened
  void power_cycle();  // the PC is switched off and on; its agent starts with it
  void die();          // the plug is pulled and never put back
  // The PC is set up anew under another id, its old disk kept beside or not; its agent starts.
  void set_up_anew(HostId id, bool keep_disk);
  bool agent_runs() const { return loop_ != nullptr; }
  bool dead() const { return dead_pc_; }

  // Calls of this kind do not return until they are let go.
  void hang(LaneName lane, bool hangs);
  // The next so many calls of these fail: "fetch", "list", "volumes", "start", "stop", "remove" (of a VM), "seed",
  // "apply-network", "remove-network", "apply-firewall".
  void fail_next(const std::string& call, int times) { failures_[call] = times; }
  void fail_always(const std::string& call, bool fails) { failures_[call] = fails ? kAlways : 0; }
  void work_again();            // nothing fails or hangs any more
  void fill_disk(bool full);
  // What the agent says of its fence is a lie from now on.
  void lie(bool lies) { lies_ = lies; }

  const std::string& name() const { return name_; }
  const HostId& id() const { return id_; }
  Clocks& clocks() { return clocks_; }
  host::FakeHypervisor& hypervisor() const { return parts_->hypervisor; }
  host::FakeDataplane& dataplane() const { return parts_->dataplane; }
  host::FakeFirewall& firewall() const { return parts_->firewall; }
  host::FakeSeedStore& seeds() const { return parts_->seeds; }
  host::FakeBlobStore& blobs() const { return parts_->blobs; }
  host::FakeJournal& journal() const { return parts_->journal; }
  host::FakeRoundTrips& round_trips() { return round_trips_; }
  SimGuests& guests() { return guests_; }
  const SimGuests& guests() const { return guests_; }
  std::vector<host::WatchedGuest> watched() const { return channels_.watched(); }
  // How often at most in one second the agent has woken up although nothing had happened.
  std::size_t idle_wakeups() const { return most_idle_; }

  void post(host::AgentEvent event) override;
  Result<void> send(std::string bytes) override;
  std::size_t send_all(std::vector<std::string> messages) override;
  void on_envelope(std::string bytes) override;
  void on_hypervisor_change() override;
  void on_guest_status(const NodeId& vm, host::GuestStatus status) override;
  void on_round_trips(std::vector<host::MeasuredRoundTrip> measured) override;

 private:
  static constexpr int kAlways = -1;

  struct Lane : TaskRunner {
    void run(std::function<void()> job) override { host->start(*this, std::move(job)); }
    SimHost* host = nullptr;
    bool hangs = false;
    std::vector<std::function<void()>> held{};
  };

  void prepare_parts();
  std::optional<Error> failure(const std::string& call);
  void start(Lane& lane, std::function<void()> job);
  void end(Lane& lane, std::uint64_t life, std::function<void()> job);
  void switched_off();
  void step_at(TimePoint when);
  void step();
  void guests_speak();
  void sites_answer();
  std::string lied_about(const std::string& bytes);

  World& world_;
  Network& network_;
  std::string name_;
  HostId id_;
  SystemId system_;
  const wire::VerifyingKey& control_key_;
  Clocks clocks_;
  std::vector<host::AgentEvent> waiting_;
  TimePoint due_{};         // of the next step
  TimePoint idle_since_{};
  std::size_t idle_ = 0, most_idle_ = 0;
  std::uint64_t life_ = 0;  // raised at each start and kill: what an earlier life planned is void
  std::uint64_t boot_ = 0;          // what was under way before the PC was switched off never happens
  BootId boot_id_;
  std::uint64_t posting_life_ = 0;  // of whom what is posted comes
  bool dead_pc_ = false, lies_ = false;

  std::map<std::string, int> failures_;
  std::array<Lane, kLanes> lanes_;
  std::unique_ptr<PcParts> parts_;
  std::vector<std::unique_ptr<PcParts>> past_parts_;  // jobs of dead loops still refer to them
  host::FakeGuestChannels channels_;
  host::FakeRoundTrips round_trips_;
  SimGuests guests_;
  std::unique_ptr<host::AgentLoop> loop_;
  std::vector<std::unique_ptr<host::AgentLoop>> dead_;  // their last jobs still refer to them
};

}  // namespace dure::sim
