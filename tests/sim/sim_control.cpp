#include "tests/sim/sim_control.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace dure::sim {

SimControl::SimControl(World& world, Network& network, SystemId system, const wire::SigningKey& key)
    : world_(world), network_(network), system_(system), key_(key), clocks_(world), api_(*this) {
  settings_.lease_grace_s = 600;  // within one run
  if (world.chance(30)) settings_.cluster_prefix_length = 28;  // so few addresses that they come round
}


void SimControl::start() {
  ++life_;
  loop_ = std::make_unique<control::ControlLoop>(
      control::ControlParts{clocks_.date(), clocks_.steady(), world_, store_, network_, key_, identities_, documents_}, system_, settings_,
      "sim-" + std::to_string(life_));
  network_.listen(&api_);
  world_.note("control starts");
  if (auto started = loop_->start(); !started && started.error().code != Errc::unavailable) {
    throw std::runtime_error("control: " + started.error().message);
  }
  wake_at(loop_->next_wake());
}

void SimControl::reboot() {
  if (runs()) kill();
  clocks_.switched_on();
  start();
}

void SimControl::kill() {
  ++life_;
  network_.listen(nullptr);
  // Whoever waits for an answer has lost the connection.
  for (auto& event : waiting_) {
    if (auto* request = std::get_if<control::RequestArrived>(&event)) {
      request->done(Error{Errc::in_doubt, "connection lost"});
    }
  }
  waiting_.clear();
  loop_.reset();
  world_.note("control dies");
}

bool SimControl::post(control::ControlEvent event) {
  if (!runs()) return false;
  // Events that arrive close together make one batch.
  if (waiting_.empty()) {
    world_.after(world_.between(Duration{0}, std::chrono::milliseconds(5)), [this, life = life_] {
      if (life == life_) drain();
    });
  }
  waiting_.push_back(std::move(event));
  return true;
}

void SimControl::drain() {
  if (world_.now() - idle_since_ >= std::chrono::seconds(1)) idle_since_ = world_.now(), idle_ = 0;
  if (waiting_.empty()) most_idle_ = std::max(most_idle_, ++idle_);
  auto batch = std::exchange(waiting_, {});
  batch.emplace_back(control::TimePassed{});
  // Sometimes more waits, so that it is decided upon a commit that has not ended.
  if (auto handled = loop_->handle(std::move(batch), [this] { return world_.chance(50); }); !handled) {
    throw std::runtime_error("control: " + handled.error().message);
  }
  if (loop_->next_wake() > clocks_.steady().now()) return;
  world_.after(world_.between(std::chrono::milliseconds(1), std::chrono::milliseconds(5)), [this, life = life_] {
    if (life == life_) drain();
  });
}

void SimControl::wake_at(SteadyPoint when) {
  world_.at(clocks_.true_date(when), [this, life = life_] {
    if (life != life_) return;
    drain();
    wake_at(std::max(loop_->next_wake(), clocks_.steady().now() + std::chrono::milliseconds(1)));
  });
}

}  // namespace dure::sim
