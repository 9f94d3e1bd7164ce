#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"

namespace dure::control {

// A byte stream to a cluster's API server. One user at a time; nothing here blocks. Bounded in both
// directions: what is not read is not sent for, and what has no room is not taken.
class TunnelStream {
 public:
  virtual ~TunnelStream() = default;  // closes it
  // All that has come; empty: nothing now.
  virtual std::string read() = 0;
  // Nothing comes any more after what read() gave.
  virtual bool at_end() = 0;
  // How many of the bytes were taken; the rest later.
  virtual std::size_t write(std::string_view bytes) = 0;
  // Says that this side has written all.
  virtual void finish() = 0;
  // Both directions are over before their time: closed, idle, or the host is away.
  virtual bool broken() = 0;
  // `changed` is called, from any thread, when one of the above may answer otherwise than before. It
  // must not call the stream itself, and outlives it: it may be called once more while the stream goes.
  virtual void watch(std::function<void()> changed) = 0;
};

class TunnelGate {
 public:
  virtual ~TunnelGate() = default;
  using Done = std::function<void(Result<std::shared_ptr<TunnelStream>>)>;
  // To the API server of a cluster, by name or id. `not_found`; `conflict`: its nodes are plain VMs;
  // `unavailable`: no control-plane node can be reached now, or there are too many streams. `done` is
  // called once, from any thread, also before open() returns.
  virtual void open(const std::string& cluster, Done done) = 0;
};

}  // namespace dure::control
