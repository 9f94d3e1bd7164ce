#include "protocol/wire/replay_guard.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/unit/protocol/wire/samples.h"

namespace {

using namespace dure;
using samples::id;
using wire::Accepted;

// The sample order, as the agent it is meant for sees it.
const Accepted kBefore{{1, 7}, 4, 42};

Result<void> admit(const HostOrder& order, const Accepted& accepted = kBefore) {
  return wire::admit(order, id<SystemId>(0x11), id<HostId>(0x12), id<SessionId>(0x13), accepted);
}

Errc refusal(const HostOrder& order, const Accepted& accepted = kBefore) {
  const auto result = admit(order, accepted);
  REQUIRE(!result.ok());
  return result.error().code;
}

HostOrder with(void (*change)(HostOrder&)) {
  auto order = samples::order();
  change(order);
  return order;
}

}  // namespace

TEST_CASE("replay: the right order is admitted, also by an agent that has seen none") {
  CHECK(admit(samples::order()).ok());
  CHECK(admit(samples::order(), Accepted{}).ok());
}

TEST_CASE("replay: another system's order is refused") {
  CHECK(refusal(with([](HostOrder& order) { order.system.uuid.bytes[0] ^= 1; })) == Errc::unauthenticated);
}

TEST_CASE("replay: another host's order is refused") {
  CHECK(refusal(with([](HostOrder& order) { order.host.uuid.bytes[15] ^= 1; })) == Errc::unauthenticated);
}

TEST_CASE("replay: an order to another session of the agent is refused") {
  CHECK(refusal(with([](HostOrder& order) { order.session.uuid.bytes[7] ^= 1; })) == Errc::conflict);
  CHECK(refusal(with([](HostOrder& order) { order.session = {}; })) == Errc::conflict);
}

TEST_CASE("replay: an order of an older epoch is refused, whatever its sequence") {
  CHECK(refusal(with([](HostOrder& order) { order.fence.epoch = 6, order.sequence = 1000; })) == Errc::superseded);
}

TEST_CASE("replay: an order of an older delegation is refused, whatever its epoch") {
  CHECK(refusal(with([](HostOrder& order) { order.fence = {0, 1000}; })) == Errc::superseded);
}

TEST_CASE("replay: an epoch may rise, but not jump") {
  CHECK(admit(with([](HostOrder& order) { order.fence.epoch = 8; })).ok());
  CHECK(admit(with([](HostOrder& order) { order.fence.epoch = 7 + wire::kMaxEpochJump; })).ok());
  CHECK(refusal(with([](HostOrder& order) { order.fence.epoch = 8 + wire::kMaxEpochJump; })) == Errc::conflict);
  CHECK(refusal(with([](HostOrder& order) {
          order.fence.epoch = std::numeric_limits<std::uint64_t>::max();
        })) == Errc::conflict);
  CHECK(refusal(with([](HostOrder& order) {
          order.fence = {2, std::numeric_limits<std::uint64_t>::max()};
        })) == Errc::conflict);
}

TEST_CASE("replay: a new delegation ends an epoch that was driven to its limit") {
  const Accepted locked{{1, std::numeric_limits<std::uint64_t>::max()}, 9, 42};
  CHECK(refusal(samples::order(), locked) == Errc::superseded);
  CHECK(admit(with([](HostOrder& order) { order.fence = {2, 1}; }), locked).ok());
}

TEST_CASE("replay: a repeated or older sequence is refused under the same fence") {
  CHECK(refusal(with([](HostOrder& order) { order.sequence = 4; })) == Errc::superseded);
  CHECK(refusal(with([](HostOrder& order) { order.sequence = 3; })) == Errc::superseded);
  CHECK(admit(with([](HostOrder& order) { order.sequence = 1'000'000; })).ok());
}

TEST_CASE("replay: a greater fence begins its sequence anew, at 1") {
  CHECK(admit(with([](HostOrder& order) { order.fence.epoch = 8, order.sequence = 1; })).ok());
  CHECK(refusal(with([](HostOrder& order) { order.fence.epoch = 8, order.sequence = 0; })) == Errc::superseded);
}

TEST_CASE("replay: an older generation is refused, the same one is admitted again") {
  CHECK(refusal(with([](HostOrder& order) { order.generation = 41; })) == Errc::superseded);
  CHECK(refusal(with([](HostOrder& order) { order.fence.epoch = 8, order.generation = 41; })) == Errc::superseded);
  CHECK(admit(with([](HostOrder& order) { order.generation = 42; })).ok());
  CHECK(admit(with([](HostOrder& order) { order.generation = 43; })).ok());
}

TEST_CASE("replay: an admitted order is refused the second time") {
  const auto order = samples::order();
  const auto accepted = wire::after(order, kBefore);
  CHECK(accepted.fence == order.fence);
  CHECK(accepted.sequence == order.sequence);
  CHECK(accepted.generation == order.generation);
  CHECK(refusal(order, accepted) == Errc::superseded);
}
