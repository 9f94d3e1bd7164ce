#include "controlnode/core/date_watch.h"

#include <doctest/doctest.h>

#include <vector>

using namespace dure;
using namespace dure::control;

namespace {

constexpr Duration kSecond = std::chrono::seconds(1), kMinute = std::chrono::minutes(1), kHour = std::chrono::hours(1);
constexpr TimePoint kDate{1'700'000'000'000'000};
constexpr SteadyPoint kPoint{1'700'000'000'000'000};

// The machine's clock and the steady one, looked at every second.
struct Machine {
  DateWatch watch{std::chrono::minutes(10)};
  TimePoint date = kDate;
  SteadyPoint steady = kPoint;
  std::vector<Duration> hosts;
  Now now = watch.look(date, steady, hosts);

  void run(Duration time) {
    for (Duration gone{}; gone < time; gone += kSecond) {
      date = date + kSecond;
      steady = steady + kSecond;
      now = watch.look(date, steady, hosts);
    }
  }
  TimePoint true_date() const { return TimePoint{kDate.us + (steady.us - kPoint.us)}; }
};

}  // namespace

TEST_CASE("date watch: a date holds when it has stood still for a while, also after a start") {
  Machine machine;
  CHECK(machine.now.date == kDate);
  CHECK_FALSE(machine.now.dates_hold);
  machine.run(10 * kMinute - kSecond);
  CHECK_FALSE(machine.now.dates_hold);
  machine.run(kSecond);
  CHECK(machine.now.dates_hold);
  CHECK(machine.now.ahead == Duration::zero());
}

TEST_CASE("date watch: a clock that is set for a minute changes no date, in either direction") {
  for (const Duration by : {40 * 24 * kHour, -9 * kHour, 2 * kMinute}) {
    Machine machine;
    machine.run(kHour);
    machine.date = machine.date + by;
    machine.run(kMinute);
    CHECK(machine.now.date == machine.true_date());
    CHECK_FALSE(machine.now.dates_hold);
    CHECK(machine.now.ahead == by);
    machine.date = machine.date - by;
    machine.run(kSecond);
    CHECK(machine.now.date == machine.true_date());
    CHECK(machine.now.ahead == Duration::zero());
    // It has been set, and set again: nothing ends before that has lasted.
    CHECK_FALSE(machine.now.dates_hold);
    machine.run(10 * kMinute);
    CHECK(machine.now.dates_hold);
  }
}

TEST_CASE("date watch: a clock that was put right is followed when it has stood still") {
  Machine machine;
  machine.run(kHour);
  machine.date = machine.date + 9 * kHour;
  machine.run(9 * kMinute);
  CHECK(machine.now.ahead == 9 * kHour);
  machine.run(kMinute + kSecond);
  CHECK(machine.now.date == machine.date);
  CHECK(machine.now.dates_hold);
}

TEST_CASE("date watch: what a time service takes off in small steps is followed at once") {
  Machine machine;
  machine.run(kHour);
  for (int i = 0; i < 10; ++i) {
    machine.date = machine.date + 30 * kSecond;
    machine.run(kSecond);
    CHECK(machine.now.date == machine.date);
    CHECK(machine.now.dates_hold);
  }
}

TEST_CASE("date watch: most hosts say that it is wrong: nothing ends; one that lies, or too few, say nothing") {
  Machine machine;
  machine.run(kHour);
  const Duration right{kDate.us - kPoint.us};
  machine.hosts = {right, right, right + 9 * kHour};
  machine.run(kMinute);
  CHECK(machine.now.dates_hold);
  machine.hosts = {right + 9 * kHour, right + 9 * kHour};
  machine.run(kMinute);
  CHECK(machine.now.dates_hold);
  machine.hosts = {right + 9 * kHour, right + 9 * kHour, right};
  machine.run(kMinute);
  CHECK_FALSE(machine.now.dates_hold);
  // Nor is a clock followed that they contradict, however long it stands still.
  machine.hosts = {right, right, right};
  machine.date = machine.date + 24 * kHour;
  machine.run(kHour);
  CHECK(machine.now.date == machine.true_date());
  CHECK_FALSE(machine.now.dates_hold);
}
