#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dure {

struct Ipv4 {
  std::uint32_t value = 0;  // host byte order

  // Exactly four decimal octets without leading zeros.
  static std::optional<Ipv4> parse(std::string_view text);
  std::string str() const;
  friend auto operator<=>(const Ipv4&, const Ipv4&) = default;
};

struct Ipv4Prefix {
  Ipv4 base;               // host bits are zero
  std::uint8_t length = 0;  // 0..32

  // "10.1.2.0/24"; refused when host bits are set.
  static std::optional<Ipv4Prefix> parse(std::string_view text);
  std::string str() const;
  bool contains(Ipv4 address) const;
  // The n-th address, counted from the base; nullopt beyond the prefix.
  std::optional<Ipv4> at(std::uint32_t n) const;
  friend auto operator<=>(const Ipv4Prefix&, const Ipv4Prefix&) = default;
};

struct Mac {
  std::array<std::uint8_t, 6> bytes{};

  // Six lower-case hexadecimal pairs with colons.
  static std::optional<Mac> parse(std::string_view text);
  std::string str() const;
  friend auto operator<=>(const Mac&, const Mac&) = default;
};

}  // namespace dure
