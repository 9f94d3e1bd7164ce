#include "controlnode/cli/tunnel_client.h"

#include <curl/curl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <utility>

namespace dure::cli {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMostHeadBytes = 16 * 1024;
constexpr std::size_t kMostProblemBytes = 64 * 1024;
// The control node tries each control-plane node for some seconds.
constexpr std::chrono::seconds kOpenWithin(40);

struct SocketHandleDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, SocketHandleDeleter>;

Failure away(const Endpoint& endpoint, const std::string& why) {
  Failure failure;
  failure.message = endpoint.address + " cannot be reached: " + why;
  failure.transient = true;
  return failure;
}

class CurlTunnel : public TunnelClient {
 public:
  CurlTunnel(Handle handle, curl_socket_t socket, bool plain, int stop)
      : handle_(std::move(handle)), socket_(socket), plain_(plain), stop_(stop) {}

  int descriptor() const override { return socket_; }

  std::optional<std::string> read() override {
    if (!ready_.empty()) return std::exchange(ready_, {});
    std::size_t got = 0;
    const auto code = curl_easy_recv(handle_.get(), chunk_.data(), chunk_.size(), &got);
    if (code == CURLE_AGAIN) return std::string();
    if (code != CURLE_OK || got == 0) return std::nullopt;
    return std::string(chunk_.data(), got);
  }

  std::optional<std::size_t> write(std::string_view bytes) override {
    std::size_t sent = 0;
    const auto code = curl_easy_send(handle_.get(), bytes.data(), bytes.size(), &sent);
    if (code == CURLE_AGAIN) return 0;
    if (code != CURLE_OK) return std::nullopt;
    return sent;
  }

  // TLS has no half of a close that libcurl offers; there the stream ends when the other side ends it.
  void finish() override {
    if (plain_) ::shutdown(socket_, SHUT_WR);
  }

  // Until the head of an answer has come: the head, or why not.
  Outcome<std::string> head(const Endpoint& endpoint, Steady::time_point until) {
    std::string bytes;
    for (;;) {
      if (const auto end = bytes.find("\r\n\r\n"); end != std::string::npos) {
        ready_ = bytes.substr(end + 4);
        return bytes.substr(0, end);
      }
      if (bytes.size() > kMostHeadBytes) return away(endpoint, "it answers with too long a head");
      if (!more(bytes, until)) return away(endpoint, "no answer came");
    }
  }
  // The rest of an answer that has a body, as far as it comes.
  std::string body(std::size_t length, Steady::time_point until) {
    auto bytes = std::exchange(ready_, {});
    length = std::min(length, kMostProblemBytes);
    while (bytes.size() < length && more(bytes, until)) {
    }
    return bytes;
  }
  bool send_all(std::string_view bytes, Steady::time_point until) {
    while (!bytes.empty()) {
      const auto sent = write(bytes);
      if (!sent) return false;
      bytes.remove_prefix(*sent);
      if (*sent == 0 && !wait(POLLOUT, until)) return false;
    }
    return true;
  }

 private:
  bool wait(short events, Steady::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
    pollfd entries[] = {{socket_, events, 0}, {stop_, POLLIN, 0}};
    return left > 0 && ::poll(entries, 2, static_cast<int>(left)) > 0 && entries[1].revents == 0;
  }
  bool more(std::string& into, Steady::time_point until) {
    for (;;) {
      const auto got = read();
      if (!got) return false;
      into += *got;
      if (!got->empty()) return true;
      if (!wait(POLLIN, until)) return false;
    }
  }

  Handle handle_;
  curl_socket_t socket_;
  bool plain_;
  int stop_;  // for the waiting while it is opened
  std::string ready_;
  std::array<char, 64 * 1024> chunk_;
};

// "http://127.0.0.1:8480" -> "127.0.0.1:8480": what the request names as Host.
std::string host_of(const std::string& address) {
  const auto scheme = address.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  return address.substr(begin, address.find('/', begin) - begin);
}

unsigned status_of(const std::string& head) {
  unsigned status = 0;
  const auto space = head.find(' ');
  if (head.starts_with("HTTP/1.1 ") && head.size() >= space + 4) {
    std::from_chars(head.data() + space + 1, head.data() + space + 4, status);
  }
  return status;
}

std::size_t length_of(std::string head) {
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view name = "\r\ncontent-length: ";
  const auto at = head.find(name);
  std::size_t length = 0;
  if (at != std::string::npos) {
    const auto* begin = head.data() + at + name.size();
    std::from_chars(begin, head.data() + head.size(), length);
  }
  return length;
}

Outcome<std::unique_ptr<CurlTunnel>> connect(const Endpoint& endpoint, int stop) {
  Handle handle(curl_easy_init());
  if (!handle) return away(endpoint, "libcurl cannot be used");
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(handle.get(), option, value); };
  set(CURLOPT_URL, endpoint.address.c_str());
  set(CURLOPT_CONNECT_ONLY, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  set(CURLOPT_TCP_NODELAY, 1L);
  // An upgraded connection is nothing that a proxy of the campus would let through unharmed.
  set(CURLOPT_PROXY, "");
  curl_socket_t socket = CURL_SOCKET_BAD;
  const auto code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) return away(endpoint, curl_easy_strerror(code));
  if (curl_easy_getinfo(handle.get(), CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK ||
      socket == CURL_SOCKET_BAD) {
    return away(endpoint, "libcurl has no connection");
  }
  const bool plain = !endpoint.address.starts_with("https:");
  return std::make_unique<CurlTunnel>(std::move(handle), socket, plain, stop);
}

}  // namespace

Outcome<std::unique_ptr<TunnelClient>> open_tunnel(const Endpoint& endpoint, const std::string& path,
                                                   int stop) {
  auto connected = connect(endpoint, stop);
  if (!connected) return connected.failure();
  auto& tunnel = **connected;
  std::string request = "GET /api/v1" + path + " HTTP/1.1\r\nHost: " + host_of(endpoint.address) +
                        "\r\nUser-Agent: dure\r\nAccept: application/problem+json" +
                        "\r\nConnection: Upgrade\r\nUpgrade: dure-tunnel\r\n";
  if (!endpoint.token.empty()) request += "Authorization: Bearer " + endpoint.token + "\r\n";
  request += "\r\n";
  const auto until = Steady::now() + kOpenWithin;
  if (!tunnel.send_all(request, until)) return away(endpoint, "the connection was lost");
  const auto head = tunnel.head(endpoint, until);
  if (!head) return head.failure();
  const auto status = status_of(*head);
  if (status != 101) return failure_of(status, tunnel.body(length_of(*head), until));
  return std::unique_ptr<TunnelClient>(std::move(*connected));
}

}  // namespace dure::cli
