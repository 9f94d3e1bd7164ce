#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "hostagent/ports/guest_channels.h"

namespace dure::host {

// Guests that speak when the test lets them. What an unwatched guest says is lost, as it is with a
// socket that nobody reads.
class FakeGuestChannels : public GuestChannels {
 public:
  explicit FakeGuestChannels(GuestListener& listener) : listener_(listener) {}

  void watch(std::vector<WatchedGuest> guests) override {
    const std::lock_guard lock(mutex_);
    watched_ = std::move(guests);
  }

  // True: somebody listened.
  bool say(const std::string& socket_path, GuestStatus status) {
    NodeId vm;
    {
      const std::lock_guard lock(mutex_);
      const auto found = std::find_if(
          watched_.begin(), watched_.end(),
          [&](const WatchedGuest& guest) { return guest.socket_path == socket_path; });
      if (found == watched_.end()) return false;
      vm = found->vm;
    }
    listener_.on_guest_status(vm, std::move(status));
    return true;
  }

  std::vector<WatchedGuest> watched() const {
    const std::lock_guard lock(mutex_);
    return watched_;
  }

 private:
  GuestListener& listener_;
  mutable std::mutex mutex_;
  std::vector<WatchedGuest> watched_;
};

}  // namespace dure::host
