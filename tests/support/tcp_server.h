#pragma once

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace dure::testing {

// A socket with deadlines, for tests.
class TcpSocket {
 public:
  explicit TcpSocket(int fd) : fd_(fd) {
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  static int dial(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    return fd;
  }
  ~TcpSocket() { ::close(fd_); }
  TcpSocket(const TcpSocket&) = delete;
  TcpSocket& operator=(const TcpSocket&) = delete;

  int fd() const { return fd_; }
  bool send_all(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish() const { ::shutdown(fd_, SHUT_WR); }
  // What one read gives; empty: the end, or nothing in time.
  std::string receive(std::size_t most = 65536) const {
    std::string bytes(most, '\0');
    const auto got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  std::string receive_exactly(std::size_t size) const {
    std::string bytes;
    while (bytes.size() < size) {
      const auto more = receive(size - bytes.size());
      if (more.empty()) break;
      bytes += more;
    }
    return bytes;
  }

 private:
  int fd_;
};

// Serves each connection on loopback by a function of the test, on a thread of its own.
class TcpServer {
 public:
  using Serve = std::function<void(const TcpSocket&)>;
  explicit TcpServer(Serve serve) : serve_(std::move(serve)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(fd_, 128) == 0);
    socklen_t length = sizeof at;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &length) == 0);
    port_ = ntohs(at.sin_port);
    accepting_ = std::thread([this] {
      for (int got; (got = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        serving_.emplace_back([this, got] { serve_(TcpSocket(got)); });
      }
    });
  }
  ~TcpServer() {
    ::shutdown(fd_, SHUT_RDWR);
    accepting_.join();
    for (auto& one : serving_) one.join();
    ::close(fd_);
  }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  Serve serve_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::list<std::thread> serving_;
  std::thread accepting_;
};

// Says back all it hears, and ends when the other side does.
inline void echo(const TcpSocket& socket) {
  for (std::string bytes; !(bytes = socket.receive()).empty();) {
    if (!socket.send_all(bytes)) return;
  }
}

}  // namespace dure::testing
