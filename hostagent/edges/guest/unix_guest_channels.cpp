#include "hostagent/edges/guest/unix_guest_channels.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/log.h"
#include "hostagent/edges/guest/guest_status.h"

namespace dure::host {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{100};
constexpr milliseconds kLongestRetry{2000};
// After reading from a guest, so that one that never stops writing cannot keep the thread busy.
constexpr milliseconds kPauseAfterRead{20};

// One guest: its socket while connected, and the unfinished line.
class Channel {
 public:
  explicit Channel(WatchedGuest guest) : guest_(std::move(guest)) {}
  ~Channel() { drop(); }
  Channel(Channel&& other) noexcept
      : guest_(std::move(other.guest_)), fd_(std::exchange(other.fd_, -1)),
        line_(std::move(other.line_)), skipping_(other.skipping_), next_(other.next_),
        retry_(other.retry_) {}
  Channel& operator=(Channel&& other) noexcept {
    std::swap(guest_, other.guest_);
    std::swap(fd_, other.fd_);
    std::swap(line_, other.line_);
    std::swap(skipping_, other.skipping_);
    std::swap(next_, other.next_);
    std::swap(retry_, other.retry_);
    return *this;
  }

  const WatchedGuest& guest() const { return guest_; }
  // When something is to be done without the socket saying so.
  Steady::time_point next() const { return next_; }
  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  void connect_now(Steady::time_point now) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (guest_.socket_path.size() < sizeof address.sun_path) {
      std::memcpy(address.sun_path, guest_.socket_path.c_str(), guest_.socket_path.size() + 1);
      fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd_ >= 0 && connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        drop();
    }
    if (connected()) {
      next_ = now;
    } else {
      next_ = now + retry_;
      retry_ = std::min(retry_ * 2, kLongestRetry);
    }
  }

  // Reads once; the last well-formed line that was completed by it.
  std::optional<GuestStatus> read_once(Steady::time_point now) {
    std::array<char, kMaxGuestLineBytes> chunk{};
    const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
    if (got <= 0) {
      // QEMU closed it: the guest was stopped, or another reader had it.
      drop();
      next_ = now + retry_;
      retry_ = std::min(retry_ * 2, kLongestRetry);
      return std::nullopt;
    }
    retry_ = kFirstRetry;
    next_ = now + kPauseAfterRead;
    return take(std::string_view(chunk.data(), static_cast<std::size_t>(got)));
  }

 private:
  std::optional<GuestStatus> take(std::string_view bytes) {
    std::optional<GuestStatus> last;
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      if (!skipping_ && line_.size() + part.size() <= kMaxGuestLineBytes) {
        line_.append(part);
      } else {
        skipping_ = true;
      }
      if (end == std::string_view::npos) break;
      if (!skipping_)
        if (auto status = parse_guest_status(line_)) last = std::move(status);
      line_.clear();
      skipping_ = false;
      bytes.remove_prefix(end + 1);
    }
    return last;
  }

  void drop() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    line_.clear();
    skipping_ = false;
  }

  WatchedGuest guest_;
  int fd_ = -1;
  std::string line_;
  bool skipping_ = false;  // inside a line that is too long
  Steady::time_point next_{};
  milliseconds retry_ = kFirstRetry;
};

}  // namespace

class UnixGuestChannels::Loop {
 public:
  Loop(GuestListener& listener, int wake) : listener_(listener), wake_(wake) {
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

 private:
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
      for (Channel& channel : channels_)
        if (!channel.connected() && channel.next() <= now) channel.connect_now(now);
      wait_and_read();
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
    std::vector<Channel> next;
    for (WatchedGuest& guest : *wanted) {
      const auto same = std::find_if(channels_.begin(), channels_.end(), [&](const Channel& c) {
        return c.guest().vm == guest.vm && c.guest().socket_path == guest.socket_path;
      });
      if (same == channels_.end()) {
        next.emplace_back(std::move(guest));
      } else {
        next.push_back(std::move(*same));
        channels_.erase(same);
      }
    }
    channels_ = std::move(next);
    return true;
  }

  void wait_and_read() {
    const auto now = Steady::now();
    std::vector<pollfd> entries{{wake_, POLLIN, 0}};
    std::optional<Steady::time_point> soonest;
    for (const Channel& channel : channels_) {
      const bool resting = channel.next() > now;
      if (resting && (!soonest || channel.next() < *soonest)) soonest = channel.next();
      // A negative descriptor keeps its place in the list and is ignored by poll.
      entries.push_back({channel.connected() && !resting ? channel.fd() : -1, POLLIN, 0});
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
      if (entries[n + 1].revents == 0) continue;
      if (auto status = channels_[n].read_once(Steady::now()))
        listener_.on_guest_status(channels_[n].guest().vm, std::move(*status));
    }
  }

  GuestListener& listener_;
  const int wake_;
  std::mutex mutex_;
  std::optional<std::vector<WatchedGuest>> wanted_;
  bool stopping_ = false;
  std::vector<Channel> channels_;
  std::thread thread_;
};

Result<std::unique_ptr<UnixGuestChannels>> UnixGuestChannels::open(GuestListener& listener) {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Error{Errc::internal, std::string("eventfd: ") + std::strerror(errno)};
  return std::unique_ptr<UnixGuestChannels>(
      new UnixGuestChannels(std::make_unique<Loop>(listener, wake)));
}

UnixGuestChannels::UnixGuestChannels(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
UnixGuestChannels::~UnixGuestChannels() = default;

void UnixGuestChannels::watch(std::vector<WatchedGuest> guests) { loop_->watch(std::move(guests)); }

}  // namespace dure::host
