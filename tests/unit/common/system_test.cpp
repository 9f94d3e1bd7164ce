#include "common/system.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>

using namespace dure;
using namespace std::chrono_literals;

TEST_CASE("the system's random bytes differ each time") {
  SystemRandom random;
  CHECK(random.bytes16() != random.bytes16());
}

TEST_CASE("the system's date is this century's, and its steady clock begins there and goes on") {
  SystemClock clock;
  SystemSteadyClock steady;
  const auto before = clock.now();
  const auto first = steady.now();
  CHECK(to_rfc3339(before).starts_with("20"));
  CHECK(std::chrono::abs(Duration{first.us - before.us}) < 10s);
  while (steady.now() == first) {
  }
  CHECK(steady.now() > first);
}

TEST_CASE("jobs run at the same time, and an exception ends only its own") {
  ThreadTaskRunner runner(2, 8);
  std::promise<void> first, second;
  runner.run([] { throw std::runtime_error("a bug"); });
  // Each waits for the other, which one thread alone could never serve.
  std::promise<void> done_a, done_b;
  runner.run([&] { first.set_value(); second.get_future().wait(); done_a.set_value(); });
  runner.run([&] { second.set_value(); first.get_future().wait(); done_b.set_value(); });
  CHECK(done_a.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(done_b.get_future().wait_for(10s) == std::future_status::ready);
}

TEST_CASE("a full queue makes the sender wait, and stop() drops what waits") {
  std::promise<void> started, release;
  std::atomic<int> ran = 0;
  ThreadTaskRunner runner(1, 1);
  auto released = release.get_future().share();
  runner.run([&, released] { started.set_value(); released.wait(); ++ran; });
  started.get_future().wait();
  runner.run([&] { ++ran; });
  auto third = std::async(std::launch::async, [&] { runner.run([&] { ++ran; }); });
  CHECK(third.wait_for(50ms) == std::future_status::timeout);
  auto stopping = std::async(std::launch::async, [&] { runner.stop(); });
  CHECK(third.wait_for(10s) == std::future_status::ready);
  release.set_value();
  CHECK(stopping.wait_for(10s) == std::future_status::ready);
  CHECK(ran == 1);
  runner.run([&] { ++ran; });
  CHECK(ran == 1);
}

TEST_CASE("SIGTERM is waited for instead of ending the process") {
  auto waiter = SignalWaiter::open();
  REQUIRE(waiter.ok());
  CHECK_FALSE(waiter->wait(1ms).has_value());
  REQUIRE(::kill(::getpid(), SIGTERM) == 0);
  CHECK(waiter->wait(10s) == SIGTERM);
  CHECK_FALSE(waiter->wait(0ms).has_value());
}
