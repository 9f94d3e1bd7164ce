#include "protocol/wire/tunnel_trunk.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace dure::wire {
namespace {

Error broken(std::string_view what) {
  return {Errc::invalid_argument, "tunnel: " + std::string(what)};
}

}  // namespace

StreamNumber stream_of(const TunnelBody& body) {
  return std::visit(
      [](const auto& part) -> StreamNumber {
        if constexpr (std::is_same_v<std::decay_t<decltype(part)>, std::monostate>) {
          return 0;
        } else {
          return part.stream;
        }
      },
      body);
}

void TunnelTrunk::open(StreamNumber stream) { streams_.try_emplace(stream); }

std::size_t TunnelTrunk::room(StreamNumber stream) const {
  const auto found = streams_.find(stream);
  if (found == streams_.end() || found->second.said_all) return 0;
  // Data never waits here: there is room for all that waits and for one more.
  if (in_flight() + waiting_.size() >= kInFlight) return 0;
  return std::min<std::size_t>(found->second.may_send, kMaxTunnelDataBytes);
}

void TunnelTrunk::send(TunnelBody body) {
  const auto number = stream_of(body);
  const auto found = streams_.find(number);
  if (found != streams_.end()) {
    if (const auto* data = std::get_if<TunnelData>(&body)) {
      found->second.may_send -= static_cast<std::uint32_t>(data->bytes.size());
    }
    if (std::holds_alternative<TunnelEnd>(body)) found->second.said_all = true;
  }
  const bool over = std::holds_alternative<TunnelClose>(body);
  waiting_.push_back(std::move(body));
  if (over) streams_.erase(number);
  forget_when_done(number);
}

void TunnelTrunk::consumed(StreamNumber stream, std::size_t bytes) {
  const auto found = streams_.find(stream);
  // Nothing more comes once all was heard, and nobody waits for credit.
  if (found == streams_.end() || found->second.heard_all) return;
  auto& taken = found->second.taken;
  taken += static_cast<std::uint32_t>(bytes);
  if (taken < kCreditEvery) return;
  found->second.may_come += taken;
  waiting_.emplace_back(TunnelCredit{stream, std::exchange(taken, 0)});
}

std::vector<TunnelFrame> TunnelTrunk::outgoing() {
  std::vector<TunnelFrame> frames;
  while (!waiting_.empty() && in_flight() < kInFlight) {
    frames.push_back({id_, ++sent_, received_, false, std::move(waiting_.front())});
    waiting_.pop_front();
  }
  if (frames.empty() && received_ - receipted_ >= kReceiptEvery) frames.push_back(receipt(false));
  if (!frames.empty()) receipted_ = received_;
  return frames;
}

TunnelFrame TunnelTrunk::receipt(bool wants_receipt) const {
  return {id_, 0, received_, wants_receipt, {}};
}

Result<TunnelBody> TunnelTrunk::receive(TunnelFrame&& frame) {
  if (frame.received > sent_) return broken("confirms what was never sent");
  confirmed_ = std::max(confirmed_, frame.received);
  if (frame.number == 0) return std::move(frame.body);
  if (waiting_.size() > kMostWaiting) return broken("nothing is confirmed");
  if (frame.number != received_ + 1) return broken("a frame is missing");
  ++received_;
  if (std::holds_alternative<TunnelOpen>(frame.body)) return std::move(frame.body);
  const auto number = stream_of(frame.body);
  const auto found = streams_.find(number);
  if (found == streams_.end()) return TunnelBody{};
  auto taken = receive_on(found->second, std::move(frame.body));
  if (taken && std::holds_alternative<TunnelClose>(*taken)) streams_.erase(number);
  forget_when_done(number);
  return taken;
}

Result<TunnelBody> TunnelTrunk::receive_on(Stream& stream, TunnelBody&& body) {
  if (const auto* data = std::get_if<TunnelData>(&body)) {
    if (stream.heard_all) return broken("data after the end of a stream");
    if (data->bytes.size() > stream.may_come) return broken("more data than there is room for");
    stream.may_come -= static_cast<std::uint32_t>(data->bytes.size());
  } else if (const auto* credit = std::get_if<TunnelCredit>(&body)) {
    if (credit->bytes > kTunnelWindowBytes - stream.may_send) return broken("more credit than was used");
    stream.may_send += credit->bytes;
  } else if (std::holds_alternative<TunnelEnd>(body)) {
    if (stream.heard_all) return broken("a stream ends twice");
    stream.heard_all = true;
  }
  return std::move(body);
}

void TunnelTrunk::forget_when_done(StreamNumber stream) {
  const auto found = streams_.find(stream);
  if (found != streams_.end() && found->second.said_all && found->second.heard_all) streams_.erase(found);
}

}  // namespace dure::wire
