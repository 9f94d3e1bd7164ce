#include "controlnode/cli/signal_patience.h"

#include <poll.h>

#include <chrono>
#include <utility>

namespace dure::cli {

void SignalPatience::listen() {
  if (waiter_) return;
  // Without it Ctrl-C ends the process as it does by default.
  if (auto waiter = SignalWaiter::open()) waiter_.emplace(std::move(*waiter));
}

bool SignalPatience::interrupted() { return interrupted_ || pause(Duration::zero()); }

bool SignalPatience::pause(Duration length) {
  if (!waiter_) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(length).count();
    if (ms > 0) ::poll(nullptr, 0, static_cast<int>(ms));
    return false;
  }
  if (!interrupted_) interrupted_ = waiter_->wait(length).has_value();
  return interrupted_;
}

TimePoint SignalPatience::now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

}  // namespace dure::cli
