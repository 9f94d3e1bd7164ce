#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hostagent/ports/control_link.h"

namespace dure::host {

// The agent's channel in memory and in one thread. `carry` is called inside send(), and takes the
// bytes where the caller wants them (at once, late, never).
class FakeControlLink final : public ControlLink {
 public:
  using Carry = std::function<void(std::string bytes)>;

  FakeControlLink(ControlLinkListener& listener, Carry carry)
      : listener_(listener), carry_(std::move(carry)) {}

  Result<void> send(std::string bytes) override {
    if (!connected_) return Error{Errc::unavailable, "the control node is not connected"};
    carry_(std::move(bytes));
    return {};
  }
  std::size_t send_all(std::vector<std::string> messages) override {
    std::size_t sent = 0;
    for (auto& bytes : messages) sent += send(std::move(bytes)).ok() ? 1 : 0;
    return sent;
  }

  // The control node's side.
  void set_connected(bool connected) { connected_ = connected; }
  void deliver(std::string bytes) {
    if (connected_) listener_.on_envelope(std::move(bytes));
  }

 private:
  ControlLinkListener& listener_;
  Carry carry_;
  bool connected_ = false;
};

}  // namespace dure::host
