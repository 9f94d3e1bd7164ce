#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "protocol/messages/tunnel.h"

namespace dure::wire {

// Whether these bytes of the channel are for decode_tunnel_frame, and not an envelope or a report.
inline bool is_tunnel_frame(std::string_view bytes) {
  return !bytes.empty() && bytes.front() == kTunnelFirstByte;
}

// As strict as codec.h. That a frame's number and sizes fit those before it is for TunnelTrunk.
std::string encode(const TunnelFrame& frame);
Result<TunnelFrame> decode_tunnel_frame(std::string_view bytes);

}  // namespace dure::wire
