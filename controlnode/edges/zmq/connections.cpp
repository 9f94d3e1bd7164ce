#include "controlnode/edges/zmq/connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/log.h"

namespace dure::control {
namespace {

std::uint16_t port_of(const sockaddr_storage& address) {
  std::uint16_t port = 0;
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    port = in.sin_port;
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &address, sizeof in6);
    port = in6.sin6_port;
  }
  return ntohs(port);
}

// Both ends of a connection to this port, which no two connections have at a time; empty for anything else.
std::string ends_of(int descriptor, std::uint16_t port) {
  sockaddr_storage own{}, peer{};
  socklen_t own_length = sizeof own, peer_length = sizeof peer;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &own_length) != 0 ||
      ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_length) != 0 || port_of(own) != port) {
    return {};
  }
  return std::string(reinterpret_cast<const char*>(&own), own_length) +
         std::string(reinterpret_cast<const char*>(&peer), peer_length);
}

// The descriptor is libzmq's, which may close it at any moment, and then its number may be another file's. What a
// duplicate refers to does not change any more: if that is the connection, it is the one to end, and libzmq sees its end
// as if the peer had closed it. False: there is no descriptor left for a duplicate.
bool shut_down(int descriptor, const std::string& ends, std::uint16_t port) {
  const int duplicate = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) return errno == EBADF;
  if (ends_of(duplicate, port) == ends) ::shutdown(duplicate, SHUT_RDWR);
  ::close(duplicate);
  return true;
}

}  // namespace

void Connections::accepted(int descriptor, Steady::time_point now) {
  // It may be closed by now, and its number another file's.
  auto ends = ends_of(descriptor, listened_on_);
  if (ends.empty()) return;
  open_[descriptor] = {std::move(ends), ++last_number_, {}, 0};
  deadlines_.push_back({descriptor, last_number_, now + first_word_within_});
}

void Connections::heard(int descriptor, const std::string& key) {
  const auto speaker = open_.find(descriptor);
  if (speaker == open_.end()) return;
  speaker->second.key = key;
  speaker->second.word = ++last_word_;
  std::size_t of_this_key = 0;
  auto oldest = speaker;
  for (auto at = open_.begin(); at != open_.end(); ++at) {
    if (at->second.key != key) continue;
    ++of_this_key;
    if (at->second.word < oldest->second.word) oldest = at;
  }
  if (of_this_key <= kMostOfOneKey || !shut_down(oldest->first, oldest->second.ends, listened_on_)) return;
  log::info("one more connection of an agent ends its oldest", {{"key", key}});
  open_.erase(oldest);
}

bool Connections::still_silent(const Deadline& deadline) const {
  const auto found = open_.find(deadline.descriptor);
  return found != open_.end() && found->second.number == deadline.number && found->second.key.empty();
}

void Connections::end_silent(Steady::time_point now) {
  while (const auto due = next_end()) {
    if (*due > now) return;
    const auto deadline = deadlines_.front();
    deadlines_.pop_front();
    if (!shut_down(deadline.descriptor, open_.at(deadline.descriptor).ends, listened_on_)) {
      deadlines_.push_back({deadline.descriptor, deadline.number, now + first_word_within_});
      continue;
    }
    log::info("ended a connection of an agent that says nothing");
    open_.erase(deadline.descriptor);
  }
}

std::optional<Connections::Steady::time_point> Connections::next_end() {
  while (!deadlines_.empty() && !still_silent(deadlines_.front())) deadlines_.pop_front();
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.front().at;
}

}  // namespace dure::control
