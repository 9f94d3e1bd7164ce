#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dure {

// 128 bits, written as RFC 9562 text: 8-4-4-4-12 lower-case hexadecimal digits.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  // Accepts exactly 36 characters, lower-case hexadecimal; anything else is refused.
  static std::optional<Uuid> parse(std::string_view text);
  std::string str() const;
  std::array<char, 36> chars() const;  // the same, where many are written
  bool is_nil() const;

  friend bool operator==(const Uuid&, const Uuid&) = default;
  // As the bytes compare, eight at a time: ids are the keys of most maps.
  friend std::strong_ordering operator<=>(const Uuid& a, const Uuid& b) {
    const std::uint64_t front_a = a.big_endian(0), front_b = b.big_endian(0);
    return front_a != front_b ? front_a <=> front_b : a.big_endian(8) <=> b.big_endian(8);
  }

 private:
  std::uint64_t big_endian(std::size_t from) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | bytes[from + i];
    return value;
  }
};

// Sets the version (4) and variant bits of RFC 9562 on 16 random bytes.
Uuid uuid_from_random(std::array<std::uint8_t, 16> random);

// A UUID that names one kind of thing only, so that a HostId cannot be passed for a NodeId.
template <class Tag>
struct Id {
  Uuid uuid;

  static std::optional<Id> parse(std::string_view text) {
    const auto parsed = Uuid::parse(text);
    if (!parsed) return std::nullopt;
    return Id{*parsed};
  }
  std::string str() const { return uuid.str(); }
  bool is_nil() const { return uuid.is_nil(); }

  friend auto operator<=>(const Id&, const Id&) = default;
};

// For unordered containers.
struct IdHash {
  template <class Tag>
  std::size_t operator()(const Id<Tag>& id) const {
    std::size_t hash = 1469598103934665603ULL;
    for (const std::uint8_t byte : id.uuid.bytes) hash = (hash ^ byte) * 1099511628211ULL;
    return hash;
  }
};

}  // namespace dure
