#include "protocol/wire/fence_proof.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "protocol/wire/envelope.h"
#include "tests/unit/protocol/wire/samples.h"

namespace dure::wire {
namespace {

const SystemId kSystem = samples::id<SystemId>(0x11);

}  // namespace

TEST_CASE("fence proof: it holds for its own system, delegation, epoch and key alone") {
  const auto key = samples::signing_key(1), thief = samples::signing_key(2);
  const auto ours = VerifyingKey::from_bytes(key.public_key()).value();
  const auto theirs = VerifyingKey::from_bytes(thief.public_key()).value();
  const Fence fence{1, 7};
  const auto proof = prove_fence(kSystem, fence, key).value();
  CHECK(fence_proven(kSystem, fence, proof, ours));
  CHECK_FALSE(fence_proven(samples::id<SystemId>(0x12), fence, proof, ours));
  CHECK_FALSE(fence_proven(kSystem, fence, proof, theirs));
  CHECK_FALSE(fence_proven(kSystem, fence, prove_fence(kSystem, fence, thief).value(), ours));
  for (const Fence& other : {Fence{1, 8}, Fence{1, 6}, Fence{2, 7}, Fence{7, 1}, Fence{0, 7}, Fence{1, 0},
                             Fence{1, std::numeric_limits<std::uint64_t>::max()}, Fence{1, 7 + (std::uint64_t{1} << 32)}}) {
    CHECK_FALSE(fence_proven(kSystem, other, proof, ours));
  }
}

TEST_CASE("fence proof: every flipped bit and every other length is refused") {
  const auto key = samples::signing_key(1);
  const auto ours = VerifyingKey::from_bytes(key.public_key()).value();
  const auto proof = prove_fence(kSystem, {1, 7}, key).value();
  for (std::size_t bit = 0; bit < proof.size() * 8; ++bit) {
    auto flipped = proof;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(fence_proven(kSystem, {1, 7}, flipped, ours));
  }
  for (const auto& other : {std::string(), proof.substr(1), proof + "x", std::string(64, '\0')}) {
    CHECK_FALSE(fence_proven(kSystem, {1, 7}, other, ours));
  }
}

}  // namespace dure::wire
