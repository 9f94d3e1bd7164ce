#include "hostagent/edges/echo/echo_socket.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace dure::host {
namespace {

sockaddr_in socket_address(Ipv4 address) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_addr.s_addr = htonl(address.value);
  return made;
}

Error failed(const char* what) {
  return {Errc::unavailable, std::string(what) + ": " + std::strerror(errno)};
}

}  // namespace

Result<EchoSocket> EchoSocket::open(Ipv4 source) {
  constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  bool raw = false;
  int fd = ::socket(AF_INET, SOCK_DGRAM | kFlags, IPPROTO_ICMP);
  if (fd < 0) {
    raw = true;
    fd = ::socket(AF_INET, SOCK_RAW | kFlags, IPPROTO_ICMP);
  }
  if (fd < 0) return failed("socket for echoes");
  EchoSocket made(fd, raw);
  if (raw) {
    icmp_filter filter{};
    filter.data = ~(1U << ICMP_ECHOREPLY);
    if (::setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter) != 0) return failed("filter of echoes");
  }
  if (source.value != 0) {
    const auto address = socket_address(source);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return failed("address for echoes");
    }
  }
  return made;
}

EchoSocket::EchoSocket(EchoSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), raw_(other.raw_) {}

EchoSocket::~EchoSocket() {
  if (fd_ >= 0) ::close(fd_);
}

bool EchoSocket::send(Ipv4 to, const Echo& echo) const {
  const auto bytes = echo_request(echo);
  const auto address = socket_address(to);
  return ::sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) == static_cast<ssize_t>(bytes.size());
}

EchoSocket::Received EchoSocket::receive(std::uint16_t identifier) const {
  std::array<std::uint8_t, 128> bytes{};
  sockaddr_in from{};
  socklen_t length = sizeof from;
  // MSG_TRUNC: the length that it had, so that what is longer is not taken for what was asked.
  const ssize_t got = ::recvfrom(fd_, bytes.data(), bytes.size(), MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &length);
  // A message that something was not delivered ends no measurement either.
  if (got < 0) return {errno != EAGAIN && errno != EWOULDBLOCK, std::nullopt};
  if (static_cast<std::size_t>(got) > bytes.size()) return {true, std::nullopt};
  std::span<const std::uint8_t> icmp(bytes.data(), static_cast<std::size_t>(got));
  if (raw_) icmp = behind_ipv4_header(icmp);
  auto echo = read_echo_reply(icmp);
  if (!echo || (raw_ && echo->identifier != identifier)) return {true, std::nullopt};
  // The kernel's own socket has an identifier of its choice, and gives us only answers to that.
  echo->identifier = identifier;
  return {true, Reply{Ipv4{ntohl(from.sin_addr.s_addr)}, *echo}};
}

}  // namespace dure::host
