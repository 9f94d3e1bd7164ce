#pragma once

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "common/event_queue.h"
#include "hostagent/app/agent_loop.h"
#include "hostagent/edges/zmq/curve_keys.h"
#include "hostagent/edges/zmq/zmq_control_link.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/envelope.h"
#include "protocol/wire/replay_guard.h"

namespace dure::bench {

// One agent without host: the real channel and the real checks of an order, in the order in which the
// agent's loop does them, on a thread as the agent has one. What it leaves out is the journal.
class BareAgent : public host::ControlLinkListener {
 public:
  BareAgent(SystemId system, HostId host, SessionId session, const wire::VerifyingKey& key)
      : system_(system), host_(host), session_(session), key_(key) {}
  ~BareAgent() override {
    queue_.close();
    if (loop_.joinable()) loop_.join();
    link_.reset();
  }
  BareAgent(const BareAgent&) = delete;
  BareAgent& operator=(const BareAgent&) = delete;

  Result<void> start(const host::ZmqControlLinkOptions& options) {
    auto link = host::ZmqControlLink::create(options, *this);
    if (!link) return link.error();
    link_ = std::move(*link);
    loop_ = std::jthread([this] { run(); });
    return {};
  }

  // An agent speaks first; false while it is not connected.
  bool hello() { return link_->send(acknowledgement(HostOrder{}, true)).ok(); }

  const HostId& host() const { return host_; }
  const SessionId& session() const { return session_; }

  void on_envelope(std::string bytes) override { queue_.push_always(std::move(bytes)); }

 private:
  void run() {
    while (!queue_.closed()) {
      for (const auto& bytes : queue_.pop_all(std::chrono::steady_clock::now() + std::chrono::seconds(1))) {
        take(bytes);
        if (said_.size() >= host::AgentLoop::kAcknowledgementsTogether) flush();
      }
      flush();
    }
  }

  void take(const std::string& bytes) {
    const auto payload = wire::open(wire::EnvelopeKind::order, bytes, key_);
    if (!payload) return;
    const auto order = wire::decode_host_order(*payload);
    if (!order) return;
    const bool admitted = wire::admit(*order, system_, host_, session_, accepted_).ok();
    if (admitted) accepted_ = wire::after(*order, accepted_);
    said_.push_back(acknowledgement(*order, admitted));
  }

  void flush() {
    if (!said_.empty()) link_->send_all(std::exchange(said_, {}));
  }

  std::string acknowledgement(const HostOrder& order, bool accepted) {
    const OrderAck ack{host_,    session_, order.order, order.sequence, order.generation,
                       accepted, accepted ? "" : "conflict"};
    return wire::encode(wire::AgentMessage{ack});
  }

  const SystemId system_;
  const HostId host_;
  const SessionId session_;
  const wire::VerifyingKey& key_;
  wire::Accepted accepted_;
  std::vector<std::string> said_;
  EventQueue<std::string> queue_{1};
  std::unique_ptr<host::ZmqControlLink> link_;
  std::jthread loop_;
};

}  // namespace dure::bench
