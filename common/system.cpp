#include "common/system.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>

#include "common/log.h"

namespace dure {

namespace {

// More than all connections that the bounds of the agents' channel and of the API allow.
constexpr rlim_t kMostDescriptors = 65536;

Duration reading(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

TimePoint SystemClock::now() { return {reading(CLOCK_REALTIME).count()}; }

SystemSteadyClock::SystemSteadyClock() : offset_(reading(CLOCK_REALTIME) - reading(CLOCK_BOOTTIME)) {}

SteadyPoint SystemSteadyClock::now() { return {(reading(CLOCK_BOOTTIME) + offset_).count()}; }

std::array<std::uint8_t, 16> SystemRandom::bytes16() {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = getrandom(bytes.data() + done, bytes.size() - done, 0);
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      // Predictable ids and sessions would be worse than no process.
      log::error("getrandom failed", {{"reason", std::strerror(errno)}});
      std::abort();
    }
  }
  return bytes;
}

ThreadTaskRunner::ThreadTaskRunner(std::size_t threads, std::size_t max_queued)
    : max_queued_(std::max<std::size_t>(max_queued, 1)) {
  for (std::size_t n = 0; n < std::max<std::size_t>(threads, 1); ++n)
    threads_.emplace_back([this] { work(); });
}

ThreadTaskRunner::~ThreadTaskRunner() { stop(); }

void ThreadTaskRunner::run(std::function<void()> job) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || queue_.size() < max_queued_; });
    if (stopping_) return;
    queue_.push_back(std::move(job));
  }
  changed_.notify_all();
}

bool ThreadTaskRunner::try_run(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= max_queued_) return false;
    queue_.push_back(std::move(job));
  }
  changed_.notify_all();
  return true;
}

void ThreadTaskRunner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void ThreadTaskRunner::work() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    changed_.notify_all();
    try {
      job();
    } catch (const std::exception& error) {
      // Jobs report by events; an exception that comes this far is a bug of one job, not of all.
      log::error("a job ended by an exception", {{"reason", error.what()}});
    } catch (...) {
      log::error("a job ended by an unknown exception");
    }
  }
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t wanted = std::min(limit.rlim_max, kMostDescriptors);
  if (limit.rlim_cur < wanted) {
    const rlimit raised{wanted, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
  }
  return limit.rlim_cur;
}

Result<SignalWaiter> SignalWaiter::open() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0)
    return Error{Errc::internal, "signals cannot be blocked"};
  signal(SIGPIPE, SIG_IGN);
  const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return Error{Errc::internal, std::string("signalfd: ") + std::strerror(errno)};
  return SignalWaiter(fd);
}

SignalWaiter::SignalWaiter(SignalWaiter&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

SignalWaiter::~SignalWaiter() {
  if (fd_ >= 0) close(fd_);
}

std::optional<int> SignalWaiter::wait(Duration at_most) {
  using Steady = std::chrono::steady_clock;
  const auto deadline = Steady::now() + at_most;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
    const int timeout_ms =
        at_most < Duration::zero() ? -1 : static_cast<int>(std::clamp<long long>(left, 0, 1 << 30));
    pollfd entry{fd_, POLLIN, 0};
    const int ready = poll(&entry, 1, timeout_ms);
    if (ready > 0) {
      signalfd_siginfo info{};
      if (read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
        return static_cast<int>(info.ssi_signo);
    } else if (ready == 0 && timeout_ms == 0) {
      return std::nullopt;
    } else if (ready < 0 && errno != EINTR) {
      return std::nullopt;
    }
  }
}

StopOnSignal::StopOnSignal(SignalWaiter& signals, std::function<void()> stop)
    : end_fd_(::eventfd(0, EFD_CLOEXEC)), thread_([this, &signals, stop = std::move(stop)] {
        ::pollfd watched[] = {{signals.fd(), POLLIN, 0}, {end_fd_, POLLIN, 0}};
        while (::poll(watched, 2, -1) < 0 && errno == EINTR) {
        }
        if (watched[0].revents != 0) stop();
      }) {}

StopOnSignal::~StopOnSignal() {
  ::eventfd_write(end_fd_, 1);
  thread_.join();
  ::close(end_fd_);
}

}  // namespace dure
