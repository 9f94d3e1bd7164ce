#include "common/digest.h"

namespace dure {
namespace {
constexpr std::string_view kHexDigits = "0123456789abcdef";
}

std::optional<Digest> Digest::parse(std::string_view text) {
  if (text.size() != 64) return std::nullopt;
  Digest result;
  for (std::size_t i = 0; i < 32; ++i) {
    const auto high = kHexDigits.find(text[i * 2]);
    const auto low = kHexDigits.find(text[i * 2 + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    result.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return result;
}

std::string Digest::str() const {
  std::string text;
  text.reserve(64);
  for (const auto byte : bytes) {
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 15]);
  }
  return text;
}

}  // namespace dure
