#include "tests/sim/sim_control.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace dure::sim {

SimControl::SimControl(World& world, Network& network, SystemId system, const wire::SigningKey& key)
    : world_(world), network_(network), system_(system), key_(key), api_(*this) {}

void SimControl::start() {
  ++life_;
  loop_ = std::make_unique<control::ControlLoop>(
      control::ControlParts{world_, world_.steady(), world_, store_, network_, key_, identities_, documents_}, system_, control::Settings{},
      "sim-" + std::to_string(life_));
  network_.listen(&api_);
  world_.note("control starts");
  if (auto started = loop_->start(); !started && started.error().code != Errc::unavailable) {
    throw std::runtime_error("control: " + started.error().message);
  }
  wake_at(loop_->next_wake());
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
  auto batch = std::exchange(waiting_, {});
  batch.emplace_back(control::TimePassed{});
  // Sometimes more waits, so that it is decided upon a commit that has not ended.
  if (auto handled = loop_->handle(std::move(batch), [this] { return world_.chance(50); }); !handled) {
    throw std::runtime_error("control: " + handled.error().message);
  }
  if (loop_->next_wake() > world_.steady().now()) return;
  world_.after(world_.between(std::chrono::milliseconds(1), std::chrono::milliseconds(5)), [this, life = life_] {
    if (life == life_) drain();
  });
}

void SimControl::wake_at(SteadyPoint when) {
  world_.at(TimePoint{when.us}, [this, life = life_] {
    if (life != life_) return;
    drain();
    wake_at(std::max(loop_->next_wake(), world_.steady().now() + std::chrono::milliseconds(1)));
  });
}

}  // namespace dure::sim
