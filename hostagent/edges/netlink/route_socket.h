#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

struct nlmsghdr;

namespace dure::host {

// One netlink request as bytes: header, fixed part, attributes.
class NetlinkMessage {
 public:
  NetlinkMessage(std::uint16_t type, std::uint16_t flags);

  // The fixed part (ifinfomsg, ndmsg, ifaddrmsg); before any attribute.
  template <class T>
  NetlinkMessage& body(const T& fixed) {
    append(std::as_bytes(std::span(&fixed, 1)));
    return *this;
  }
  template <class T>
  NetlinkMessage& put(std::uint16_t attribute, const T& value) {
    return put_bytes(attribute, std::as_bytes(std::span(&value, 1)));
  }
  NetlinkMessage& put_string(std::uint16_t attribute, const std::string& text);
  NetlinkMessage& put_bytes(std::uint16_t attribute, std::span<const std::byte> bytes);
  // Everything until end() becomes content of this attribute.
  NetlinkMessage& begin(std::uint16_t attribute);
  NetlinkMessage& end();

  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void append(std::span<const std::byte> bytes);

  std::vector<std::byte> bytes_;
  std::vector<std::size_t> open_;  // where the open nests begin
};

// A request of a batch that the kernel refused.
struct NetlinkRefusal {
  std::size_t index = 0;
  int error = 0;       // errno
  std::string reason;  // the kernel's own words, if it gave any
};

// A NETLINK_ROUTE socket in the network namespace of the thread that opened it.
class RouteSocket {
 public:
  static Result<RouteSocket> open();
  RouteSocket(RouteSocket&&) noexcept;
  RouteSocket& operator=(RouteSocket&&) noexcept;
  ~RouteSocket();

  // All messages in order, hundreds in one system call, with one acknowledgement at the end of
  // each. A refused message does not stop those behind it.
  Result<std::vector<NetlinkRefusal>> send(std::span<const NetlinkMessage> messages);

  // Every answer to a request. Asked again when the kernel says that the table changed meanwhile;
  // `restart` is called before each try.
  Result<void> ask(const NetlinkMessage& request, const std::function<void()>& restart,
                   const std::function<void(const nlmsghdr&)>& each);

 private:
  struct State;
  explicit RouteSocket(std::unique_ptr<State> state);
  Result<bool> ask_once(const NetlinkMessage& request, const std::function<void(const nlmsghdr&)>& each);
  Result<void> send_batch(std::span<const NetlinkMessage> batch, std::size_t first_index,
                          std::vector<NetlinkRefusal>& refusals);

  std::unique_ptr<State> state_;
};

}  // namespace dure::host
