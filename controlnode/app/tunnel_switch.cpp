#include "controlnode/app/tunnel_switch.h"

#include <utility>

#include "protocol/wire/codec_tunnel.h"

namespace dure::control {

void TunnelSwitch::connect(AgentLinkListener* tunnels) {
  const std::lock_guard lock(mutex_);
  tunnels_ = tunnels;
}

void TunnelSwitch::on_agent_message(const HostId& host, std::string bytes) {
  if (!wire::is_tunnel_frame(bytes)) return next_.on_agent_message(host, std::move(bytes));
  const std::lock_guard lock(mutex_);
  if (tunnels_ != nullptr) tunnels_->on_agent_message(host, std::move(bytes));
}

}  // namespace dure::control
