#include "hostagent/edges/tunnel/guest_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace dure::host {

GuestSocket::GuestSocket(const NodeId& node, Ipv4 address, std::uint16_t port, Steady::time_point now)
    : node_(node), used_at_(now) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    fail();
    return;
  }
  const int on = 1;
  // Only costs time where it cannot be had.
  [[maybe_unused]] const int set = ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(address.value);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    state_ = State::open;
  } else if (errno != EINPROGRESS) {
    fail();
  }
}

GuestSocket::~GuestSocket() {
  if (fd_ >= 0) ::close(fd_);
}

void GuestSocket::fail() { state_ = State::failed; }

void GuestSocket::finish_connecting(Steady::time_point now) {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return fail();
  state_ = State::open;
  used_at_ = now;
}

std::string GuestSocket::read_some(std::size_t most, Steady::time_point now) {
  std::string bytes(most, '\0');
  const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (got < 0 && errno != EAGAIN && errno != EINTR) fail();
  if (got == 0) heard_all_ = true;
  if (got > 0) used_at_ = now;
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

void GuestSocket::queue(std::string bytes, Steady::time_point now) {
  outgoing_ += bytes;
  used_at_ = now;
}

void GuestSocket::queue_end() { end_queued_ = true; }

std::size_t GuestSocket::write_some(Steady::time_point now) {
  std::size_t written = 0;
  while (written < outgoing_.size()) {
    const ssize_t sent = ::send(fd_, outgoing_.data() + written, outgoing_.size() - written, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) fail();
      break;
    }
    written += static_cast<std::size_t>(sent);
  }
  outgoing_.erase(0, written);
  if (written > 0) used_at_ = now;
  if (outgoing_.empty() && end_queued_ && !end_sent_) {
    end_sent_ = true;
    if (::shutdown(fd_, SHUT_WR) != 0) fail();
  }
  return written;
}

}  // namespace dure::host
