#include "controlnode/core/busy_windows.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

using namespace dure;
using namespace dure::control;

namespace {

using Windows = std::vector<BusyWindow>;

BusyWindow window(std::int64_t from, std::int64_t until) { return {{from}, {until}}; }

bool covers(const Windows& windows, std::int64_t at) {
  return std::any_of(windows.begin(), windows.end(),
                     [&](const BusyWindow& one) { return one.from.us <= at && at < one.until.us; });
}

}  // namespace

TEST_CASE("busy windows: those that overlap or touch become one, empty ones none") {
  CHECK(merged({window(5, 7), window(1, 2), window(2, 4), window(6, 9), window(3, 3)}) ==
        Windows{window(1, 4), window(5, 9)});
  CHECK(merged({window(1, 9), window(2, 3)}) == Windows{window(1, 9)});
  CHECK(merged({window(4, 2)}).empty());
}

TEST_CASE("busy windows: merging changes no instant, and leaves them sorted and apart") {
  CHECK(rc::check([] {
    Windows windows;
    const int count = *rc::gen::inRange(0, 12);
    for (int i = 0; i < count; ++i) {
      const auto from = *rc::gen::inRange<std::int64_t>(0, 40);
      windows.push_back(window(from, from + *rc::gen::inRange<std::int64_t>(-1, 9)));
    }
    const Windows result = merged(windows);
    for (std::int64_t at = -2; at < 60; ++at) RC_ASSERT(covers(windows, at) == covers(result, at));
    for (std::size_t i = 1; i < result.size(); ++i) RC_ASSERT(result[i - 1].until < result[i].from);
    RC_ASSERT(merged(result) == result);
  }));
}

TEST_CASE("busy windows: what is over is left out, what is going on is not") {
  CHECK(not_over({window(1, 5), window(6, 9)}, {5}) == Windows{window(6, 9)});
  CHECK(not_over({window(1, 5)}, {4}) == Windows{window(1, 5)});
}
