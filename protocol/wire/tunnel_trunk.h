#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "common/result.h"
#include "protocol/messages/tunnel.h"

namespace dure::wire {

// One end of a trunk, the same for both programs: numbers what is sent, checks what comes, and keeps
// both within bounds. Of its frames at most kInFlight are on the way and unconfirmed, so that orders and
// heartbeats, which share the queues, have at most so much before them and always find a place. After an
// error of receive() the trunk is of no use any more.
class TunnelTrunk {
 public:
  // The channel's queues hold 64 messages, of which libzmq counts up to 32 as still there when they have
  // long been taken (its low-water mark is half): all that a trunk may have there fits into the other half.
  static constexpr std::uint64_t kInFlight = 16;
  static constexpr std::uint64_t kReceiptEvery = 4;
  // A peer that lets so much wait confirms nothing.
  static constexpr std::size_t kMostWaiting = 1024;
  static constexpr std::uint32_t kCreditEvery = kTunnelWindowBytes / 4;

  explicit TunnelTrunk(TrunkId id) : id_(id) {}
  const TrunkId& id() const { return id_; }

  // A stream that exists from now on; both sides may send a window's worth.
  void open(StreamNumber stream);
  bool knows(StreamNumber stream) const { return streams_.contains(stream); }
  std::size_t streams() const { return streams_.size(); }

  // How many bytes the next TunnelData of the stream may have; 0: not now.
  std::size_t room(StreamNumber stream) const;
  // Data must be within room(); nothing is sent on a stream that is not known, TunnelOpen and TunnelClose
  // apart. TunnelEnd and TunnelClose take the stream away when both sides are done with it.
  void send(TunnelBody body);
  // The bytes of so much data have been taken by whom they are for.
  void consumed(StreamNumber stream, std::size_t bytes);

  // What may leave now, in this order. Empty the second time.
  std::vector<TunnelFrame> outgoing();
  // A frame that carries nothing.
  TunnelFrame receipt(bool wants_receipt) const;

  // Nothing for what has no meaning here any more: data that was under way when the stream ended.
  Result<TunnelBody> receive(TunnelFrame&& frame);

 private:
  struct Stream {
    std::uint32_t may_send = kTunnelWindowBytes;
    std::uint32_t may_come = kTunnelWindowBytes;
    std::uint32_t taken = 0;  // of what came, not credited yet
    bool said_all = false, heard_all = false;
  };

  Result<TunnelBody> receive_on(Stream& stream, TunnelBody&& body);
  void forget_when_done(StreamNumber stream);
  std::uint64_t in_flight() const { return sent_ - confirmed_; }

  TrunkId id_;
  std::map<StreamNumber, Stream> streams_;
  std::deque<TunnelBody> waiting_;
  std::uint64_t sent_ = 0, confirmed_ = 0;
  std::uint64_t received_ = 0, receipted_ = 0;
};

// The stream that a body speaks of; 0: none.
StreamNumber stream_of(const TunnelBody& body);

}  // namespace dure::wire
