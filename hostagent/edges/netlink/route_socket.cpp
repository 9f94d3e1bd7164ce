#include "hostagent/edges/netlink/route_socket.h"

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace dure::host {
namespace {

// Bounds of a batch: what fits one skb, and as many error answers as fit the receive buffer even
// when every message is refused.
constexpr std::size_t kBatchBytes = std::size_t{48} * 1024;
constexpr std::size_t kBatchMessages = 400;
constexpr int kReceiveBytes = 1 << 20;
constexpr int kDumpTries = 8;
// The kernel answers before the send call returns; this only bounds a defect.
constexpr timeval kAnswerWithin{10, 0};

std::size_t aligned(std::size_t length) { return (length + 3) & ~std::size_t{3}; }

struct FreeBytes {
  void operator()(unsigned char* bytes) const { std::free(bytes); }
};
struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};

Error failure(const std::string& what, int nl_error) {
  return {Errc::internal, "netlink " + what + ": " + nl_geterror(nl_error)};
}

nlmsgerr error_of(const nlmsghdr& header) {
  nlmsgerr error{};
  std::memcpy(&error, nlmsg_data(&header), sizeof error);
  return error;
}

// The text that the kernel adds to an error (NETLINK_EXT_ACK with NETLINK_CAP_ACK).
std::string reason_of(nlmsghdr& header) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  nlattr* text = nlmsg_find_attr(&header, sizeof(nlmsgerr), NLMSGERR_ATTR_MSG);
  if (text == nullptr || nla_len(text) <= 0) return {};
  const std::string_view raw(static_cast<const char*>(nla_data(text)), static_cast<std::size_t>(nla_len(text)));
  return std::string(raw.substr(0, raw.find('\0')));
}

}  // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags) {
  bytes_.reserve(128);
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
  append(std::as_bytes(std::span(&header, 1)));
}

void NetlinkMessage::append(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  bytes_.resize(aligned(bytes_.size()));
  const auto length = static_cast<std::uint32_t>(bytes_.size());
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
}

NetlinkMessage& NetlinkMessage::put_bytes(std::uint16_t attribute, std::span<const std::byte> bytes) {
  nlattr header{};
  header.nla_type = attribute;
  header.nla_len = static_cast<std::uint16_t>(sizeof header + bytes.size());
  append(std::as_bytes(std::span(&header, 1)));
  append(bytes);
  return *this;
}

NetlinkMessage& NetlinkMessage::put_string(std::uint16_t attribute, const std::string& text) {
  return put_bytes(attribute, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

NetlinkMessage& NetlinkMessage::begin(std::uint16_t attribute) {
  open_.push_back(bytes_.size());
  return put_bytes(static_cast<std::uint16_t>(attribute | NLA_F_NESTED), {});
}

NetlinkMessage& NetlinkMessage::end() {
  const auto length = static_cast<std::uint16_t>(bytes_.size() - open_.back());
  std::memcpy(bytes_.data() + open_.back() + offsetof(nlattr, nla_len), &length, sizeof length);
  open_.pop_back();
  return *this;
}

struct RouteSocket::State {
  std::unique_ptr<nl_sock, FreeSocket> socket;
  std::uint32_t sequence = 0;

  // Calls `each` for every message of one datagram.
  Result<void> receive(const std::function<void(nlmsghdr&)>& each) {
    sockaddr_nl from{};
    unsigned char* raw = nullptr;
    const int count = nl_recv(socket.get(), &from, &raw, nullptr);
    if (count <= 0) return failure("receive", count == 0 ? -NLE_AGAIN : count);
    const std::unique_ptr<unsigned char, FreeBytes> owner(raw);
    if (from.nl_pid != 0) return {};  // not from the kernel
    void* start = raw;
    int left = count;
    for (auto* header = static_cast<nlmsghdr*>(start); nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
      each(*header);
    }
    return {};
  }

  Result<void> transmit(std::vector<std::byte>& buffer) {
    const int sent = nl_sendto(socket.get(), buffer.data(), buffer.size());
    if (sent < 0) return failure("send", sent);
    return {};
  }
};

RouteSocket::RouteSocket(std::unique_ptr<State> state) : state_(std::move(state)) {}
RouteSocket::RouteSocket(RouteSocket&&) noexcept = default;
RouteSocket& RouteSocket::operator=(RouteSocket&&) noexcept = default;
RouteSocket::~RouteSocket() = default;

Result<RouteSocket> RouteSocket::open() {
  auto state = std::make_unique<State>();
  state->socket.reset(nl_socket_alloc());
  if (!state->socket) return Error{Errc::internal, "netlink: no memory for a socket"};
  if (const int error = nl_connect(state->socket.get(), NETLINK_ROUTE); error < 0) return failure("connect", error);
  const int fd = nl_socket_get_fd(state->socket.get());
  const int on = 1;
  // The forced form is for root; without it the plain one gives what the system allows.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBytes, sizeof kReceiveBytes) != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBytes, sizeof kReceiveBytes);
  }
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kAnswerWithin, sizeof kAnswerWithin);
  ::setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  // Lets the kernel filter dumps by device.
  ::setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return RouteSocket(std::move(state));
}

