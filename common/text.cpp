#include "common/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "common/base64.h"

namespace dure {
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

namespace {

// Each type with how many fields its bytes have, the type among them. The security keys' last one names an application.
struct KeyType {
  std::string_view name;
  std::size_t fields;
};
constexpr std::array<KeyType, 7> kKeyTypes{{{"ssh-ed25519", 2},
                                            {"ssh-rsa", 3},
                                            {"ecdsa-sha2-nistp256", 3},
                                            {"ecdsa-sha2-nistp384", 3},
                                            {"ecdsa-sha2-nistp521", 3},
                                            {"sk-ssh-ed25519@openssh.com", 3},
                                            {"sk-ecdsa-sha2-nistp256@openssh.com", 4}}};
constexpr std::size_t kEd25519Bytes = 32;

// A length of four bytes, most significant first, and as many bytes.
std::optional<std::string_view> take_field(std::string_view& bytes) {
  std::size_t length = 0;
  if (bytes.size() < 4) return std::nullopt;
  for (std::size_t i = 0; i < 4; ++i) length = (length << 8) | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(4);
  if (length == 0 || length > bytes.size()) return std::nullopt;
  const auto field = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return field;
}

bool is_key_of(const KeyType& type, std::string_view bytes) {
  for (std::size_t i = 0; i < type.fields; ++i) {
    const auto field = take_field(bytes);
    if (!field || (i == 0 && *field != type.name)) return false;
    if (i == 1 && type.name.ends_with("ed25519") && field->size() != kEd25519Bytes) return false;
  }
  return bytes.empty();
}

}  // namespace

bool is_ssh_public_key(std::string_view text) {
  if (text.size() > kMaxSshKeyBytes) return false;
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return false;
  const auto type = std::find_if(kKeyTypes.begin(), kKeyTypes.end(),
                                 [&](const KeyType& known) { return known.name == text.substr(0, space); });
  if (type == kKeyTypes.end()) return false;
  const auto rest = text.substr(space + 1);
  const auto end = rest.find(' ');
  const auto bytes = from_base64(rest.substr(0, end));
  if (!bytes || !is_key_of(*type, *bytes)) return false;
  return end == std::string_view::npos || is_printable(rest.substr(end + 1));
}

}  // namespace dure
