#pragma once

#include <vector>

#include "common/ids.h"
#include "common/ip.h"

namespace dure::host {

// A guest that users may reach through the control node, at kTunnelPort.
struct TunnelTarget {
  NodeId node;
  Ipv4 address;
  friend bool operator==(const TunnelTarget&, const TunnelTarget&) = default;
};

// Carries byte streams from the control node to guests of this host. Lets through to nobody at first.
class Tunnels {
 public:
  virtual ~Tunnels() = default;
  // Replaces the list. Streams to whoever is not in it any more are closed. From any thread.
  virtual void allow(std::vector<TunnelTarget> targets) = 0;
};

}  // namespace dure::host
