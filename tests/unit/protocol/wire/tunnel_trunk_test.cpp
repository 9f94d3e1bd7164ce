#include "protocol/wire/tunnel_trunk.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

namespace {

using namespace dure;
using wire::TunnelTrunk;

TrunkId trunk_id() {
  TrunkId id;
  id.uuid.bytes.fill(1);
  return id;
}

// One end with what its users have: bytes to send, and bytes that came and were not taken.
struct End {
  TunnelTrunk trunk{trunk_id()};
  std::map<StreamNumber, std::string> to_send, came, taken;
  std::size_t most_kept = 0;

  void open(StreamNumber stream) { trunk.open(stream); }
  void send_some(StreamNumber stream, std::size_t most) {
    auto& left = to_send[stream];
    const auto size = std::min({left.size(), trunk.room(stream), most});
    if (size == 0) return;
    trunk.send(TunnelData{stream, left.substr(0, size)});
    left.erase(0, size);
  }
  void receive(TunnelFrame frame) {
    auto body = trunk.receive(std::move(frame));
    REQUIRE(body.ok());
    if (auto* data = std::get_if<TunnelData>(&*body)) {
      came[data->stream] += data->bytes;
      most_kept = std::max(most_kept, came[data->stream].size());
    }
  }
  void take(StreamNumber stream, std::size_t most) {
    auto& waiting = came[stream];
    const auto size = std::min(waiting.size(), most);
    taken[stream] += waiting.substr(0, size);
    waiting.erase(0, size);
    trunk.consumed(stream, size);
  }
};

std::string pattern(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (auto& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::uint64_t counted(const std::deque<TunnelFrame>& frames) {
  std::uint64_t count = 0;
  for (const auto& frame : frames) count += frame.number > 0 ? 1 : 0;
  return count;
}

TunnelFrame data_frame(std::uint64_t number, std::size_t size) {
  return {trunk_id(), number, 0, false, TunnelData{1, std::string(size, 'x')}};
}

}  // namespace

TEST_CASE("trunk: whatever the order of events, nothing is lost, mixed up or kept beyond the window") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    End ends[2];
    std::deque<TunnelFrame> wires[2];  // to the end of that number
    std::map<StreamNumber, std::string> whole[2];
    const auto streams = static_cast<StreamNumber>(1 + below(5));
    for (StreamNumber stream = 1; stream <= streams; ++stream) {
      for (int i = 0; i < 2; ++i) {
        ends[i].open(stream);
        whole[i][stream] = pattern(below(900'000), seed * 100 + stream * 2 + static_cast<unsigned>(i));
        ends[i].to_send[stream] = whole[i][stream];
      }
    }
    const auto done = [&] {
      for (int i = 0; i < 2; ++i) {
        for (const auto& [stream, bytes] : whole[i]) {
          if (ends[1 - i].taken[stream].size() != bytes.size()) return false;
        }
      }
      return true;
    };
    long steps = 0;
    while (!done()) {
      REQUIRE(++steps < 2'000'000);  // it always goes on
      const auto i = below(2);
      const auto stream = static_cast<StreamNumber>(1 + below(streams));
      switch (below(4)) {
        case 0: ends[i].send_some(stream, 1 + below(60'000)); break;
        case 1:
          if (!wires[i].empty()) {
            ends[i].receive(std::move(wires[i].front()));
            wires[i].pop_front();
          }
          break;
        case 2: ends[i].take(stream, 1 + below(100'000)); break;
        default: break;
      }
      for (auto& frame : ends[i].trunk.outgoing()) wires[1 - i].push_back(std::move(frame));
      REQUIRE(counted(wires[0]) <= TunnelTrunk::kInFlight);
      REQUIRE(counted(wires[1]) <= TunnelTrunk::kInFlight);
    }
    for (int i = 0; i < 2; ++i) {
      for (const auto& [stream, bytes] : whole[i]) CHECK(ends[1 - i].taken[stream] == bytes);
      CHECK(ends[i].most_kept <= kTunnelWindowBytes);
    }
  }
}

TEST_CASE("trunk: a reader that takes nothing stops its own stream at the window and no other") {
  End sender, reader;
  for (StreamNumber stream : {1U, 2U}) {
    sender.open(stream);
    reader.open(stream);
    sender.to_send[stream] = pattern(1 << 20, stream);
  }
  for (int round = 0; round < 1000; ++round) {
    for (StreamNumber stream : {1U, 2U}) sender.send_some(stream, kMaxTunnelDataBytes);
    for (auto& frame : sender.trunk.outgoing()) reader.receive(std::move(frame));
    reader.take(2, 1 << 20);
    for (auto& frame : reader.trunk.outgoing()) sender.receive(std::move(frame));
  }
  CHECK(reader.came[1].size() == kTunnelWindowBytes);
  CHECK(sender.trunk.room(1) == 0);
  CHECK(reader.taken[2].size() == std::size_t{1} << 20);
}

TEST_CASE("trunk: a missing, repeated or early frame breaks it") {
  for (const std::uint64_t wrong : {1U, 3U, 100U}) {
    TunnelTrunk trunk(trunk_id());
    trunk.open(1);
    REQUIRE(trunk.receive(data_frame(1, 1)).ok());
    CHECK(trunk.receive(data_frame(wrong, 1)).error().message == "tunnel: a frame is missing");
  }
}

TEST_CASE("trunk: more data than the window, data after the end and invented credit break it") {
  TunnelTrunk flooded(trunk_id());
  flooded.open(1);
  std::uint64_t number = 0;
  for (; number < kTunnelWindowBytes / kMaxTunnelDataBytes; ++number) {
    REQUIRE(flooded.receive(data_frame(number + 1, kMaxTunnelDataBytes)).ok());
  }
  CHECK(!flooded.receive(data_frame(number + 1, 1)).ok());

  TunnelTrunk ended(trunk_id());
  ended.open(1);
  REQUIRE(ended.receive({trunk_id(), 1, 0, false, TunnelEnd{1}}).ok());
  CHECK(!ended.receive(data_frame(2, 1)).ok());

  TunnelTrunk credited(trunk_id());
  credited.open(1);
  CHECK(!credited.receive({trunk_id(), 1, 0, false, TunnelCredit{1, 1}}).ok());
  TunnelTrunk confirmed(trunk_id());
  CHECK(!confirmed.receive({trunk_id(), 0, 1, false, {}}).ok());
}

TEST_CASE("trunk: a peer that confirms nothing cannot make it keep ever more") {
  TunnelTrunk trunk(trunk_id());
  std::uint64_t number = 0;
  bool broken = false;
  while (!broken && number < 100'000) {
    auto body = trunk.receive({trunk_id(), ++number, 0, false, TunnelOpen{1, NodeId{}, 6443}});
    broken = !body.ok();
    if (!broken) trunk.send(TunnelClose{1, TunnelReason::refused});
  }
  CHECK(broken);
  CHECK(number <= TunnelTrunk::kMostWaiting + 2);
}

TEST_CASE("trunk: a stream is gone when both sides have said all, or one has closed it") {
  TunnelTrunk trunk(trunk_id());
  trunk.open(1);
  trunk.open(2);
  trunk.send(TunnelEnd{1});
  CHECK(trunk.knows(1));
  CHECK(trunk.room(1) == 0);
  REQUIRE(trunk.receive({trunk_id(), 1, 0, false, TunnelEnd{1}}).ok());
  CHECK(!trunk.knows(1));
  trunk.send(TunnelClose{2, TunnelReason::closed});
  CHECK(trunk.streams() == 0);
  // What was under way then means nothing.
  const auto late = trunk.receive({trunk_id(), 2, 0, false, TunnelData{2, "late"}});
  REQUIRE(late.ok());
  CHECK(std::holds_alternative<std::monostate>(*late));
  const auto frames = trunk.outgoing();
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].body == TunnelBody{TunnelEnd{1}});
  CHECK(frames[1].body == TunnelBody{TunnelClose{2, TunnelReason::closed}});
  CHECK(frames[1].received == 2);
}
