#include "protocol/wire/text.h"

#include <algorithm>
#include <cstdint>

namespace dure::wire {
namespace {

struct Character {
  std::size_t length = 0;  // 0: not well-formed
  char32_t code = 0;
};

// The first character of a non-empty text; overlong forms, surrogates and values beyond Unicode are
// not well-formed.
Character decode_first(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {1, lead};
  std::size_t length = 0;
  char32_t code = 0;
  char32_t smallest = 0;
  if ((lead & 0xe0) == 0xc0) {
    length = 2, code = lead & 0x1f, smallest = 0x80;
  } else if ((lead & 0xf0) == 0xe0) {
    length = 3, code = lead & 0x0f, smallest = 0x800;
  } else if ((lead & 0xf8) == 0xf0) {
    length = 4, code = lead & 0x07, smallest = 0x10000;
  }
  if (length == 0 || text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code = (code << 6) | (next & 0x3f);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < smallest || code > 0x10ffff || surrogate) return {};
  return {length, code};
}

bool is_printable_code(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  if (code == 0x2028 || code == 0x2029) return false;
  // Direction marks and overrides let one name look like another.
  if (code == 0x200e || code == 0x200f || code == 0x061c) return false;
  return !(code >= 0x202a && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool is_name(std::string_view text, std::size_t max) {
  if (text.empty() || text.size() > max || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '-' || is_lower_or_digit(c); });
}

bool is_host_name(std::string_view text) {
  if (text.size() > 253) return false;
  while (true) {
    const auto dot = text.find('.');
    if (!is_name(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_user_name(std::string_view text) {
  if (text.empty() || text.size() > 32) return false;
  if (text[0] != '_' && (text[0] < 'a' || text[0] > 'z')) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '-' || c == '_' || is_lower_or_digit(c); });
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const auto character = decode_first(text);
    if (character.length == 0 || !is_printable_code(character.code)) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t max) {
  std::string result;
  while (!text.empty()) {
    const auto character = decode_first(text);
    const std::size_t length = std::max<std::size_t>(character.length, 1);
    const bool keep = character.length > 0 && is_printable_code(character.code);
    if (result.size() + (keep ? length : 1) > max) break;
    result += keep ? text.substr(0, length) : std::string_view("?");
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace dure::wire
