#include "tests/sim/sim_host.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "hostagent/app/executor.h"

namespace dure::sim {
namespace {

constexpr const char* kChannels = "channels";

}  // namespace

SimHost::SimHost(World& world, Network& network, HostId id, SystemId system,
                 const wire::VerifyingKey& control_key)
    : world_(world),
      network_(network),
      id_(id),
      system_(system),
      control_key_(control_key),
      hypervisor_(this),
      guests_(*this),
      round_trips_(*this) {
  blobs_.serve(Digest{{1}}, 1000);
  blobs_.serve(Digest{{2}}, 100);
}

void SimHost::start_agent() {
  posting_life_ = ++life_;
  host::AgentIdentity identity;
  identity.system = system_;
  identity.host = id_;
  identity.session = SessionId{uuid_from_random(world_.bytes16())};
  identity.boot = BootId{id_.uuid};
  identity.version = "sim";
  identity.capacity = {8, 16384, 200, true};
  identity.channels_dir = kChannels;
  loop_ = std::make_unique<host::AgentLoop>(
      host::AgentParts{world_.steady(), world_, {*this, *this, *this, *this}, *this, *this, journal_, hypervisor_, dataplane_,
                       firewall_, blobs_, seeds_, guests_, machine_, control_key_, nullptr, &round_trips_},
      identity);
  network_.connect(id_, this);
  world_.note("agent starts " + id_.str());
  const auto started = loop_->start();
  if (!started) throw std::runtime_error("agent: " + started.error().message);
  waiting_.clear();
  due_ = {std::numeric_limits<std::int64_t>::max()};
  step_at(world_.now());
  guests_speak();
  sites_answer();
}

void SimHost::kill_agent() {
  posting_life_ = ++life_;
  network_.disconnect(id_);
  guests_.watch({});
  round_trips_.measure({});
  dead_.push_back(std::move(loop_));
  world_.note("agent dies " + id_.str());
}

void SimHost::power_cycle() {
  if (agent_runs()) kill_agent();
  ++boot_;
  hypervisor_.fail = nullptr;
  hypervisor_.reboot();
  dataplane_.reboot();
  firewall_.reboot();
  running_since_.clear();
  start_agent();
}

// The production driver's rule (agent_queue.cpp): the loop is called with all that waits, when something waits or when it
// asked to be called. A step takes its time, so that a loop which asks to be called at once is called again and again.
void SimHost::step_at(TimePoint when) {
  if (when >= due_) return;
  due_ = when;
  world_.at(when, [this, life = life_, when] {
    if (life == life_ && when == due_) step();
  });
}

void SimHost::step() {
  due_ = {std::numeric_limits<std::int64_t>::max()};
  if (world_.now() - idle_since_ >= std::chrono::seconds(1)) idle_since_ = world_.now(), idle_ = 0;
  if (waiting_.empty()) most_idle_ = std::max(most_idle_, ++idle_);
  const auto wake = loop_->step(std::exchange(waiting_, {}));
  step_at(std::max(TimePoint{wake.us}, world_.now() + Duration{50}));
}

void SimHost::post(host::AgentEvent event) {
  if (posting_life_ != life_) return;
  waiting_.push_back(std::move(event));
  step_at(world_.now() + world_.between(Duration{20}, Duration{2000}));
}

Result<void> SimHost::send(std::string bytes) {
  world_.note(bytes);
  return network_.send_to_control(id_, std::move(bytes));
}

std::size_t SimHost::send_all(std::vector<std::string> messages) {
  std::size_t sent = 0;
  for (auto& bytes : messages) sent += send(std::move(bytes)).ok() ? 1 : 0;
  return sent;
}

void SimHost::on_envelope(std::string bytes) { post(host::EnvelopeReceived{std::move(bytes)}); }
void SimHost::on_hypervisor_change() {
  if (loop_) post(host::HypervisorChanged{});
}
void SimHost::on_guest_status(const NodeId& vm, host::GuestStatus status) {
  post(host::GuestSpoke{vm, std::move(status)});
}

void SimHost::on_round_trips(std::vector<host::MeasuredRoundTrip> measured) {
  post(host::RoundTripsMeasured{std::move(measured)});
}

void SimHost::run(std::function<void()> job) {
  const auto delay = world_.between(Duration{500}, std::chrono::milliseconds(400));
  world_.after(delay, [this, life = life_, boot = boot_, job = std::move(job)] {
    if (boot != boot_) return;
    // A job of a killed agent may have got through all the same, unseen by its successor: its
    // outcome is dropped by post(), which compares lives.
    if (life == life_ || world_.chance(50)) {
      const auto before = std::exchange(posting_life_, life);
      job();
      posting_life_ = before;
    }
  });
}

// Every guest repeats its stages; it boots in four steps.
void SimHost::guests_speak() {
  world_.after(std::chrono::seconds(2), [this, life = life_] {
    if (life != life_) return;
    for (const auto& guest : guests_.watched()) {
      auto [since, fresh] = running_since_.try_emplace(guest.vm, world_.now());
      host::GuestStatus status;
      std::int64_t seconds = 0;
      for (const char* stage : {"booted", "network", "configured", "ready"}) {
        if (world_.now() - since->second < std::chrono::seconds(seconds)) break;
        status.stages.push_back({stage, static_cast<std::uint64_t>(seconds * 1000)});
        seconds += 4;
      }
      guests_.say(guest.socket_path, std::move(status));
    }
    guests_speak();
  });
}

void SimHost::sites_answer() {
  world_.after(std::chrono::seconds(60), [this, life = life_] {
    if (life != life_) return;
    round_trips_.round();
    sites_answer();
  });
}

}  // namespace dure::sim
