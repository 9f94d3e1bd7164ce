#include "common/time.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>

namespace dure {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

// 'd' in the shape stands for a digit.
bool has_shape(std::string_view text, std::string_view shape) {
  return text.size() == shape.size() && std::equal(text.begin(), text.end(), shape.begin(), [](char c, char wanted) {
           return wanted == 'd' ? digit(c) : c == wanted;
         });
}

unsigned two_digits(std::string_view text, std::size_t at) {
  return static_cast<unsigned>(text[at] - '0') * 10 + static_cast<unsigned>(text[at + 1] - '0');
}

// Of "Z" or "+09:00", in seconds.
std::optional<std::int64_t> offset_of(std::string_view text) {
  if (text == "Z") return 0;
  if (!has_shape(text, "+dd:dd") && !has_shape(text, "-dd:dd")) return std::nullopt;
  const unsigned hours = two_digits(text, 1), minutes = two_digits(text, 4);
  if (hours > 23 || minutes > 59) return std::nullopt;
  const std::int64_t seconds = std::int64_t{hours} * 3600 + std::int64_t{minutes} * 60;
  return text[0] == '-' ? -seconds : seconds;
}

}  // namespace

std::string in_seconds(Duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

std::string to_rfc3339(TimePoint at) {
  using namespace std::chrono;
  const sys_time<microseconds> instant{microseconds{at.us}};
  const auto day = floor<days>(instant);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<milliseconds>(instant - day)};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text;
}

std::optional<TimePoint> parse_rfc3339(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  constexpr std::size_t kLongestFraction = 9;
  if (!has_shape(text.substr(0, kShape.size()), kShape)) return std::nullopt;
  using namespace std::chrono;
  const year_month_day date{year(static_cast<int>(two_digits(text, 0) * 100 + two_digits(text, 2))),
                            month(two_digits(text, 5)), day(two_digits(text, 8))};
  const unsigned hour = two_digits(text, 11), minute = two_digits(text, 14), second = two_digits(text, 17);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  text.remove_prefix(kShape.size());
  std::int64_t fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    std::size_t digits = 0;
    std::int64_t unit = 100'000;
    for (; digits < text.size() && digit(text[digits]); ++digits, unit /= 10) fraction += (text[digits] - '0') * unit;
    if (digits == 0 || digits > kLongestFraction) return std::nullopt;
    text.remove_prefix(digits);
  }
  const auto offset = offset_of(text);
  if (!offset) return std::nullopt;
  const std::int64_t midnight = sys_days(date).time_since_epoch().count() * std::int64_t{86'400};
  const std::int64_t seconds = midnight + std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second - *offset;
  return TimePoint{seconds * 1'000'000 + fraction};
}

}  // namespace dure
