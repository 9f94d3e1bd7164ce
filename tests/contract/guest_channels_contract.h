#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
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
  // The same with the revision that it has and the nodes that it has taken out.
  std::function<void(const std::string& path, GuestStatus status)> tell;
  // The document that the guest behind the socket is given next, as ordered; waits for it.
  std::function<std::string(const std::string& path)> document;
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

inline GuestStatus status_of(const std::string& stage, const std::string& have) {
  GuestStatus status;
  status.stages = {{stage, 12}};
  status.have = have;
  status.boot = *Uuid::parse("5eed0000-0000-4000-8000-000000000001");
  return status;
}

// Both ways: a guest is given its document until it has it, then the next one over the same connection.
inline void guest_documents_contract(GuestWorld& world, const std::function<std::string(std::string_view)>& revision) {
  const NodeId first = guest_number(1), second = guest_number(2);
  const std::string one = R"({"v":1,"node":"demo-w1","content":"\n"})", two = R"({"v":2})";
  world.channels.watch({{first, world.first_path, one}, {second, world.second_path, ""}});
  world.tell(world.first_path, status_of("booted", ""));
  CHECK(world.document(world.first_path) == one);
  CHECK(hears(world, first, "booted"));

  INFO("what it reports of others is told, and what it has");
  GuestStatus status = status_of("network", revision(one));
  status.departed = {"demo-w3", "demo-w4"};
  world.tell(world.first_path, status);
  CHECK(world.listener.wait_for([&](const RecordingGuestListener::Told& told) {
    return told.vm == first && told.status == status;
  }));

  INFO("a changed document replaces it, for this guest alone");
  world.channels.watch({{first, world.first_path, two}, {second, world.second_path, ""}});
  world.tell(world.first_path, status_of("configured", revision(one)));
  CHECK(world.document(world.first_path) == two);
  world.tell(world.second_path, status_of("ready", ""));
  CHECK(hears(world, second, "ready"));
  world.channels.watch({});
}

}  // namespace dure::host::contract
