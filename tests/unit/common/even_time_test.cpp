#include "common/even_time.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <chrono>
#include <cstdlib>

using namespace dure;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint kNoon{1'700'000'000'000'000};

}  // namespace

TEST_CASE("even time: a clock that is never set is followed exactly, slow drift as well") {
  EvenTime time;
  CHECK(time.now(kNoon, 5s) == kNoon);
  CHECK(time.now(kNoon + 1s, 6s) == kNoon + 1s);
  CHECK(time.now(kNoon + 60s + 500us, 65s) == kNoon + 60s + 500us);
  CHECK(time.now(kNoon + 119s, 125s) == kNoon + 119s);
  CHECK(time.ahead() == 0us);
}

TEST_CASE("even time: a clock that is set forward is reached in ten times the difference") {
  EvenTime time;
  time.now(kNoon, 0s);
  CHECK(time.now(kNoon + 27min + 1s, 1s) == kNoon + 1100ms);
  CHECK(time.ahead() == 27min - 100ms);
  CHECK(time.now(kNoon + 27min + 270min, 270min) == kNoon + 27min + 270min);
  CHECK(time.ahead() == 0us);
}

TEST_CASE("even time: a clock that is set back is waited for at nine tenths of the speed") {
  EvenTime time;
  time.now(kNoon, 0s);
  CHECK(time.now(kNoon - 9h + 10s, 10s) == kNoon + 9s);
  CHECK(time.now(kNoon - 9h + 90h, 90h) == kNoon + 81h);
  CHECK(time.ahead() == 0us);
}

TEST_CASE("even time: whatever the machine's clock does, a second takes from 0.9 to 1.1") {
  CHECK(rc::check([] {
    EvenTime time;
    TimePoint wall = kNoon;
    Duration passed{};
    TimePoint before = time.now(wall, passed);
    TimePoint begun = before;
    for (int i = 0; i < 200; ++i) {
      const Duration step{*rc::gen::inRange<std::int64_t>(0, *rc::gen::element<std::int64_t>(3, 100, 5'000'000))};
      passed += step;
      wall = wall + step;
      if (*rc::gen::inRange(0, 10) == 0) wall = wall + Duration{*rc::gen::inRange<std::int64_t>(-1'000'000'000'000, 1'000'000'000'000)};
      const TimePoint now = time.now(wall, passed);
      RC_ASSERT(now >= before);
      before = now;
    }
    const auto off = (before - begun) - passed;
    RC_ASSERT(std::abs(off.count()) <= passed.count() / 10);
  }));
}
