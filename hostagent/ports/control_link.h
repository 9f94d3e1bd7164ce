#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/result.h"

namespace dure::host {

class ControlLinkListener {
 public:
  virtual ~ControlLinkListener() = default;
  // At most wire::kMaxEnvelopeBytes; not verified yet. From any thread.
  virtual void on_envelope(std::string bytes) = 0;
};

// The authenticated channel to the control node; the agent dials.
class ControlLink {
 public:
  virtual ~ControlLink() = default;
  // Queued when connected; `unavailable` otherwise. A stale report is worth nothing: not kept.
  virtual Result<void> send(std::string bytes) = 0;
  // The same for messages that were made together, in their order; the number that was queued. Handing
  // over one by one costs a waking of the channel's thread for each.
  virtual std::size_t send_all(std::vector<std::string> messages) = 0;
};

}  // namespace dure::host
