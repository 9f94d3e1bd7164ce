#include "controlnode/cli/tunnel_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <list>
#include <thread>
#include <utility>

#include "common/ip.h"

namespace dure::cli {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// One connection and its stream: bytes both ways until both sides have ended.
class Carrier {
 public:
  Carrier(int local, int stop, TunnelClient& tunnel) : local_(local), stop_(stop), tunnel_(tunnel) {}

  void run() {
    while (from_tunnel() && from_local()) {
      if (local_ended_ && to_tunnel_.empty() && !finished_) {
        tunnel_.finish();
        finished_ = true;
      }
      if (tunnel_ended_ && to_local_.empty() && !told_) {
        ::shutdown(local_, SHUT_WR);
        told_ = true;
      }
      if ((finished_ && told_) || !wait()) return;
    }
  }

 private:
  // False: over.
  bool from_tunnel() {
    if (to_local_.empty() && !tunnel_ended_) {
      auto bytes = tunnel_.read();
      tunnel_ended_ = !bytes;
      if (bytes) to_local_ = std::move(*bytes);
    }
    const auto sent = to_local_.empty() ? 0 : ::send(local_, to_local_.data(), to_local_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    to_local_.erase(0, static_cast<std::size_t>(sent));
    more_ = sent > 0;
    return true;
  }
  bool from_local() {
    if (to_tunnel_.empty() && !local_ended_) {
      const auto got = ::recv(local_, chunk_.data(), chunk_.size(), 0);
      if (got < 0 && errno != EAGAIN && errno != EINTR) return false;
      local_ended_ = got == 0;
      if (got > 0) to_tunnel_.assign(chunk_.data(), static_cast<std::size_t>(got));
    }
    if (to_tunnel_.empty()) return true;
    const auto sent = tunnel_.write(to_tunnel_);
    if (!sent) return false;
    to_tunnel_.erase(0, *sent);
    more_ = more_ || *sent > 0;
    return true;
  }
  // False: told to stop.
  bool wait() {
    pollfd entries[] = {{stop_, POLLIN, 0}, {local_, 0, 0}, {tunnel_.descriptor(), 0, 0}};
    if (!local_ended_ && to_tunnel_.empty()) entries[1].events |= POLLIN;
    if (!to_local_.empty()) entries[1].events |= POLLOUT;
    if (!tunnel_ended_ && to_local_.empty()) entries[2].events |= POLLIN;
    if (!to_tunnel_.empty()) entries[2].events |= POLLOUT;
    // A side that has hung up makes poll return at once for ever: it is asked for only where it matters.
    for (auto& entry : entries) {
      if (entry.events == 0) entry.fd = -1;
    }
    ::poll(entries, 3, more_ ? 0 : -1);
    return entries[0].revents == 0;
  }

  int local_, stop_;
  TunnelClient& tunnel_;
  std::string to_local_, to_tunnel_;
  bool local_ended_ = false, tunnel_ended_ = false, finished_ = false, told_ = false;
  bool more_ = false;  // something moved: there may be more in hand than poll knows of
  std::array<char, 64 * 1024> chunk_;
};

Result<Descriptor> listen_on(const std::string& address, std::uint16_t port) {
  const auto ip = Ipv4::parse(address);
  if (!ip) return Error{Errc::invalid_argument, "'" + address + "' is not an IPv4 address"};
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(ip->value);
  const int on = 1;
  if (socket.get() < 0 || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(socket.get(), 64) != 0) {
    return Error{Errc::unavailable, "cannot listen on " + address + ":" + std::to_string(port) + ": " +
                                        std::strerror(errno)};
  }
  return socket;
}

}  // namespace

class TunnelProxy::Worker {
 public:
  Worker(Descriptor listening, Descriptor stop, Open open, Refused refused)
      : listening_(std::move(listening)), stop_(std::move(stop)), open_(std::move(open)),
        refused_(std::move(refused)) {
    thread_ = std::thread([this] { accept_all(); });
  }
  ~Worker() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
    thread_.join();
    for (auto& one_connection : connections_) one_connection.thread.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  std::uint16_t port() const {
    sockaddr_in at{};
    socklen_t length = sizeof at;
    if (::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&at), &length) != 0) return 0;
    return ntohs(at.sin_port);
  }

 private:
  struct Connection {
    std::atomic<bool> over{false};
    std::thread thread;
  };

  void accept_all() {
    for (;;) {
      pollfd entries[] = {{stop_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}};
      if (::poll(entries, 2, -1) < 0) continue;
      if (entries[0].revents != 0) return;
      Descriptor local(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      connections_.remove_if([](Connection& one) {
        if (one.over) one.thread.join();
        return one.over.load();
      });
      // Above the limit the new one is closed.
      if (local.get() < 0 || connections_.size() >= kMostConnections) continue;
      auto& made = connections_.emplace_back();
      made.thread = std::thread([this, &made, socket = std::move(local)] {
        carry(socket.get());
        made.over = true;
      });
    }
  }

  void carry(int local) {
    try {
      const int on = 1;
      [[maybe_unused]] const int set = ::setsockopt(local, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto tunnel = open_(stop_.get());
      if (!tunnel) return refused_(tunnel.failure());
      Carrier(local, stop_.get(), **tunnel).run();
    } catch (const std::exception& error) {
      Failure failure;
      failure.message = error.what();
      refused_(failure);
    }
  }

  Descriptor listening_, stop_;
  Open open_;
  Refused refused_;
  std::list<Connection> connections_;  // of the accepting thread, until it has ended
  std::thread thread_;
};

Result<std::unique_ptr<TunnelProxy>> TunnelProxy::start(const std::string& address, std::uint16_t port,
                                                        Open open, Refused refused) {
  auto listening = listen_on(address, port);
  if (!listening) return listening.error();
  Descriptor stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (stop.get() < 0) return Error{Errc::internal, std::string("eventfd: ") + std::strerror(errno)};
  return std::unique_ptr<TunnelProxy>(new TunnelProxy(std::make_unique<Worker>(
      std::move(listening).value(), std::move(stop), std::move(open), std::move(refused))));
}

TunnelProxy::TunnelProxy(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
TunnelProxy::~TunnelProxy() = default;

std::uint16_t TunnelProxy::port() const { return worker_->port(); }

}  // namespace dure::cli
