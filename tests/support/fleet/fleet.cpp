#include "tests/support/fleet/fleet.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "common/event_queue.h"
#include "common/system.h"
#include "hostagent/app/agent_loop.h"
#include "hostagent/app/key_files.h"
#include "hostagent/edges/zmq/curve_keys.h"
#include "hostagent/edges/zmq/zmq_control_link.h"
#include "tests/support/fake_blob_store.h"
#include "tests/support/fake_dataplane.h"
#include "tests/support/fake_guest_channels.h"
#include "tests/support/fake_hypervisor.h"
#include "tests/support/fake_journal.h"
#include "tests/support/fake_machine.h"
#include "tests/support/fake_seed_store.h"

namespace dure::fleet {
namespace {

using namespace dure::host;

struct Addressed {
  std::size_t agent = 0;
  AgentEvent event;
};
using Queue = EventQueue<Addressed>;

// A control node that serves whatever is asked for.
class ServedBlobs : public FakeBlobStore {
 public:
  Result<void> fetch(const BlobRef& blob, std::function<void(std::uint64_t)> progress) override {
    serve(blob.digest, blob.size_bytes);
    return FakeBlobStore::fetch(blob, std::move(progress));
  }
};

// One agent: its fakes, its listeners, its loop.
class Member : public AgentInbox,
               public ControlLinkListener,
               public HypervisorListener,
               public GuestListener,
               public TaskRunner {
 public:
  Member(std::size_t index, Queue& queue, SteadyClock& steady, Clock& clock)
      : index_(index), queue_(queue), steady_(steady), clock_(clock) {}

  Result<void> start(const FleetOptions& options, const ControlBundle& bundle, Random& random) {
    const auto keys = load_key_files(options.directory + "/" + std::to_string(index_));
    if (!keys) return keys.error();
    auto link = ZmqControlLink::create(
        {options.endpoint, keys->curve.secret_key, bundle.curve_key}, *this);
    if (!link) return link.error();
    link_ = std::move(*link);
    AgentIdentity identity;
    identity.system = bundle.system;
    identity.host = keys->host;
    identity.session = SessionId{uuid_from_random(random.bytes16())};
    identity.boot = BootId{uuid_from_random(random.bytes16())};
    identity.version = "fleet";
    identity.capacity = {64, 1 << 20, 1 << 14, true};
    identity.channels_dir = "channels";
    loop_ = std::make_unique<AgentLoop>(
        AgentParts{steady_, clock_, {*this, *this, *this, *this, *this}, *this, *link_, journal_, hypervisor_, dataplane_,
                   firewall_, blobs_, seeds_, guests_, machine_, bundle.signing},
        identity);
    return loop_->start();
  }

  void handle(AgentEvent event) {
    std::vector<AgentEvent> events;
    events.push_back(std::move(event));
    wake_ = loop_->step(std::move(events));
  }

  // Guests boot at once and say so with every tick, as guests do.
  void tick() {
    for (const auto& guest : guests_.watched()) {
      GuestStatus status;
      for (const char* stage : {"booted", "network", "configured", "ready"}) {
        status.stages.push_back({stage, 1});
      }
      guests_.say(guest.socket_path, std::move(status));
    }
    if (steady_.now() >= wake_) wake_ = loop_->step({});
  }

  void post(AgentEvent event) override { queue_.push_always({index_, std::move(event)}); }
  void on_envelope(std::string bytes) override { post(EnvelopeReceived{std::move(bytes)}); }
  void on_hypervisor_change() override { post(HypervisorChanged{}); }
  void on_guest_status(const NodeId& vm, GuestStatus status) override {
    handle(GuestSpoke{vm, std::move(status)});
  }
  void run(std::function<void()> job) override { job(); }

 private:
  std::size_t index_;
  Queue& queue_;
  SteadyClock& steady_;
  Clock& clock_;
  FakeMachine machine_;
  SteadyPoint wake_;
  FakeHypervisor hypervisor_{this};
  FakeDataplane dataplane_;
  FakeFirewall firewall_;
  ServedBlobs blobs_;
  FakeSeedStore seeds_;
  FakeJournal journal_;
  FakeGuestChannels guests_{*this};
  std::unique_ptr<AgentLoop> loop_;
  std::unique_ptr<ZmqControlLink> link_;
};

}  // namespace

Result<void> make_keys(const std::string& directory, std::size_t count) {
  SystemRandom random;
  for (std::size_t i = 0; i < count; ++i) {
    const auto pair = generate_curve_keys();
    if (!pair) return pair.error();
    if (auto made = init_key_files(directory + "/" + std::to_string(i),
                                   {pair->public_key, pair->secret_key}, random);
        !made) {
      return made;
    }
  }
  return {};
}

Result<void> run(const FleetOptions& options) {
  const auto bundle = load_bundle(options.bundle);
  if (!bundle) return bundle.error();
  auto signals = SignalWaiter::open();
  if (!signals) return signals.error();
  SystemClock clock;
  SystemSteadyClock steady;
  SystemRandom random;
  Queue queue(1);  // everything is pushed with push_always
  std::vector<std::unique_ptr<Member>> members;
  for (std::size_t i = 0; i < options.count; ++i) {
    members.push_back(std::make_unique<Member>(i, queue, steady, clock));
    if (auto started = members.back()->start(options, *bundle, random); !started) return started;
  }
  StopOnSignal stopper(*signals, [&] { queue.close(); });
  auto next_tick = steady.now();
  while (!queue.closed()) {
    const auto left = std::max(next_tick - steady.now(), Duration::zero());
    for (auto& one : queue.pop_all(std::chrono::steady_clock::now() + left)) {
      members[one.agent]->handle(std::move(one.event));
    }
    if (steady.now() < next_tick) continue;
    next_tick = steady.now() + std::chrono::milliseconds(500);
    for (auto& member : members) member->tick();
  }
  return {};
}

}  // namespace dure::fleet
