#include "common/system.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

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

TEST_CASE("whoever may not wait is told that the queue is full, or that it has ended") {
  std::promise<void> started, release;
  std::atomic<int> ran = 0;
  ThreadTaskRunner runner(1, 1);
  auto released = release.get_future().share();
  CHECK(runner.try_run([&, released] { started.set_value(); released.wait(); ++ran; }));
  started.get_future().wait();
  CHECK(runner.try_run([&] { ++ran; }));
  CHECK_FALSE(runner.try_run([&] { ++ran; }));
  release.set_value();
  while (ran < 2) std::this_thread::yield();
  runner.stop();
  CHECK_FALSE(runner.try_run([&] { ++ran; }));
  CHECK(ran == 2);
}

TEST_CASE("the soft limit of descriptors is raised to the hard one, and is never lowered") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit low{256, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  const auto wanted = std::min<rlim_t>(before.rlim_max, 65536);
  CHECK(raise_descriptor_limit() == wanted);
  rlimit now{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == wanted);
  CHECK(now.rlim_max == before.rlim_max);
  if (before.rlim_max > wanted) {
    const rlimit more{wanted + 1, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &more) == 0);
    CHECK(raise_descriptor_limit() == wanted + 1);
  }
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("SIGTERM is waited for instead of ending the process") {
  auto waiter = SignalWaiter::open();
  REQUIRE(waiter.ok());
  CHECK_FALSE(waiter->wait(1ms).has_value());
  REQUIRE(::kill(::getpid(), SIGTERM) == 0);
  CHECK(waiter->wait(10s) == SIGTERM);
  CHECK_FALSE(waiter->wait(0ms).has_value());
}
