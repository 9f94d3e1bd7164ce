#pragma once

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
  bool runs() const { return loop_ != nullptr; }

  control::FakeStore& store() { return store_; }
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
  control::FakeClusterIdentities identities_;
  control::FakeBootstrapDocuments documents_;
  control::FakeStore store_;
  control::InboxApi api_;
  std::uint64_t life_ = 0;
  std::unique_ptr<control::ControlLoop> loop_;
  std::vector<control::ControlEvent> waiting_;
};

}  // namespace dure::sim
