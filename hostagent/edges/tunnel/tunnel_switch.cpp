#include "hostagent/edges/tunnel/tunnel_switch.h"

#include <utility>

#include "protocol/wire/codec_tunnel.h"

namespace dure::host {

void TunnelSwitch::connect(ControlLinkListener* tunnels) {
  const std::lock_guard lock(mutex_);
  tunnels_ = tunnels;
}

void TunnelSwitch::on_envelope(std::string bytes) {
  if (!wire::is_tunnel_frame(bytes)) return next_.on_envelope(std::move(bytes));
  const std::lock_guard lock(mutex_);
  if (tunnels_ != nullptr) tunnels_->on_envelope(std::move(bytes));
}

}  // namespace dure::host
