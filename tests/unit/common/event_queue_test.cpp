#include "common/event_queue.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>

using namespace dure;
using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST_CASE("events come out together and in order") {
  EventQueue<std::unique_ptr<int>> queue(10);
  for (int n = 0; n < 3; ++n) CHECK(queue.push(std::make_unique<int>(n)));
  const auto events = queue.pop_all(Steady::now());
  REQUIRE(events.size() == 3);
  CHECK(*events[0] == 0);
  CHECK(*events[2] == 2);
  CHECK(queue.pop_all(Steady::now()).empty());
}

TEST_CASE("a full queue refuses, and takes again when it was emptied") {
  EventQueue<int> queue(2);
  CHECK(queue.push(1));
  CHECK(queue.push(2));
  CHECK_FALSE(queue.push(3));
  CHECK(queue.pop_all(Steady::now()) == std::vector<int>{1, 2});
  CHECK(queue.push(4));
}

TEST_CASE("whoever waits is woken by an event, by the deadline and by closing") {
  EventQueue<int> queue(2);
  const auto begin = Steady::now();
  CHECK(queue.pop_all(begin + 20ms).empty());
  CHECK(Steady::now() - begin >= 20ms);
  auto waiting = std::async(std::launch::async, [&] { return queue.pop_all(Steady::now() + 60s); });
  CHECK(queue.push(7));
  CHECK(waiting.get() == std::vector<int>{7});
  waiting = std::async(std::launch::async, [&] { return queue.pop_all(Steady::now() + 60s); });
  queue.close();
  CHECK(waiting.get().empty());
  CHECK(queue.closed());
  CHECK_FALSE(queue.push(8));
}
