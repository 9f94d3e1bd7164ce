#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/ids.h"
#include "common/ip.h"

namespace dure::host {

// One TCP connection to a guest, never blocking. What is to be written is kept here, bounded by the
// window of its stream.
class GuestSocket {
 public:
  using Steady = std::chrono::steady_clock;
  enum class State : std::uint8_t { connecting, open, failed };

  // Begins to connect.
  GuestSocket(const NodeId& node, Ipv4 address, std::uint16_t port, Steady::time_point now);
  ~GuestSocket();
  GuestSocket(const GuestSocket&) = delete;
  GuestSocket& operator=(const GuestSocket&) = delete;

  const NodeId& node() const { return node_; }
  int fd() const { return fd_; }
  State state() const { return state_; }
  Steady::time_point used_at() const { return used_at_; }

  // When poll says that it can be written: the outcome of the connecting.
  void finish_connecting(Steady::time_point now);
  // At most `most` bytes; nothing when there are none now, or no more at all (heard_all).
  std::string read_some(std::size_t most, Steady::time_point now);
  bool heard_all() const { return heard_all_; }

  void queue(std::string bytes, Steady::time_point now);
  // After everything that is queued the guest is told that no more comes.
  void queue_end();
  bool has_to_write() const { return !outgoing_.empty() || (end_queued_ && !end_sent_); }
  // Writes as much as goes; how many bytes that were.
  std::size_t write_some(Steady::time_point now);
  bool said_all() const { return end_sent_; }

 private:
  void fail();

  NodeId node_;
  int fd_ = -1;
  State state_ = State::connecting;
  std::string outgoing_;
  bool end_queued_ = false, end_sent_ = false, heard_all_ = false;
  Steady::time_point used_at_;
};

}  // namespace dure::host
