#include "common/time.h"

#include <cstdio>

namespace dure {

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

}  // namespace dure
