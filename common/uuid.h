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
  bool is_nil() const;

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
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
