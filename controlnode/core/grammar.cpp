#include "controlnode/core/grammar.h"

#include <algorithm>
#include <optional>
#include <array>
#include <cstdint>

namespace dure::control {
namespace {

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool printable(char c) { return c >= ' ' && c <= '~'; }

bool name_like(std::string_view text, std::size_t max, std::string_view joints) {
  if (text.empty() || text.size() > max || !lower(text.front())) return false;
  if (!lower(text.back()) && !digit(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return lower(c) || digit(c) || joints.find(c) != std::string_view::npos;
  });
}

constexpr std::array<std::string_view, 7> kKeyTypes{
    "ssh-ed25519",         "ssh-rsa",
    "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com"};

bool valid_base64(std::string_view text) {
  if (text.size() < 24 || text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return lower(c) || upper(c) || digit(c) || c == '+' || c == '/';
  });
}

// The length of the well-formed UTF-8 sequence at the front; 0: there is none. Two-byte controls
// (U+0080..U+009F) and directional overrides (U+202A..U+202E, U+2066..U+2069) count as none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7f ? 1 : 0;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  std::uint32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  const bool shortest = length == 2 || (length == 3 && code >= 0x800) || (length == 4 && code >= 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  const bool control = code < 0xa0 || (code >= 0x202a && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069);
  return shortest && !surrogate && !control && code <= 0x10ffff ? length : 0;
}

}  // namespace

bool valid_name(std::string_view text, std::size_t max) { return name_like(text, max, "-"); }

bool valid_catalog_name(std::string_view text) { return name_like(text, 63, "-."); }

namespace {

bool word_like(std::string_view text, std::size_t max, bool upper_too, std::string_view joints) {
  const auto end = [&](char c) { return lower(c) || digit(c) || (upper_too && upper(c)); };
  if (text.empty() || text.size() > max || !end(text.front()) || !end(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return end(c) || joints.find(c) != std::string_view::npos; });
}

}  // namespace

bool valid_room(std::string_view text) { return word_like(text, 32, true, "-._"); }

bool valid_label_key(std::string_view text) { return word_like(text, 63, false, "-._/"); }

bool valid_label_value(std::string_view text) { return text.empty() || word_like(text, 63, true, "-._"); }

bool valid_ssh_public_key(std::string_view text) {
  if (text.size() > kMaxPublicKeyBytes) return false;
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return false;
  const auto type = text.substr(0, space);
  if (std::find(kKeyTypes.begin(), kKeyTypes.end(), type) == kKeyTypes.end()) return false;
  const auto rest = text.substr(space + 1);
  const auto end = rest.find(' ');
  if (!valid_base64(rest.substr(0, end))) return false;
  if (end == std::string_view::npos) return true;
  const auto comment = rest.substr(end + 1);
  return clean_text(comment, comment.size()) == comment;
}

bool valid_kubernetes_version(std::string_view text) {
  constexpr std::string_view kMajor = "v1.";
  constexpr unsigned kFirstMinor = 32;
  if (!text.starts_with(kMajor)) return false;
  text.remove_prefix(kMajor.size());
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return false;
  const auto number = [](std::string_view digits) -> std::optional<unsigned> {
    if (digits.empty() || digits.size() > 4 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
    unsigned value = 0;
    for (const char c : digits) {
      if (!digit(c)) return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
  };
  const auto minor = number(text.substr(0, dot));
  return minor && *minor >= kFirstMinor && number(text.substr(dot + 1)).has_value();
}

bool valid_curve_key(std::string_view text) {
  constexpr std::string_view kMarks = ".-:+=^!/*?&<>()[]{}@%$#";
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [&](char c) {
           return lower(c) || upper(c) || digit(c) || kMarks.find(c) != std::string_view::npos;
         });
}

bool printable_ascii(std::string_view text, std::size_t max) {
  return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), printable);
}

std::string clean_text(std::string_view text, std::size_t max) {
  std::string clean;
  while (!text.empty() && clean.size() < max) {
    const std::size_t length = sequence_length(text);
    if (length > max - clean.size()) break;
    if (length == 0) {
      clean.push_back('?');
    } else {
      clean.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

}  // namespace dure::control
