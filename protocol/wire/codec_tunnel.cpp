#include "protocol/wire/codec_tunnel.h"

#include <utility>

#include "protocol/schema/tunnel.pb.h"
#include "protocol/wire/codec_bounded.h"
#include "protocol/wire/field_check.h"

namespace dure::wire {
namespace {

template <class Tag>
std::string raw(const Id<Tag>& id) {
  return {id.uuid.bytes.begin(), id.uuid.bytes.end()};
}

// Complete over the plain enum, so that the compiler names what is missing.
schema::TunnelReason to_wire(TunnelReason reason) {
  switch (reason) {
    case TunnelReason::closed: return schema::TUNNEL_REASON_CLOSED;
    case TunnelReason::refused: return schema::TUNNEL_REASON_REFUSED;
    case TunnelReason::unreachable: return schema::TUNNEL_REASON_UNREACHABLE;
    case TunnelReason::too_many: return schema::TUNNEL_REASON_TOO_MANY;
    case TunnelReason::idle: return schema::TUNNEL_REASON_IDLE;
    case TunnelReason::lost: return schema::TUNNEL_REASON_LOST;
  }
  return schema::TUNNEL_REASON_UNSPECIFIED;
}

TunnelReason reason(schema::TunnelReason from, FieldCheck& check) {
  for (const auto one : {TunnelReason::closed, TunnelReason::refused, TunnelReason::unreachable,
                         TunnelReason::too_many, TunnelReason::idle, TunnelReason::lost}) {
    if (to_wire(one) == from) return one;
  }
  check.require(false, "close.reason", "has an unknown value");
  return {};
}

struct PutBody {
  schema::TunnelFrame& to;

  void operator()(std::monostate) const {}
  void operator()(const TunnelOpen& from) const {
    auto& open = *to.mutable_open();
    open.set_stream(from.stream);
    open.set_node(raw(from.node));
    open.set_port(from.port);
  }
  void operator()(const TunnelOpened& from) const { to.mutable_opened()->set_stream(from.stream); }
  void operator()(const TunnelData& from) const {
    to.mutable_data()->set_stream(from.stream);
    to.mutable_data()->set_bytes(from.bytes);
  }
  void operator()(const TunnelCredit& from) const {
    to.mutable_credit()->set_stream(from.stream);
    to.mutable_credit()->set_bytes(from.bytes);
  }
  void operator()(const TunnelEnd& from) const { to.mutable_end()->set_stream(from.stream); }
  void operator()(const TunnelClose& from) const {
    to.mutable_close()->set_stream(from.stream);
    to.mutable_close()->set_reason(to_wire(from.reason));
  }
};

template <class Part>
StreamNumber stream(const Part& from, std::string_view name, FieldCheck& check) {
  check.known(from, name);
  check.require(from.stream() != 0, std::string(name) + ".stream", "is missing");
  return from.stream();
}

TunnelOpen open(const schema::TunnelOpen& from, FieldCheck& check) {
  TunnelOpen to;
  to.stream = stream(from, "open", check);
  check.id(to.node, from.node(), "open.node");
  check.range(from.port(), 1, 65535, "open.port");
  to.port = static_cast<std::uint16_t>(from.port());
  return to;
}

TunnelData data(schema::TunnelData& from, FieldCheck& check) {
  TunnelData to;
  to.stream = stream(from, "data", check);
  check.range(from.bytes().size(), 1, kMaxTunnelDataBytes, "data.bytes");
  to.bytes = std::move(*from.mutable_bytes());
  return to;
}

TunnelCredit credit(const schema::TunnelCredit& from, FieldCheck& check) {
  const auto number = stream(from, "credit", check);
  check.range(from.bytes(), 1, kTunnelWindowBytes, "credit.bytes");
  return {number, from.bytes()};
}

TunnelClose close(const schema::TunnelClose& from, FieldCheck& check) {
  check.known(from, "close");
  const auto why = reason(from.reason(), check);
  check.require((from.stream() == 0) == (why == TunnelReason::lost), "close.stream",
                "contradicts the reason");
  return {from.stream(), why};
}

TunnelBody body(schema::TunnelFrame& from, FieldCheck& check) {
  switch (from.body_case()) {
    case schema::TunnelFrame::kOpen: return open(from.open(), check);
    case schema::TunnelFrame::kOpened: return TunnelOpened{stream(from.opened(), "opened", check)};
    case schema::TunnelFrame::kData: return data(*from.mutable_data(), check);
    case schema::TunnelFrame::kCredit: return credit(from.credit(), check);
    case schema::TunnelFrame::kEnd: return TunnelEnd{stream(from.end(), "end", check)};
    case schema::TunnelFrame::kClose: return close(from.close(), check);
    case schema::TunnelFrame::BODY_NOT_SET: break;
  }
  return {};
}

TunnelFrame frame(schema::TunnelMessage& message, FieldCheck& check) {
  check.known(message, "message");
  check.require(message.has_tunnel(), "tunnel", "is missing");
  auto& from = *message.mutable_tunnel();
  check.known(from, "tunnel");
  TunnelFrame to;
  check.id(to.trunk, from.trunk(), "trunk");
  to.number = from.number();
  to.received = from.received();
  to.wants_receipt = from.wants_receipt();
  to.body = body(from, check);
  const auto* closed = std::get_if<TunnelClose>(&to.body);
  const bool counted = !std::holds_alternative<std::monostate>(to.body) &&
                       (closed == nullptr || closed->reason != TunnelReason::lost);
  check.require(counted == (to.number != 0), "number", "contradicts the body");
  return to;
}

}  // namespace

std::string encode(const TunnelFrame& from) {
  schema::TunnelMessage message;
  auto& to = *message.mutable_tunnel();
  to.set_trunk(raw(from.trunk));
  to.set_number(from.number);
  to.set_received(from.received);
  to.set_wants_receipt(from.wants_receipt);
  std::visit(PutBody{to}, from.body);
  return message.SerializeAsString();
}

Result<TunnelFrame> decode_tunnel_frame(std::string_view bytes) {
  schema::TunnelMessage parsed;
  if (const auto whole = parse_bounded(bytes, kMaxTunnelFrameBytes, parsed); !whole) {
    return Error{whole.error().code, "tunnel: " + whole.error().message};
  }
  FieldCheck check;
  auto decoded = frame(parsed, check);
  if (const auto result = check.result(); !result) {
    return Error{result.error().code, "tunnel: " + result.error().message};
  }
  return decoded;
}

}  // namespace dure::wire
