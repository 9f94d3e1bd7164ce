#include "controlnode/core/grammar.h"

#include <algorithm>
#include <optional>

namespace dure::control {
namespace {

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool ascii(char c) { return c >= ' ' && c <= '~'; }

bool name_like(std::string_view text, std::size_t max, std::string_view joints) {
  if (text.empty() || text.size() > max || !lower(text.front())) return false;
  if (!lower(text.back()) && !digit(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return lower(c) || digit(c) || joints.find(c) != std::string_view::npos;
  });
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
  return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), ascii);
}

}  // namespace dure::control
