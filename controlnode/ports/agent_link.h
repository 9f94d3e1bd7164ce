#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"

namespace dure::control {

// Who may speak: the host and its CURVE public key (Z85).
struct AdmittedHost {
  HostId host;
  std::string curve_key;
};

struct AddressedMessage {
  HostId host;
  std::string bytes;
};

// Receives from any thread of the link.
class AgentLinkListener {
 public:
  virtual ~AgentLinkListener() = default;
  // `host` is proven by the channel. `bytes` are at most kMaxReportBytes and not parsed yet.
  virtual void on_agent_message(const HostId& host, std::string bytes) = 0;
};

// The authenticated channel to all agents. Agents dial in; a message can only be sent to a host that has spoken on its
// current connection, with the key that it has now.
class AgentLink {
 public:
  virtual ~AgentLink() = default;
  // Replaces the list. A host that is no longer in it is cut off at its next message, and so is whoever
  // speaks with a key that its host has no more; the host's way to its new key is not touched by it.
  virtual void admit(std::vector<AdmittedHost> hosts) = 0;
  // Queued, not delivered: confirmation is the agent's acknowledgement. `unavailable` when the host
  // is not connected.
  virtual Result<void> send(const HostId& host, std::string bytes) = 0;
  // The same for many at once, which wakes the link once. Whoever is not connected is left out.
  // Returns how many were queued.
  virtual std::size_t send_all(std::vector<AddressedMessage> messages) = 0;
};

}  // namespace dure::control
