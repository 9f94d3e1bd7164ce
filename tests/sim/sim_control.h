#pragma once

#include <cstddef>
#include <memory>

#include "controlnode/app/control_loop.h"
#include "controlnode/app/inbox_api.h"
#include "tests/support/fake_bootstrap_documents.h"
#include "tests/support/fake_cluster_identities.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"
#include "tests/support/fake_store.h"

namespace dure::sim {

// The control node: the store outlives it, the real loop runs while it is alive.
class SimControl : public control::ControlInbox {
 public:
  SimControl(World& world, Network& network, SystemId system, const wire::SigningKey& key);

  void start();
  void kill();
  void reboot();  // its PC is switched off and on
  bool runs() const { return loop_ != nullptr; }
  // How often a program has taken the lead at most: as often as it was started, or has lost its database.
  std::uint64_t starts() const { return life_; }
  Clocks& clocks() { return clocks_; }
  // How often at most in one second it has woken up although nothing had happened.
  std::size_t idle_wakeups() const { return most_idle_; }
  const control::Settings& settings() const { return settings_; }

  control::FakeStore& store() { return store_; }
  const control::FakeStore& store() const { return store_; }
  SteadyPoint steady_now() const { return clocks_.steady_now(); }
  control::InboxApi& api() { return api_; }
  const control::Model& model() const { return loop_->model(); }
  bool serving() const { return loop_ != nullptr && loop_->serving(); }

  bool post(control::ControlEvent event) override;

 private:
  void drain();
  void wake_at(SteadyPoint when);

  World& world_;
  Network& network_;
  SystemId system_;
  const wire::SigningKey& key_;
  Clocks clocks_;
  control::Settings settings_;
  control::FakeClusterIdentities identities_;
  control::FakeBootstrapDocuments documents_;
  control::FakeStore store_;
  control::InboxApi api_;
  std::uint64_t life_ = 0;
  TimePoint idle_since_{};
  std::size_t idle_ = 0, most_idle_ = 0;
  std::unique_ptr<control::ControlLoop> loop_;
  std::vector<control::ControlEvent> waiting_;
};

}  // namespace dure::sim
