#include "common/ip.h"

#include <charconv>

namespace dure {
namespace {

// Decimal without sign, spaces or leading zeros, at most `max`.
std::optional<std::uint32_t> parse_decimal(std::string_view text, std::uint32_t max) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

std::uint32_t mask_of(std::uint8_t length) {
  return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
}

}  // namespace

std::optional<Ipv4> Ipv4::parse(std::string_view text) {
  Ipv4 result;
  for (int i = 0; i < 4; ++i) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return std::nullopt;
    const auto octet = parse_decimal(text.substr(0, dot), 255);
    if (!octet) return std::nullopt;
    result.value = (result.value << 8) | *octet;
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return result;
}

std::string Ipv4::str() const {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (!text.empty()) text.push_back('.');
    text += std::to_string((value >> shift) & 255);
  }
  return text;
}

std::optional<Ipv4Prefix> Ipv4Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto base = Ipv4::parse(text.substr(0, slash));
  const auto length = parse_decimal(text.substr(slash + 1), 32);
  if (!base || !length) return std::nullopt;
  const Ipv4Prefix prefix{*base, static_cast<std::uint8_t>(*length)};
  if ((base->value & ~mask_of(prefix.length)) != 0) return std::nullopt;
  return prefix;
}

std::string Ipv4Prefix::str() const { return base.str() + "/" + std::to_string(length); }

bool Ipv4Prefix::contains(Ipv4 address) const {
  return (address.value & mask_of(length)) == base.value;
}

std::optional<Ipv4> Ipv4Prefix::at(std::uint32_t n) const {
  const std::uint64_t size = std::uint64_t{1} << (32 - length);
  if (n >= size) return std::nullopt;
  return Ipv4{base.value + n};
}

std::optional<Mac> Mac::parse(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  constexpr std::string_view digits = "0123456789abcdef";
  Mac result;
  for (std::size_t i = 0; i < 6; ++i) {
    if (i > 0 && text[i * 3 - 1] != ':') return std::nullopt;
    const auto high = digits.find(text[i * 3]);
    const auto low = digits.find(text[i * 3 + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    result.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return result;
}

std::string Mac::str() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    if (!text.empty()) text.push_back(':');
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

}  // namespace dure
