#include "controlnode/core/id_stream.h"

#include <algorithm>
#include <cstddef>

namespace dure::control {
namespace {

// The finaliser of SplitMix64: every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

constexpr std::uint64_t kRounds = 6;

}  // namespace

IdStream::IdStream(std::array<std::uint8_t, 16> seed, TimePoint now)
    : high_(0), low_(0), milliseconds_(static_cast<std::uint64_t>(std::max<std::int64_t>(now.us, 0)) / 1000) {
  for (std::size_t i = 0; i < 8; ++i) {
    high_ = (high_ << 8) | seed[i];
    low_ = (low_ << 8) | seed[i + 8];
  }
}

// A Feistel network over seed + counter is a permutation of 128 bits, whatever the round function:
// one stream does not repeat, and two streams meet only where their seeds lie next to each other.
Uuid IdStream::next() {
  const std::uint64_t low = low_ + counter_;
  std::uint64_t left = high_ + (low < low_ ? 1 : 0);
  std::uint64_t right = low;
  ++counter_;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const std::uint64_t mixed = left ^ mix(right ^ (round * 0xd1342543de82ef95ULL));
    left = right;
    right = mixed;
  }
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(left >> (56 - 8 * i));
    bytes[i + 8] = static_cast<std::uint8_t>(right >> (56 - 8 * i));
  }
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(milliseconds_ >> (40 - 8 * i));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x70U);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
  return Uuid{bytes};
}

}  // namespace dure::control
