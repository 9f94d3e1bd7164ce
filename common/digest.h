#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dure {

// The SHA-256 of a file's bytes: its name wherever it is stored.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  // Exactly 64 lower-case hexadecimal digits.
  static std::optional<Digest> parse(std::string_view text);
  std::string str() const;
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

}  // namespace dure
