#pragma once

#include <chrono>
#include <memory>

#include "common/result.h"
#include "hostagent/ports/guest_channels.h"

namespace dure::host {

// One thread that polls the unix sockets of all watched guests. It connects as a client, again and
// again with a growing pause while there is nobody. A guest costs at most 4 KiB of memory, twice its
// document, and a bounded share of the thread, however much it writes and however little it reads; of
// many lines at once only the last well-formed one is told, because every line is complete.
// A document is sent in answer to a line that reports another revision, not sooner than `resend` after
// the one before; a line that has begun is finished before the next.
class UnixGuestChannels : public GuestChannels {
 public:
  // `listener` must outlive the object; it is called from the object's own thread.
  static Result<std::unique_ptr<UnixGuestChannels>> open(
      GuestListener& listener, std::chrono::milliseconds resend = std::chrono::seconds(2));
  ~UnixGuestChannels() override;

  void watch(std::vector<WatchedGuest> guests) override;
  void date(TimePoint now) override;

 private:
  class Loop;
  explicit UnixGuestChannels(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace dure::host
