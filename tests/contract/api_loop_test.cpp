#include <utility>

#include "controlnode/app/control_loop.h"
#include "controlnode/app/inbox_api.h"
#include "tests/contract/api_contract.h"
#include "tests/support/fake_agent_link.h"
#include "tests/support/fake_bootstrap_documents.h"
#include "tests/support/fake_cluster_identities.h"
#include "tests/support/fake_store.h"

namespace dure::control::contract {
namespace {

constexpr std::size_t kCapacity = 8;

class SmallInbox : public ControlInbox {
 public:
  bool post(ControlEvent event) override {
    if (waiting.size() >= kCapacity) return false;
    waiting.push_back(std::move(event));
    return true;
  }
  std::vector<ControlEvent> waiting;
};

class StepClock : public Clock {
 public:
  // A little later at each look, so that what is due becomes due.
  TimePoint now() override { return now_ = now_ + std::chrono::milliseconds(600); }

 private:
  TimePoint now_{1'700'000'000'000'000};
};

class StepSteadyClock : public SteadyClock {
 public:
  SteadyPoint now() override { return {clock_.now().us}; }

 private:
  StepClock clock_;
};

class CountingRandom : public Random {
 public:
  std::array<std::uint8_t, 16> bytes16() override {
    std::array<std::uint8_t, 16> bytes{};
    bytes[0] = ++count_;
    return bytes;
  }

 private:
  std::uint8_t count_ = 0;
};

SystemId system_id() {
  SystemId id;
  id.uuid.bytes[0] = 1;
  return id;
}

class LoopWorld : public ApiWorld {
 public:
  LoopWorld() { REQUIRE(loop_.start().ok()); }

  Api& api() override { return api_; }
  void settle() override {
    auto batch = std::exchange(inbox_.waiting, {});
    REQUIRE(loop_.handle(std::move(batch)).ok());
  }
  void set_away(bool away) override {
    store_.set_down(away);
    // The loop hears of it with the next commit, or that it is back with the passing of time.
    api_.submit(CreateSite{"unnoticed", 1500}, [](const Result<Reply>&) {});
    settle();
    for (int i = 0; i < 4; ++i) {
      inbox_.post(TimePassed{});
      settle();
    }
    if (away) return;
    api_.submit(DeleteObject{"site", "unnoticed"}, [](const Result<Reply>&) {});
    settle();
  }

  SmallInbox inbox_;

 private:
  StepClock clock_;
  StepSteadyClock steady_;
  CountingRandom random_;
  FakeStore store_;
  InboxApi api_{inbox_};
  FakeAgentLink agents_{api_};
  wire::SigningKey key_ = wire::SigningKey::generate().value();
  FakeClusterIdentities identities_;
  FakeBootstrapDocuments documents_;
  ControlLoop loop_{{clock_, steady_, random_, store_, agents_, key_, identities_, documents_}, system_id(), Settings{}, "test"};
};

}  // namespace

std::unique_ptr<ApiWorld> make_api_world() { return std::make_unique<LoopWorld>(); }

TEST_CASE("inbox api: a full queue is told at once, and nothing of it is done") {
  LoopWorld world;
  int answered = 0;
  for (std::size_t i = 0; i < kCapacity; ++i) {
    world.api().query([&](const Result<ModelView>& model) {
      CHECK(model.ok());
      ++answered;
    });
  }
  std::optional<Errc> refused;
  world.api().submit(CreateSite{"east", 1500},
                     [&](const Result<Reply>& reply) { refused = reply.error().code; });
  CHECK(refused == Errc::unavailable);
  CHECK(answered == 0);
  world.settle();
  CHECK(answered == static_cast<int>(kCapacity));
  CHECK(sites(world)->empty());
}

}  // namespace dure::control::contract
