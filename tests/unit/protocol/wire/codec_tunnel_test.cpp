#include "protocol/wire/codec_tunnel.h"

#include <doctest/doctest.h>

#include <functional>

#include "protocol/schema/tunnel.pb.h"
#include "protocol/wire/codec.h"
#include "tests/unit/protocol/wire/codec_unknown.h"
#include "tests/unit/protocol/wire/samples.h"

namespace {

using namespace dure;
using schema::TunnelMessage;

TunnelFrame frame_of(TunnelBody body) {
  TunnelFrame frame;
  frame.trunk.uuid.bytes.fill(7);
  frame.number = 300;
  frame.received = 299;
  frame.body = std::move(body);
  return frame;
}

NodeId node() {
  NodeId id;
  id.uuid.bytes.fill(9);
  return id;
}

std::vector<TunnelFrame> samples_of_all() {
  std::vector<TunnelFrame> frames = {
      frame_of(TunnelOpen{1, node(), 6443}), frame_of(TunnelOpened{2}),
      frame_of(TunnelData{3, std::string("\0\xff", 2)}), frame_of(TunnelCredit{4, 65536}),
      frame_of(TunnelEnd{5}), frame_of(TunnelClose{6, TunnelReason::unreachable})};
  auto receipt = frame_of({});
  receipt.number = 0;
  receipt.wants_receipt = true;
  frames.push_back(receipt);
  auto lost = frame_of(TunnelClose{0, TunnelReason::lost});
  lost.number = 0;
  frames.push_back(lost);
  return frames;
}

TunnelMessage message_of(const TunnelFrame& frame) {
  TunnelMessage message;
  REQUIRE(message.ParseFromString(wire::encode(frame)));
  return message;
}

void check_refused(const TunnelFrame& frame, const std::string& fault,
                   const std::function<void(schema::TunnelFrame&)>& change) {
  auto message = message_of(frame);
  change(*message.mutable_tunnel());
  const auto decoded = wire::decode_tunnel_frame(message.SerializeAsString());
  CAPTURE(fault);
  REQUIRE(!decoded.ok());
  CHECK(decoded.error().message == "tunnel: " + fault);
}

}  // namespace

TEST_CASE("tunnel frame: what was encoded is decoded, and begins with the byte of its own") {
  for (const auto& frame : samples_of_all()) {
    const auto bytes = wire::encode(frame);
    CHECK(wire::is_tunnel_frame(bytes));
    const auto decoded = wire::decode_tunnel_frame(bytes);
    REQUIRE(decoded.ok());
    CHECK(*decoded == frame);
  }
  for (const auto reason : {TunnelReason::closed, TunnelReason::refused, TunnelReason::unreachable,
                            TunnelReason::too_many, TunnelReason::idle}) {
    const auto frame = frame_of(TunnelClose{1, reason});
    CHECK(*wire::decode_tunnel_frame(wire::encode(frame)) == frame);
  }
}

TEST_CASE("tunnel frame: nothing else on the channel is taken for one, nor one for anything else") {
  CHECK(!wire::is_tunnel_frame(""));
  CHECK(!wire::is_tunnel_frame(wire::encode(samples::report())));
  CHECK(!wire::is_tunnel_frame(wire::encode(samples::ack())));
  // An envelope begins with the tag of its key id.
  CHECK(!wire::is_tunnel_frame("\x0a"));
  for (const auto& frame : samples_of_all()) CHECK(!wire::decode_agent_message(wire::encode(frame)).ok());
}

TEST_CASE("tunnel frame: an unknown field is refused in every message at every depth") {
  for (const auto& frame : samples_of_all()) {
    int messages = 0;
    while (true) {
      auto message = message_of(frame);
      int n = messages;
      if (!samples::add_unknown(message, n)) break;
      const auto decoded = wire::decode_tunnel_frame(message.SerializeAsString());
      REQUIRE(!decoded.ok());
      CHECK(decoded.error().message.ends_with("has an unknown field"));
      ++messages;
    }
    CHECK(messages == (std::holds_alternative<std::monostate>(frame.body) ? 2 : 3));
  }
}

TEST_CASE("tunnel frame: bytes that are no frame are refused") {
  CHECK(wire::decode_tunnel_frame("").error().message == "tunnel: tunnel is missing");
  CHECK(!wire::decode_tunnel_frame("\x7a\xff\xff").ok());
  CHECK(!wire::decode_tunnel_frame(std::string(kMaxTunnelFrameBytes + 1, '\0')).ok());
  const auto longest = frame_of(TunnelData{4294967295U, std::string(kMaxTunnelDataBytes, 'x')});
  CHECK(wire::decode_tunnel_frame(wire::encode(longest)).ok());
}

TEST_CASE("tunnel frame: its fields") {
  using Frame = schema::TunnelFrame;
  const auto open = frame_of(TunnelOpen{1, node(), 6443});
  const auto data = frame_of(TunnelData{1, "x"});
  const auto credit = frame_of(TunnelCredit{1, 1});
  const auto close = frame_of(TunnelClose{1, TunnelReason::idle});
  check_refused(open, "trunk is not 16 bytes", [](Frame& f) { f.set_trunk("short"); });
  check_refused(open, "open.stream is missing", [](Frame& f) { f.mutable_open()->clear_stream(); });
  check_refused(open, "open.node is not 16 bytes", [](Frame& f) { f.mutable_open()->clear_node(); });
  check_refused(open, "open.port is out of range", [](Frame& f) { f.mutable_open()->clear_port(); });
  check_refused(open, "open.port is out of range", [](Frame& f) { f.mutable_open()->set_port(65536 + 6443); });
  check_refused(data, "data.bytes is out of range", [](Frame& f) { f.mutable_data()->clear_bytes(); });
  check_refused(data, "data.bytes is out of range", [](Frame& f) {
    f.mutable_data()->set_bytes(std::string(kMaxTunnelDataBytes + 1, 'x'));
  });
  check_refused(credit, "credit.bytes is out of range", [](Frame& f) { f.mutable_credit()->clear_bytes(); });
  check_refused(credit, "credit.bytes is out of range",
                [](Frame& f) { f.mutable_credit()->set_bytes(kTunnelWindowBytes + 1); });
  check_refused(close, "close.reason has an unknown value", [](Frame& f) { f.mutable_close()->clear_reason(); });
  check_refused(close, "close.stream contradicts the reason",
                [](Frame& f) { f.mutable_close()->clear_stream(); });
  check_refused(close, "number contradicts the body", [](Frame& f) { f.clear_number(); });
  check_refused(samples_of_all()[6], "number contradicts the body", [](Frame& f) { f.set_number(1); });
  check_refused(samples_of_all()[7], "number contradicts the body", [](Frame& f) { f.set_number(1); });
}
