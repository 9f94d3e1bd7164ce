#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/sha256.h"
#include "hostagent/ports/guest_channels.h"

namespace dure::host {

// Guests that speak when the test lets them. What an unwatched guest says is lost, as it is with a
// socket that nobody reads. A guest that reports another revision than its document's is given it.
class FakeGuestChannels : public GuestChannels {
 public:
  explicit FakeGuestChannels(GuestListener& listener) : listener_(listener) {}

  void watch(std::vector<WatchedGuest> guests) override {
    const std::lock_guard lock(mutex_);
    watched_ = std::move(guests);
  }

  void date(TimePoint now) override {
    const std::lock_guard lock(mutex_);
    date_ = now;
  }
  // As guests were told it last.
  TimePoint date() const {
    const std::lock_guard lock(mutex_);
    return date_;
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
      if (!found->bootstrap.empty() && revision_of(found->bootstrap) != status.have) {
        given_[socket_path] = found->bootstrap;
      }
    }
    listener_.on_guest_status(vm, std::move(status));
    return true;
  }

  // What the guest behind this path was given last; empty: nothing yet.
  std::string given(const std::string& socket_path) const {
    const std::lock_guard lock(mutex_);
    const auto found = given_.find(socket_path);
    return found == given_.end() ? std::string() : found->second;
  }
  // The same, once: who has taken it is not given it again before it says that it has another one.
  std::string take(const std::string& socket_path) {
    const std::lock_guard lock(mutex_);
    const auto found = given_.find(socket_path);
    if (found == given_.end()) return {};
    std::string document = std::move(found->second);
    given_.erase(found);
    return document;
  }
  // How a guest names the document that it has.
  static std::string revision_of(std::string_view document) {
    Sha256 sum;
    sum.update(std::as_bytes(std::span(document)));
    return sum.finish().str().substr(0, 16);
  }

  std::vector<WatchedGuest> watched() const {
    const std::lock_guard lock(mutex_);
    return watched_;
  }

 private:
  GuestListener& listener_;
  mutable std::mutex mutex_;
  std::vector<WatchedGuest> watched_;
  TimePoint date_;
  std::map<std::string, std::string> given_;
};

}  // namespace dure::host
