#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "hostagent/ports/guest_channels.h"

namespace dure::host::contract {

class RecordingGuestListener : public GuestListener {
 public:
  struct Told {
    NodeId vm;
    GuestStatus status;
  };

  void on_guest_status(const NodeId& vm, GuestStatus status) override {
    {
      const std::lock_guard lock(mutex_);
      told_.push_back({vm, std::move(status)});
    }
    changed_.notify_all();
  }
  // The first thing told that the condition accepts; waits at most ten seconds for it.
  bool wait_for(const std::function<bool(const Told&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      for (const Told& told : told_)
        if (condition(told)) return true;
      return false;
    });
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return told_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Told> told_;
};

inline NodeId guest_number(std::uint8_t n) {
  NodeId id;
  id.uuid.bytes.fill(n);
  return id;
}

struct GuestWorld {
  GuestChannels& channels;
  RecordingGuestListener& listener;
  std::string first_path, second_path;
  // The guest behind the socket writes one well-formed line with this one stage; it says it again
  // until somebody has read it, as guests do.
  std::function<void(const std::string& path, const std::string& stage)> say;
};

inline bool hears(GuestWorld& world, const NodeId& vm, const std::string& stage) {
  return world.listener.wait_for([&](const RecordingGuestListener::Told& told) {
    return told.vm == vm && told.status.stages.size() == 1 && told.status.stages[0].name == stage;
  });
}

inline void guest_channels_contract(GuestWorld& world) {
  const NodeId first = guest_number(1), second = guest_number(2);
  world.channels.watch({{first, world.first_path}, {second, world.second_path}});
  world.say(world.first_path, "booted");
  CHECK(hears(world, first, "booted"));
  world.say(world.second_path, "network");
  CHECK(hears(world, second, "network"));

  INFO("watching the same guests again interrupts nobody");
  world.channels.watch({{second, world.second_path}, {first, world.first_path}});
  world.say(world.first_path, "ready");
  CHECK(hears(world, first, "ready"));

  INFO("another VM on the same path is told under its own id");
  const NodeId third = guest_number(3);
  world.channels.watch({{third, world.first_path}});
  world.say(world.first_path, "configured");
  CHECK(hears(world, third, "configured"));
  world.channels.watch({});
}

}  // namespace dure::host::contract
