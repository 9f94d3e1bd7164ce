#pragma once

#include <string>
#include <vector>

#include "common/ids.h"
#include "common/time.h"
#include "hostagent/core/guest_words.h"

namespace dure::host {

class GuestListener {
 public:
  virtual ~GuestListener() = default;
  virtual void on_guest_status(const NodeId& vm, GuestStatus status) = 0;
};

struct WatchedGuest {
  NodeId vm;
  std::string socket_path;
  // The document for the guest's own program; empty: none. It can carry keys: never logged.
  std::string bootstrap{};
  friend bool operator==(const WatchedGuest&, const WatchedGuest&) = default;
};

// Both directions of the guests' virtio ports, over the unix sockets that QEMU binds: reads what the
// guests report, and gives each its document as long as it reports another revision than that one's.
// Reconnects by itself, since both sides repeat themselves.
class GuestChannels {
 public:
  virtual ~GuestChannels() = default;
  // Replaces the list of guests that are listened to. One that stays, stays connected; its new
  // document replaces the old one.
  virtual void watch(std::vector<WatchedGuest> guests) = 0;
  // What the date is now, as the control node says: a guest is told it with its document, and then every hour. Until
  // somebody says so it is the machine's own.
  virtual void date(TimePoint now) = 0;
};

}  // namespace dure::host
