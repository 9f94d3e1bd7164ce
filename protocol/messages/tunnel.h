#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "common/ids.h"

namespace dure {

// Byte streams between the control node and the guests of a host, inside the channel that exists. All
// streams of a host share one trunk: the control node names it, and either side gives up all of it when
// a frame is missing.
using TrunkId = Id<struct TrunkTag>;
using StreamNumber = std::uint32_t;  // from 1; chosen by the control node, rising

// The only port that is ever connected to: of a cluster's API server.
inline constexpr std::uint16_t kTunnelPort = 6443;
inline constexpr std::size_t kMaxTunnelDataBytes = 32 * 1024;
inline constexpr std::size_t kMaxTunnelFrameBytes = kMaxTunnelDataBytes + 256;
// Sent on a stream and not taken by whom it is for.
inline constexpr std::uint32_t kTunnelWindowBytes = 256 * 1024;
inline constexpr std::size_t kMaxTunnelsPerHost = 64;
// The first byte of each encoded frame, and of nothing else on the channel in either direction.
inline constexpr char kTunnelFirstByte = 0x7a;

enum class TunnelReason : std::uint8_t {
  closed,       // whoever used it has gone
  refused,      // the order of this session names no such VM, or it is another port
  unreachable,  // nobody answers there
  too_many,     // the host has as many streams as it may have
  idle,
  lost,         // of the trunk, stream 0: there is no such trunk
};

struct TunnelOpen {
  StreamNumber stream = 0;
  NodeId node;
  std::uint16_t port = 0;
  friend bool operator==(const TunnelOpen&, const TunnelOpen&) = default;
};
// The connection stands.
struct TunnelOpened {
  StreamNumber stream = 0;
  friend bool operator==(const TunnelOpened&, const TunnelOpened&) = default;
};
struct TunnelData {
  StreamNumber stream = 0;
  std::string bytes;  // 1 .. kMaxTunnelDataBytes
  friend bool operator==(const TunnelData&, const TunnelData&) = default;
};
// So many bytes were taken, and as many more may be sent.
struct TunnelCredit {
  StreamNumber stream = 0;
  std::uint32_t bytes = 0;
  friend bool operator==(const TunnelCredit&, const TunnelCredit&) = default;
};
// This side has said all; the other may go on.
struct TunnelEnd {
  StreamNumber stream = 0;
  friend bool operator==(const TunnelEnd&, const TunnelEnd&) = default;
};
// Both directions are over.
struct TunnelClose {
  StreamNumber stream = 0;
  TunnelReason reason = TunnelReason::closed;
  friend bool operator==(const TunnelClose&, const TunnelClose&) = default;
};

using TunnelBody = std::variant<std::monostate, TunnelOpen, TunnelOpened, TunnelData, TunnelCredit,
                                TunnelEnd, TunnelClose>;

struct TunnelFrame {
  TrunkId trunk;
  // From 1 without a gap. 0: not counted; then there is no body, or it is TunnelClose of the trunk.
  std::uint64_t number = 0;
  std::uint64_t received = 0;    // so many numbered frames have come
  bool wants_receipt = false;    // an answer at once, so that silence means something
  TunnelBody body;
  friend bool operator==(const TunnelFrame&, const TunnelFrame&) = default;
};

}  // namespace dure
