#pragma once

#include <optional>

#include "common/ip.h"
#include "common/result.h"
#include "hostagent/edges/echo/echo_packet.h"

namespace dure::host {

// A socket for ICMP echoes alone: the kernel's own for that, where this group may have one
// (net.ipv4.ping_group_range), else a raw one that lets echo replies through and nothing else.
class EchoSocket {
 public:
  // `source`: the address to ask from; 0: as the routes say.
  static Result<EchoSocket> open(Ipv4 source);
  EchoSocket(EchoSocket&& other) noexcept;
  EchoSocket& operator=(EchoSocket&&) = delete;
  ~EchoSocket();

  int fd() const { return fd_; }
  // Does not block; false: it could not be sent.
  bool send(Ipv4 to, const Echo& echo) const;

  struct Reply {
    Ipv4 from;
    Echo echo;
  };
  // Does not block. `more`: something was read, so that there may be more. The identifier is the
  // question's, however the kernel keeps apart whose it is.
  struct Received {
    bool more = false;
    std::optional<Reply> reply;
  };
  Received receive(std::uint16_t identifier) const;

 private:
  EchoSocket(int fd, bool raw) : fd_(fd), raw_(raw) {}
  int fd_;
  bool raw_;
};

}  // namespace dure::host
