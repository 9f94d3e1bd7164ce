#include "tests/sim/sim_host.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "hostagent/app/executor.h"
#include "protocol/wire/codec.h"

namespace dure::sim {
namespace {

constexpr const char* kChannels = "channels";
constexpr std::uint64_t kForgedEpoch = 1'000'000'000;

}  // namespace

SimHost::SimHost(World& world, Network& network, SimKubernetes& kubernetes, std::string name, HostId id, SystemId system,
                 const wire::VerifyingKey& control_key)
    : world_(world),
      network_(network),
      name_(std::move(name)),
      id_(id),
      system_(system),
      control_key_(control_key),
      clocks_(world),
      channels_(*this),
      round_trips_(*this),
      guests_(world, kubernetes, channels_, kChannels) {
  for (auto& lane : lanes_) lane.host = this;
  prepare_parts();
  guests_speak();
}

void SimHost::prepare_parts() {
  if (parts_) past_parts_.push_back(std::move(parts_));
  parts_ = std::make_unique<PcParts>(this);
  parts_->blobs.serve(Digest{{1}}, 1000);
  parts_->blobs.serve(Digest{{2}}, 100);
  parts_->hypervisor.fail = [this](const std::string& call, const NodeId&) { return failure(call); };
  parts_->seeds.fail = [this](const std::string& call) { return call == "make" ? failure("seed") : std::nullopt; };
  parts_->blobs.fail = [this](const BlobRef&) { return failure("fetch"); };
  parts_->dataplane.fail = [this](const std::string& call) { return call == "list" ? std::nullopt : failure(call + "-network"); };
  parts_->firewall.fail = [this](const std::string& call) { return call == "apply" ? failure("apply-firewall") : std::nullopt; };
}

std::optional<Error> SimHost::failure(const std::string& call) {
  const auto found = failures_.find(call);
  if (found == failures_.end() || found->second == 0) return std::nullopt;
  if (found->second > 0) --found->second;
  return Error{world_.chance(50) ? Errc::in_doubt : Errc::unavailable, "injected"};
}

void SimHost::work_again() {
  failures_.clear();
  for (std::size_t lane = 0; lane < kLanes; ++lane) hang(static_cast<LaneName>(lane), false);
}

void SimHost::fill_disk(bool full) {
  parts_->hypervisor.disk_full = full;
  parts_->machine.seen.conditions.clear();
  if (full) parts_->machine.seen.conditions.push_back({ConditionCode::no_space, "the disk is full"});
  if (!full) return;
  for (const auto& vm : parts_->hypervisor.domains()) {
    if (vm.state == VmState::running && world_.chance(60)) parts_->hypervisor.set_state(vm.id, VmState::paused);
  }
}

void SimHost::start_agent() {
  posting_life_ = ++life_;
  host::AgentIdentity identity;
  identity.system = system_;
  identity.host = id_;
  identity.session = SessionId{uuid_from_random(world_.bytes16())};
  identity.boot = boot_id_;
  identity.version = "sim";
  identity.capacity = {8, 16384, 200, true};
  identity.channels_dir = kChannels;
  const auto lane = [this](LaneName name) -> TaskRunner& { return lanes_[static_cast<std::size_t>(name)]; };
  loop_ = std::make_unique<host::AgentLoop>(
      host::AgentParts{clocks_.steady(), clocks_.date(),
                       {lane(LaneName::looks), lane(LaneName::glances), lane(LaneName::fetches), lane(LaneName::networks), lane(LaneName::vms)},
                       *this, *this, parts_->journal, parts_->hypervisor, parts_->dataplane, parts_->firewall, parts_->blobs,
                       parts_->seeds, channels_, parts_->machine, control_key_, nullptr, &round_trips_},
      identity);
  network_.connect(id_, this);
  world_.note("agent starts " + id_.str());
  const auto started = loop_->start();
  if (!started) throw std::runtime_error("agent: " + started.error().message);
  waiting_.clear();
  due_ = {std::numeric_limits<std::int64_t>::max()};
  step_at(world_.now());
  sites_answer();
}

void SimHost::kill_agent() {
  posting_life_ = ++life_;
  network_.disconnect(id_);
  channels_.watch({});
  round_trips_.measure({});
  dead_.push_back(std::move(loop_));
  // A call into the kernel ends with its process. What libvirt was asked for takes effect soon or not at all.
  for (auto& lane : lanes_) {
    auto held = std::exchange(lane.held, {});
    if (&lane != &lanes_[static_cast<std::size_t>(LaneName::vms)]) continue;
    for (auto& job : held) world_.after(world_.between(Duration{500}, std::chrono::seconds(30)), std::move(job));
  }
  world_.note("agent dies " + id_.str());
}

// What was under way never ends.
void SimHost::switched_off() {
  if (agent_runs()) kill_agent();
  ++boot_;
  boot_id_ = BootId{uuid_from_random(world_.bytes16())};
  for (auto& lane : lanes_) lane.held.clear();
}

void SimHost::power_cycle() {
  switched_off();
  work_again();
  clocks_.switched_on();
  parts_->hypervisor.reboot();
  parts_->dataplane.reboot();
  parts_->firewall.reboot();
  start_agent();
  guests_speak();
}

void SimHost::die() {
  switched_off();
  parts_->hypervisor.reboot();
  dead_pc_ = true;
  world_.note("pc dies " + id_.str());
}

void SimHost::set_up_anew(HostId id, bool keep_disk) {
  switched_off();
  work_again();
  clocks_.switched_on();
  id_ = id;
  dead_pc_ = lies_ = false;
  guests_.begin_anew();
  if (keep_disk) {
    parts_->hypervisor.reboot();
    parts_->dataplane.reboot();
    parts_->firewall.reboot();
    parts_->journal.lose();
  } else {
    prepare_parts();
  }
  start_agent();
  guests_speak();
}

void SimHost::hang(LaneName name, bool hangs) {
  Lane& lane = lanes_[static_cast<std::size_t>(name)];
  lane.hangs = hangs;
  if (hangs) return;
  for (auto& job : std::exchange(lane.held, {})) {
    world_.after(world_.between(Duration{500}, std::chrono::seconds(1)), std::move(job));
  }
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
  step_at(std::max(clocks_.true_date(wake), world_.now() + Duration{50}));
}

void SimHost::post(host::AgentEvent event) {
  if (posting_life_ != life_ || !agent_runs()) return;
  waiting_.push_back(std::move(event));
  step_at(world_.now() + world_.between(Duration{20}, Duration{2000}));
}

Result<void> SimHost::send(std::string bytes) {
  world_.note(bytes);
  return network_.send_to_control(id_, lies_ ? lied_about(bytes) : std::move(bytes));
}

// A host that is not one's friend: it has its key, and says what it likes.
std::string SimHost::lied_about(const std::string& bytes) {
  auto message = wire::decode_agent_message(bytes);
  auto* report = message ? std::get_if<HostReport>(&*message) : nullptr;
  if (report == nullptr || world_.chance(10)) return std::string(world_.below(64), '\xff');
  report->highest_fence.epoch = kForgedEpoch + world_.below(1000);
  if (world_.chance(50)) report->fence_proof = std::string(64, 'x');
  return wire::encode(*message);
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

void SimHost::start(Lane& lane, std::function<void()> job) {
  const auto delay = world_.between(Duration{500}, std::chrono::milliseconds(400));
  auto ends = [this, life = life_, boot = boot_, job = std::move(job)] {
    if (boot != boot_) return;
    // A job of a killed agent may have got through all the same, unseen by its successor: its
    // outcome is dropped by post(), which compares lives.
    if (life == life_ || world_.chance(50)) {
      const auto before = std::exchange(posting_life_, life);
      job();
      posting_life_ = before;
    }
  };
  world_.after(delay, [this, &lane, life = life_, ends = std::move(ends)]() mutable { end(lane, life, std::move(ends)); });
}

void SimHost::end(Lane& lane, std::uint64_t life, std::function<void()> job) {
  if (lane.hangs && life == life_) {
    lane.held.push_back(std::move(job));
  } else {
    job();
  }
}

void SimHost::guests_speak() {
  world_.after(std::chrono::seconds(4), [this, boot = boot_] {
    if (boot != boot_) return;
    guests_.step(parts_->hypervisor);
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
