#include "hostagent/edges/guest/unix_guest_channels.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/log.h"
#include "hostagent/edges/guest/guest_channel.h"

namespace dure::host {
namespace {

using Steady = GuestChannel::Steady;
using std::chrono::milliseconds;

std::int64_t reading_us(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

class UnixGuestChannels::Loop {
 public:
  Loop(GuestListener& listener, int wake, milliseconds resend)
      : listener_(listener), wake_(wake), resend_(resend) {
    thread_ = std::thread([this] { guarded(); });
  }
  ~Loop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    rouse();
    thread_.join();
    close(wake_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void watch(std::vector<WatchedGuest> guests) {
    {
      const std::lock_guard lock(mutex_);
      wanted_ = std::move(guests);
    }
    rouse();
  }

  void date(TimePoint now) { ahead_us_ = now.us - reading_us(CLOCK_BOOTTIME); }

 private:
  std::uint64_t date_ms() const {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(reading_us(CLOCK_BOOTTIME) + ahead_us_, 0) / 1000);
  }

  void rouse() const {
    const std::uint64_t one = 1;
    // A full counter is a wake-up that waits already.
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
  }

  void guarded() {
    try {
      run();
    } catch (const std::exception& error) {
      log::error("the guest channels have stopped", {{"reason", error.what()}});
    }
  }

  void run() {
    while (take_wanted()) {
      const auto now = Steady::now();
      for (const auto& channel : channels_)
        if (!channel->connected() && channel->next() <= now) channel->connect_now(now);
      wait_and_serve();
    }
  }

  // False: stop. Channels of guests that stay are kept with what they have read.
  bool take_wanted() {
    std::optional<std::vector<WatchedGuest>> wanted;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
      wanted = std::exchange(wanted_, std::nullopt);
    }
    if (!wanted) return true;
    std::vector<std::unique_ptr<GuestChannel>> next;
    for (WatchedGuest& guest : *wanted) {
      const auto same = std::find_if(channels_.begin(), channels_.end(), [&](const auto& channel) {
        return channel->vm() == guest.vm && channel->socket_path() == guest.socket_path;
      });
      if (same == channels_.end()) {
        next.push_back(std::make_unique<GuestChannel>(std::move(guest), resend_));
      } else {
        (*same)->set_document(guest.bootstrap);
        next.push_back(std::move(*same));
        channels_.erase(same);
      }
    }
    channels_ = std::move(next);
    return true;
  }

  void wait_and_serve() {
    const auto now = Steady::now();
    std::vector<pollfd> entries{{wake_, POLLIN, 0}};
    std::optional<Steady::time_point> soonest;
    for (const auto& channel : channels_) {
      const bool resting = channel->next() > now;
      if (resting && (!soonest || channel->next() < *soonest)) soonest = channel->next();
      short wanted = 0;
      if (!resting) wanted |= POLLIN;
      if (channel->sending()) wanted |= POLLOUT;
      // A negative descriptor keeps its place in the list and is ignored by poll.
      entries.push_back({channel->connected() && wanted != 0 ? channel->fd() : -1, wanted, 0});
    }
    int timeout_ms = -1;
    if (soonest)
      timeout_ms = static_cast<int>(std::chrono::ceil<milliseconds>(*soonest - now).count());
    if (poll(entries.data(), entries.size(), timeout_ms) <= 0) return;
    if (entries[0].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = read(wake_, &count, sizeof count);
    }
    for (std::size_t n = 0; n < channels_.size(); ++n) {
      if (entries[n + 1].revents != 0) serve(*channels_[n], entries[n + 1].events);
    }
  }

  void serve(GuestChannel& channel, short wanted) {
    // Whatever the socket says, also that it is broken: the call that was waited for finds out.
    if ((wanted & POLLOUT) != 0) channel.write_once(Steady::now());
    if ((wanted & POLLIN) == 0 || !channel.connected()) return;
    if (auto status = channel.read_once(Steady::now(), date_ms()))
      listener_.on_guest_status(channel.vm(), std::move(*status));
  }

  GuestListener& listener_;
  const int wake_;
  const milliseconds resend_;
  // The date is so far ahead of the clock that nobody sets.
  std::atomic<std::int64_t> ahead_us_{reading_us(CLOCK_REALTIME) - reading_us(CLOCK_BOOTTIME)};
  std::mutex mutex_;
  std::optional<std::vector<WatchedGuest>> wanted_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<GuestChannel>> channels_;
  std::thread thread_;
};

Result<std::unique_ptr<UnixGuestChannels>> UnixGuestChannels::open(GuestListener& listener,
                                                                   milliseconds resend) {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Error{Errc::internal, std::string("eventfd: ") + std::strerror(errno)};
  return std::unique_ptr<UnixGuestChannels>(
      new UnixGuestChannels(std::make_unique<Loop>(listener, wake, resend)));
}

UnixGuestChannels::UnixGuestChannels(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
UnixGuestChannels::~UnixGuestChannels() = default;

void UnixGuestChannels::watch(std::vector<WatchedGuest> guests) { loop_->watch(std::move(guests)); }
void UnixGuestChannels::date(TimePoint now) { loop_->date(now); }

}  // namespace dure::host