Result<std::vector<NetlinkRefusal>> RouteSocket::send(std::span<const NetlinkMessage> messages) {
  std::vector<NetlinkRefusal> refusals;
  std::size_t first = 0;
  while (first < messages.size()) {
    std::size_t count = 0, bytes = 0;
    while (first + count < messages.size() && count < kBatchMessages) {
      bytes += messages[first + count].bytes().size();
      if (count > 0 && bytes > kBatchBytes) break;
      ++count;
    }
    if (auto sent = send_batch(messages.subspan(first, count), first, refusals); !sent) return sent.error();
    first += count;
  }
  return refusals;
}

Result<void> RouteSocket::send_batch(std::span<const NetlinkMessage> batch, std::size_t first_index,
                                     std::vector<NetlinkRefusal>& refusals) {
  std::vector<std::byte> buffer;
  buffer.reserve(kBatchBytes);
  const std::uint32_t first_sequence = state_->sequence + 1;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::size_t start = buffer.size();
    buffer.insert(buffer.end(), batch[i].bytes().begin(), batch[i].bytes().end());
    nlmsghdr header{};
    std::memcpy(&header, buffer.data() + start, sizeof header);
    header.nlmsg_seq = ++state_->sequence;
    if (i + 1 == batch.size()) header.nlmsg_flags |= NLM_F_ACK;
    std::memcpy(buffer.data() + start, &header, sizeof header);
  }
  if (auto sent = state_->transmit(buffer); !sent) return sent;
  bool finished = false;
  while (!finished) {
    auto received = state_->receive([&](nlmsghdr& header) {
      const std::uint32_t offset = header.nlmsg_seq - first_sequence;
      if (header.nlmsg_type != NLMSG_ERROR || offset >= batch.size()) return;
      if (const int error = -error_of(header).error; error != 0) {
        refusals.push_back({first_index + offset, error, reason_of(header)});
      }
      finished = finished || offset + 1 == batch.size();
    });
    if (!received) return received;
  }
  return {};
}

Result<void> RouteSocket::ask(const NetlinkMessage& request, const std::function<void()>& restart,
                              const std::function<void(const nlmsghdr&)>& each) {
  for (int attempt = 0; attempt < kDumpTries; ++attempt) {
    restart();
    auto whole = ask_once(request, each);
    if (!whole) return whole.error();
    if (*whole) return {};
  }
  return Error{Errc::unavailable, "netlink: the kernel's tables change faster than they can be read"};
}

// False: what was read is not one consistent state.
Result<bool> RouteSocket::ask_once(const NetlinkMessage& request, const std::function<void(const nlmsghdr&)>& each) {
  std::vector<std::byte> buffer = request.bytes();
  nlmsghdr header{};
  std::memcpy(&header, buffer.data(), sizeof header);
  const std::uint32_t sequence = header.nlmsg_seq = ++state_->sequence;
  const bool dump = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  std::memcpy(buffer.data(), &header, sizeof header);
  if (auto sent = state_->transmit(buffer); !sent) return sent.error();
  bool finished = false, whole = true;
  int error = 0;
  while (!finished) {
    auto received = state_->receive([&](nlmsghdr& answer) {
      if (answer.nlmsg_seq != sequence) return;
      if ((answer.nlmsg_flags & NLM_F_DUMP_INTR) != 0) whole = false;
      if (answer.nlmsg_type == NLMSG_ERROR) error = -error_of(answer).error;
      if (answer.nlmsg_type == NLMSG_ERROR || answer.nlmsg_type == NLMSG_DONE) {
        finished = true;
        return;
      }
      each(answer);
      finished = finished || !dump;
    });
    if (!received) return received.error();
  }
  if (error == ENODEV) return Error{Errc::not_found, "netlink: no such device"};
  if (error != 0) return Error{Errc::internal, std::string("netlink: ") + std::strerror(error)};
  return whole;
}

}  // namespace dure::host
