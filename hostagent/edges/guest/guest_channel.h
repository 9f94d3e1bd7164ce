#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hostagent/edges/guest/guest_document.h"
#include "hostagent/ports/guest_channels.h"

namespace dure::host {

// One guest: its socket while connected, the unfinished line of each direction, and its document.
// Nothing here waits; the caller polls the descriptor.
class GuestChannel {
 public:
  using Steady = std::chrono::steady_clock;

  // `resend`: the least time between two documents, so that a guest that never takes one costs little.
  GuestChannel(WatchedGuest guest, std::chrono::milliseconds resend);
  ~GuestChannel();
  GuestChannel(const GuestChannel&) = delete;
  GuestChannel& operator=(const GuestChannel&) = delete;

  const NodeId& vm() const { return vm_; }
  const std::string& socket_path() const { return socket_path_; }
  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // When something is to be done without the socket saying so.
  Steady::time_point next() const { return next_; }
  // A part of a line is left to be sent.
  bool sending() const { return sent_ < outgoing_.size(); }

  // A line that the guest has got a part of goes on, whatever it says; one that has not begun is dropped.
  void set_document(const std::string& bytes);
  void connect_now(Steady::time_point now);
  // Reads once; the last well-formed line that was completed by it. Where that one's revision is not
  // the document's, and every hour, a line with the document and the date is made ready.
  std::optional<GuestStatus> read_once(Steady::time_point now, std::uint64_t unix_ms);
  // Sends once, as much as the socket takes.
  void write_once(Steady::time_point now);

 private:
  std::optional<GuestStatus> take(std::string_view bytes);
  void offer_document(const GuestStatus& status, Steady::time_point now, std::uint64_t unix_ms);
  void lose(Steady::time_point now);
  void drop();

  NodeId vm_;
  std::string socket_path_;
  std::chrono::milliseconds resend_;
  std::string ordered_;                    // the document's bytes, checked or not
  std::optional<GuestDocument> document_;  // one that may be sent
  int fd_ = -1;
  std::string line_;
  bool skipping_ = false;  // inside a line that is too long
  std::string outgoing_;
  std::size_t sent_ = 0;
  Steady::time_point next_{}, next_offer_{}, next_date_{};
  std::chrono::milliseconds retry_;
};

}  // namespace dure::host
