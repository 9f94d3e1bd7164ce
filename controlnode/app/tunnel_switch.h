#pragma once

#include <mutex>
#include <string>

#include "controlnode/ports/agent_link.h"

namespace dure::control {

// Stands behind the agents' link: frames of tunnels go to whoever takes them at the moment, everything
// else to `next`.
class TunnelSwitch : public AgentLinkListener {
 public:
  explicit TunnelSwitch(AgentLinkListener& next) : next_(next) {}

  // Null: frames are dropped. When it returns, the former one is not called any more.
  void connect(AgentLinkListener* tunnels);
  void on_agent_message(const HostId& host, std::string bytes) override;

 private:
  AgentLinkListener& next_;
  std::mutex mutex_;
  AgentLinkListener* tunnels_ = nullptr;
};

}  // namespace dure::control
