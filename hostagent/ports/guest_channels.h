#pragma once

#include <string>
#include <vector>

#include "common/ids.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

// One well-formed line from a guest; hostile all the same.
struct GuestStatus {
  std::vector<GuestStage> stages;  // at most 16
  std::string error;               // at most 256 bytes, printable
};

class GuestListener {
 public:
  virtual ~GuestListener() = default;
  virtual void on_guest_status(const NodeId& vm, GuestStatus status) = 0;
};

struct WatchedGuest {
  NodeId vm;
  std::string socket_path;
};

// Reads the guests' stage reports from the unix sockets that QEMU binds; reconnects by itself, since
// guests repeat themselves.
class GuestChannels {
 public:
  virtual ~GuestChannels() = default;
  // Replaces the list of guests that are listened to.
  virtual void watch(std::vector<WatchedGuest> guests) = 0;
};

}  // namespace dure::host
