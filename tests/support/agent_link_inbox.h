#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "controlnode/ports/agent_link.h"
#include "hostagent/ports/control_link.h"

namespace dure::testing {

// Long enough for a loaded machine; nothing waits so long unless it fails.
inline constexpr std::chrono::seconds kPatience{20};

// Values that one thread puts and another waits for.
template <class Value>
class Inbox {
 public:
  void put(Value value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_one();
  }
  // The next one; nothing when none comes.
  std::optional<Value> next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return !values_.empty(); })) return std::nullopt;
    Value value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  bool empty() {
    const std::lock_guard lock(mutex_);
    return values_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Value> values_;
};

struct Heard {
  HostId host;
  std::string bytes;
  friend bool operator==(const Heard&, const Heard&) = default;
};

class ControlInbox final : public control::AgentLinkListener, public Inbox<Heard> {
 public:
  void on_agent_message(const HostId& host, std::string bytes) override { put({host, std::move(bytes)}); }
};

class HostInbox final : public host::ControlLinkListener, public Inbox<std::string> {
 public:
  void on_envelope(std::string bytes) override { put(std::move(bytes)); }
};

// Whether it comes true in time.
inline bool eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace dure::testing
