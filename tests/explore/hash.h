#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "common/digest.h"
#include "common/uuid.h"

namespace dure::explore {

// 128 bits that stand for a state: two different states of one walk are taken for one with a probability below 10^-24.
struct Hash {
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const Hash&, const Hash&) = default;
};

struct HashOfHash {
  std::size_t operator()(const Hash& hash) const { return hash.low; }
};

// Takes words one after the other. Lists go behind their length.
class Hasher {
 public:
  void add(std::uint64_t word) {
    low_ = mix(low_ ^ word);
    high_ = mix(high_ + (word ^ 0x9ddfea08eb382d69ULL));
  }
  template <class Value>
    requires(std::is_enum_v<Value> || (std::is_integral_v<Value> && !std::is_same_v<Value, std::uint64_t>))
  void add(Value value) {
    add(static_cast<std::uint64_t>(value));
  }
  void add(const Uuid& id) { add_bytes(id.bytes.data(), id.bytes.size()); }
  template <class Tag>
  void add(const Id<Tag>& id) {
    add(id.uuid);
  }
  void add(const Digest& digest) { add_bytes(digest.bytes.data(), digest.bytes.size()); }
  void add(const Hash& hash) {
    add(hash.low);
    add(hash.high);
  }
  void add(std::string_view text) {
    add(text.size());
    add_bytes(text.data(), text.size());
  }
  Hash finish() const { return {mix(low_ ^ high_), mix(high_ + low_)}; }

 private:
  static std::uint64_t mix(std::uint64_t word) {
    word ^= word >> 32;
    word *= 0xd6e8feb86659fd93ULL;
    word ^= word >> 32;
    word *= 0xd6e8feb86659fd93ULL;
    word ^= word >> 32;
    return word + 0x9e3779b97f4a7c15ULL;
  }
  void add_bytes(const void* bytes, std::size_t size) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    for (std::size_t done = 0; done < size; done += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at + done, size - done < 8 ? size - done : 8);
      add(word);
    }
  }

  std::uint64_t low_ = 0x243f6a8885a308d3ULL, high_ = 0x13198a2e03707344ULL;
};

}  // namespace dure::explore
