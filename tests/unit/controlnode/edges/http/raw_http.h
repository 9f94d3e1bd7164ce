#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace dure::control::test {

struct RawAnswer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// A connection that sends exactly the bytes it is given, well-formed or not.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  ~RawConnection() { ::close(fd_); }

  bool connected() const { return connected_; }

  // False when the other side no longer takes bytes.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // The next answer; nullopt when the connection ends or nothing comes for `wait_ms`.
  std::optional<RawAnswer> read(bool without_body = false, int wait_ms = 5000) {
    for (;;) {
      const auto end = buffer_.find("\r\n\r\n");
      if (end != std::string::npos) {
        auto answer = parse(buffer_.substr(0, end));
        std::size_t length = 0;
        const auto& text = answer.headers["content-length"];
        std::from_chars(text.data(), text.data() + text.size(), length);
        if (without_body) length = 0;
        while (buffer_.size() < end + 4 + length) {
          if (!fill(wait_ms)) return std::nullopt;
        }
        answer.body = buffer_.substr(end + 4, length);
        buffer_.erase(0, end + 4 + length);
        return answer;
      }
      if (!fill(wait_ms)) return std::nullopt;
    }
  }

  // True when the other side has closed within the time.
  bool closed(int wait_ms = 5000) {
    while (fill(wait_ms)) buffer_.clear();
    return ended_;
  }

 private:
  bool fill(int wait_ms) {
    pollfd entry{fd_, POLLIN, 0};
    if (::poll(&entry, 1, wait_ms) <= 0) return false;
    char bytes[65536];
    const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  static RawAnswer parse(const std::string& head) {
    RawAnswer answer;
    if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, answer.status);
    for (std::size_t at = head.find("\r\n"); at != std::string::npos;) {
      const auto next = head.find("\r\n", at + 2);
      const auto line = head.substr(at + 2, next == std::string::npos ? next : next - at - 2);
      const auto colon = line.find(':');
      auto name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      answer.headers[name] = line.substr(std::min(line.size(), colon + 2));
      at = next;
    }
    return answer;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace dure::control::test
