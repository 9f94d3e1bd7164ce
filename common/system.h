#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "common/ports.h"
#include "common/result.h"

namespace dure {

// The ports of common/ports.h on the machine itself, for both programs' composition roots.

class SystemClock : public Clock {
 public:
  TimePoint now() override;
};

// CLOCK_BOOTTIME. It begins at what the machine's date is when this is made, so that a point which a program wrote down
// means about the same to the next one; nothing else about it is a date.
class SystemSteadyClock : public SteadyClock {
 public:
  SystemSteadyClock();
  SteadyPoint now() override;

 private:
  Duration offset_;
};

class SystemRandom : public Random {
 public:
  std::array<std::uint8_t, 16> bytes16() override;
};

// A fixed number of threads and a bounded queue. Jobs must not call run() on their own runner: with
// a full queue they would wait for themselves.
class ThreadTaskRunner : public TaskRunner {
 public:
  ThreadTaskRunner(std::size_t threads, std::size_t max_queued);
  // Jobs that run are finished; jobs that wait are dropped.
  ~ThreadTaskRunner() override;
  ThreadTaskRunner(const ThreadTaskRunner&) = delete;
  ThreadTaskRunner& operator=(const ThreadTaskRunner&) = delete;

  // Waits while the queue is full. After stop() the job is dropped.
  void run(std::function<void()> job) override;
  bool try_run(std::function<void()> job) override;
  // Idempotent; what the destructor does.
  void stop();

 private:
  void work();

  const std::size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Raises the soft limit of open descriptors, which is 1024 on many machines, as far as this process may, and not further
// than anybody here needs. Returns the limit that holds now.
std::uint64_t raise_descriptor_limit();

// SIGTERM and SIGINT as something to wait for. Make it before the first thread starts, because
// threads inherit the mask; it also ignores SIGPIPE for the process.
class SignalWaiter {
 public:
  static Result<SignalWaiter> open();
  ~SignalWaiter();
  SignalWaiter(SignalWaiter&& other) noexcept;
  SignalWaiter& operator=(SignalWaiter&&) = delete;

  // The signal's number; nullopt when the time has passed. A negative duration waits for ever.
  std::optional<int> wait(Duration at_most);
  // Readable when a signal waits; for a poll loop.
  int fd() const { return fd_; }

 private:
  explicit SignalWaiter(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// Calls `stop` from a thread of its own when SIGTERM or SIGINT comes; the destructor ends that thread
// also when no signal has come.
class StopOnSignal {
 public:
  StopOnSignal(SignalWaiter& signals, std::function<void()> stop);
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

 private:
  int end_fd_;
  std::thread thread_;
};

}  // namespace dure
