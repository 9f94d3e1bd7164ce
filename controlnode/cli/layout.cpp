#include "controlnode/cli/layout.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace dure::cli {
namespace {

namespace json = boost::json;

struct Character {
  std::int32_t point = -1;  // -1: malformed
  std::size_t bytes = 1;
  std::size_t width = 1;
};

Character next_character(std::string_view text) {
  Character result;
  const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &result.point);
  if (used <= 0) return {};
  result.bytes = static_cast<std::size_t>(used);
  result.width = static_cast<std::size_t>(std::max(0, utf8proc_charwidth(result.point)));
  return result;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto character = next_character(text);
    width += character.width;
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string fit(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const auto character = next_character(text);
    if (used + character.width > width - 1) break;
    used += character.width;
    out.append(text.substr(0, character.bytes));
    text.remove_prefix(character.bytes);
  }
  return out + "…";
}

std::string pad(std::string_view text, std::size_t width) {
  std::string out(text);
  const auto used = display_width(text);
  if (used < width) out.append(width - used, ' ');
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto character = next_character(text);
    const auto category = character.point < 0 ? UTF8PROC_CATEGORY_CC
                                              : utf8proc_category(character.point);
    // Cc: control; Cf: formatting, such as the marks that reverse the direction of a line.
    if (category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF) {
      out += character.point == '\n' || character.point == '\t' ? " " : "�";
    } else {
      out.append(text.substr(0, character.bytes));
    }
    text.remove_prefix(character.bytes);
  }
  return out;
}

std::string columns_of_text(const std::vector<std::vector<std::string>>& rows,
                            const Paint& paint) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    std::size_t gap = 0;
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      const auto& cell = rows[r][i];
      if (cell.empty()) {
        gap += widths[i] + 2;
        continue;
      }
      line += std::string(gap, ' ') + (paint ? paint(r, i, cell) : cell);
      gap = widths[i] + 2 - display_width(cell);
    }
    text += line + "\n";
  }
  return text;
}

std::string plain(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return {};
    case json::kind::string: return printable(value.get_string());
    case json::kind::array: {
      std::string text;
      for (const auto& item : value.get_array()) text += (text.empty() ? "" : ",") + plain(item);
      return text;
    }
    case json::kind::object: {
      std::string text;
      for (const auto& each : value.get_object()) {
        text += (text.empty() ? "" : ",") + printable(each.key()) + "=" + plain(each.value());
      }
      return text;
    }
    case json::kind::bool_: return value.get_bool() ? "yes" : "no";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return json::serialize(value);
  }
  return {};
}

std::string member(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  return found == nullptr ? std::string() : plain(*found);
}

std::string member(const json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  return object == nullptr ? std::string() : member(*object, name);
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < units.size()) {
    amount /= 1024;
    ++unit;
  }
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), unit == 0 ? "%.0f %s" : "%.1f %s", amount,
                units[unit]);
  return buffer.data();
}

std::string human_duration(Duration length) {
  const auto s = std::max<std::int64_t>(0, length.count() / 1'000'000);
  std::array<char, 48> buffer{};
  const auto put = [&](const char* format, std::int64_t a, std::int64_t b) {
    std::snprintf(buffer.data(), buffer.size(), format, static_cast<long long>(a),
                  static_cast<long long>(b));
    return std::string(buffer.data());
  };
  if (s < 60) return std::to_string(s) + "s";
  if (s < 3600) return put("%lldm%02llds", s / 60, s % 60);
  if (s < 86400) return put("%lldh%02lldm", s / 3600, s % 3600 / 60);
  return std::to_string(s / 86400) + "d";
}

std::string seconds(Duration length) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.1fs",
                static_cast<double>(std::max<std::int64_t>(0, length.count())) / 1e6);
  return buffer.data();
}

std::optional<Duration> parse_duration(std::string_view text, Duration most) {
  std::int64_t scale = 1;
  if (!text.empty() && (text.back() < '0' || text.back() > '9')) {
    switch (text.back()) {
      case 's': scale = 1; break;
      case 'm': scale = 60; break;
      case 'h': scale = 3600; break;
      case 'd': scale = 86400; break;
      default: return std::nullopt;
    }
    text.remove_suffix(1);
  }
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  const auto most_s = std::chrono::duration_cast<std::chrono::seconds>(most).count();
  if (parsed.ec != std::errc{} || parsed.ptr != end || value < 1 || value > most_s / scale) {
    return std::nullopt;
  }
  return std::chrono::seconds(value * scale);
}

std::string duration_fault(const std::string& text) {
  return parse_duration(text) ? std::string() : "a time such as 90s, 30m or 2h is wanted, not '" + text + "'";
}

std::optional<std::int64_t> parse_overcommit_percent(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view places = text.substr(std::min(point + 1, text.size()));
  const bool pointed = point < text.size();
  if (point == 0 || point > 2 || places.size() > 2 || (pointed && places.empty())) return std::nullopt;
  std::string digits(text.substr(0, point));
  digits += places;
  digits.append(2 - places.size(), '0');
  std::int64_t percent = 0;
  const auto* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, percent);
  if (parsed.ec != std::errc{} || parsed.ptr != end || percent < 100 || percent > 6400) return std::nullopt;
  return percent;
}

std::string path_segment(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '~' || c == '.';
    if (safe) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15U];
    }
  }
  return out;
}

}  // namespace dure::cli
