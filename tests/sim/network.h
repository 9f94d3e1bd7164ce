#pragma once

#include <map>
#include <set>
#include <string>

#include "controlnode/ports/agent_link.h"
#include "hostagent/ports/control_link.h"
#include "tests/sim/world.h"

namespace dure::sim {

// How badly the network behaves just now.
struct Weather {
  unsigned loss_percent = 0;
  unsigned duplicate_percent = 0;
  unsigned flip_percent = 0;       // one bit of the message is flipped
  Duration slowest = std::chrono::milliseconds(20);
};

// What does not get through. Nobody is told: what is sent is lost.
struct Cut {
  bool to_host = false, to_control = false;
};

// Carries bytes between the control node and the agents: late, twice, damaged or not at all.
class Network : public control::AgentLink {
 public:
  explicit Network(World& world) : world_(world) {}

  Weather weather;

  void listen(control::AgentLinkListener* control) { control_ = control; }
  void connect(const HostId& host, host::ControlLinkListener* agent) { agents_[host] = agent; }
  void disconnect(const HostId& host) { agents_.erase(host); }
  void cut(const HostId& host, Cut how) { cuts_[host] = how; }

  void admit(std::vector<control::AdmittedHost> hosts) override {
    admitted_.clear();
    for (auto& host : hosts) admitted_.insert(host.host);
  }

  Result<void> send(const HostId& host, std::string bytes) override {
    ++orders_sent_;
    if (!agents_.contains(host) || !admitted_.contains(host)) return Error{Errc::unavailable, "not connected"};
    carry(std::move(bytes), Damage::arrives, [this, host](std::string arrived) {
      const auto agent = agents_.find(host);
      if (agent != agents_.end() && !cuts_[host].to_host) agent->second->on_envelope(std::move(arrived));
    });
    return {};
  }

  std::size_t send_all(std::vector<control::AddressedMessage> messages) override {
    std::size_t sent = 0;
    for (auto& message : messages) sent += send(message.host, std::move(message.bytes)) ? 1U : 0U;
    return sent;
  }

  // `host`: by the key that the sender has proven, which is not what its message says.
  Result<void> send_to_control(const HostId& host, std::string bytes) {
    if (control_ == nullptr) return Error{Errc::unavailable, "not connected"};
    carry(std::move(bytes), Damage::dropped, [this, host](std::string arrived) {
      if (control_ != nullptr && !cuts_[host].to_control && admitted_.contains(host)) {
        control_->on_agent_message(host, std::move(arrived));
      }
    });
    return {};
  }

  bool admits(const HostId& host) const { return admitted_.contains(host); }
  std::uint64_t orders_sent() const { return orders_sent_; }

 private:
  // CURVE drops what was damaged on its way. Orders are sealed besides, so they are let through: the seal alone must do.
  enum class Damage { arrives, dropped };

  template <class Deliver>
  void carry(std::string bytes, Damage damage, Deliver deliver) {
    const unsigned copies = world_.chance(weather.duplicate_percent) ? 2 : 1;
    for (unsigned i = 0; i < copies; ++i) {
      if (world_.chance(weather.loss_percent)) continue;
      auto copy = bytes;
      if (!copy.empty() && world_.chance(weather.flip_percent)) {
        if (damage == Damage::dropped) continue;
        auto& byte = copy[world_.below(copy.size())];
        byte = static_cast<char>(byte ^ static_cast<char>(1U << world_.below(8)));
      }
      world_.after(world_.between(Duration{100}, weather.slowest),
                   [deliver, copy = std::move(copy)]() mutable { deliver(std::move(copy)); });
    }
  }

  World& world_;
  control::AgentLinkListener* control_ = nullptr;
  std::map<HostId, host::ControlLinkListener*> agents_;
  std::map<HostId, Cut> cuts_;
  std::set<HostId> admitted_;
  std::uint64_t orders_sent_ = 0;
};

}  // namespace dure::sim
