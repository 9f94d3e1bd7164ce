#include "hostagent/edges/guest/guest_channel.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/log.h"
#include "hostagent/edges/guest/guest_status.h"

namespace dure::host {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{100};
constexpr milliseconds kLongestRetry{2000};
// After reading from a guest, so that one that never stops writing cannot keep the thread busy.
constexpr milliseconds kPauseAfterRead{20};
constexpr std::chrono::hours kDateAgain{1};
constexpr std::size_t kToldBytes = 120;  // of a line that is not understood

}  // namespace

GuestChannel::GuestChannel(WatchedGuest guest, milliseconds resend)
    : vm_(guest.vm), socket_path_(std::move(guest.socket_path)), resend_(resend), retry_(kFirstRetry) {
  set_document(guest.bootstrap);
}

GuestChannel::~GuestChannel() { drop(); }

void GuestChannel::set_document(const std::string& bytes) {
  if (bytes == ordered_) return;
  ordered_ = bytes;
  document_ = bytes.empty() ? std::nullopt : checked_document(bytes);
  if (!document_ && !bytes.empty()) {
    log::error("a guest's document is no JSON object on one line and is not sent", {{"vm", vm_.str()}});
  }
  if (sent_ == 0) outgoing_.clear();
  next_offer_ = {};
}

void GuestChannel::connect_now(Steady::time_point now) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.size() < sizeof address.sun_path) {
    std::memcpy(address.sun_path, socket_path_.c_str(), socket_path_.size() + 1);
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ >= 0 && connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) drop();
  }
  if (connected()) {
    next_ = now;
  } else {
    lose(now);
  }
}

std::optional<GuestStatus> GuestChannel::read_once(Steady::time_point now, std::uint64_t unix_ms) {
  std::array<char, kMaxGuestLineBytes> chunk{};
  const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
  if (got <= 0) {
    // QEMU closed it: the guest was stopped, or another reader had it.
    lose(now);
    return std::nullopt;
  }
  retry_ = kFirstRetry;
  next_ = now + kPauseAfterRead;
  auto status = take(std::string_view(chunk.data(), static_cast<std::size_t>(got)));
  if (status) offer_document(*status, now, unix_ms);
  return status;
}

void GuestChannel::write_once(Steady::time_point now) {
  const ssize_t done = send(fd_, outgoing_.data() + sent_, outgoing_.size() - sent_, MSG_NOSIGNAL);
  if (done < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (done < 0) {
    lose(now);
    return;
  }
  sent_ += static_cast<std::size_t>(done);
  if (sending()) return;
  outgoing_.clear();
  sent_ = 0;
}

std::optional<GuestStatus> GuestChannel::take(std::string_view bytes) {
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
    if (!skipping_) {
      auto status = parse_guest_status(line_);
      if (!status) log::debug("a guest says what is not understood", {{"line", line_.substr(0, kToldBytes)}});
      if (status) last = std::move(status);
    }
    line_.clear();
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
  return last;
}

void GuestChannel::offer_document(const GuestStatus& status, Steady::time_point now, std::uint64_t unix_ms) {
  if (!document_ || sending() || now < next_offer_) return;
  // One that it has it is given again for the date in the line: its own clock drifts, or stood still while its host slept.
  if (next_date_ == Steady::time_point{}) next_date_ = now + kDateAgain;
  if (status.have == document_->revision && now < next_date_) return;
  outgoing_ = document_line(*document_, unix_ms);
  next_offer_ = now + resend_;
  next_date_ = now + kDateAgain;
}

void GuestChannel::lose(Steady::time_point now) {
  drop();
  next_ = now + retry_;
  retry_ = std::min(retry_ * 2, kLongestRetry);
}

void GuestChannel::drop() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  line_.clear();
  skipping_ = false;
  outgoing_.clear();
  sent_ = 0;
  next_offer_ = {};
}

}  // namespace dure::host
