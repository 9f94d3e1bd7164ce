#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hostagent/app/agent_loop.h"
#include "tests/sim/network.h"
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

// One PC: what outlives the agent's process (hypervisor, kernel, disks, journal) and, while it runs,
// the real agent loop over it.
class SimHost : public host::AgentInbox,
                public host::ControlLink,
                public host::ControlLinkListener,
                public host::HypervisorListener,
                public host::GuestListener,
                public host::RoundTripListener,
                public TaskRunner {
 public:
  SimHost(World& world, Network& network, HostId id, SystemId system,
          const wire::VerifyingKey& control_key);

  void start_agent();
  void kill_agent();  // what was under way may or may not have happened
  void power_cycle();  // the PC is switched off and on; its agent starts with it
  bool agent_runs() const { return loop_ != nullptr; }

  const HostId& id() const { return id_; }
  host::FakeHypervisor& hypervisor() { return hypervisor_; }
  host::FakeDataplane& dataplane() { return dataplane_; }
  host::FakeFirewall& firewall() { return firewall_; }
  host::FakeSeedStore& seeds() { return seeds_; }
  host::FakeJournal& journal() { return journal_; }
  host::FakeRoundTrips& round_trips() { return round_trips_; }
  std::vector<host::WatchedGuest> watched() const { return guests_.watched(); }
  // How often at most in one second the agent has woken up although nothing had happened.
  std::size_t idle_wakeups() const { return most_idle_; }

  void post(host::AgentEvent event) override;
  Result<void> send(std::string bytes) override;
  std::size_t send_all(std::vector<std::string> messages) override;
  void on_envelope(std::string bytes) override;
  void on_hypervisor_change() override;
  void on_guest_status(const NodeId& vm, host::GuestStatus status) override;
  void on_round_trips(std::vector<host::MeasuredRoundTrip> measured) override;
  void run(std::function<void()> job) override;

 private:
  void step_at(TimePoint when);
  void step();
  void guests_speak();
  void sites_answer();

  World& world_;
  Network& network_;
  HostId id_;
  SystemId system_;
  const wire::VerifyingKey& control_key_;
  std::vector<host::AgentEvent> waiting_;
  TimePoint due_{};         // of the next step
  TimePoint idle_since_{};
  std::size_t idle_ = 0, most_idle_ = 0;
  std::uint64_t life_ = 0;  // raised at each start and kill: what an earlier life planned is void
  std::uint64_t boot_ = 0;          // what was under way before the PC was switched off never happens
  std::uint64_t posting_life_ = 0;  // of whom what is posted comes

  host::FakeHypervisor hypervisor_;
  host::FakeDataplane dataplane_;
  host::FakeFirewall firewall_;
  host::FakeBlobStore blobs_;
  host::FakeSeedStore seeds_;
  host::FakeJournal journal_;
  host::FakeGuestChannels guests_;
  host::FakeRoundTrips round_trips_;
  host::FakeMachine machine_;
  std::unique_ptr<host::AgentLoop> loop_;
  std::vector<std::unique_ptr<host::AgentLoop>> dead_;  // their last jobs still refer to them
  std::map<NodeId, TimePoint> running_since_;
};

}  // namespace dure::sim
