#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/ports/agent_link.h"

namespace dure::control {

// The agents' channel in memory and in one thread. It obeys the same rules as the real one: a key
// proves the host at each message, and a message goes to the connection that the host spoke on last.
// What carries it further (at once, late, never) is the caller's: `Deliver` is called inside send().
class FakeAgentLink final : public AgentLink {
 public:
  using Deliver = std::function<void(std::string bytes)>;
  using Connection = std::uint64_t;

  explicit FakeAgentLink(AgentLinkListener& listener) : listener_(listener) {}

  void admit(std::vector<AdmittedHost> hosts) override {
    host_by_key_.clear();
    key_by_host_.clear();
    for (auto& host : hosts) {
      if (host_by_key_.contains(host.curve_key) || key_by_host_.contains(host.host)) continue;
      host_by_key_.emplace(host.curve_key, host.host);
      key_by_host_.emplace(host.host, host.curve_key);
    }
  }

  Result<void> send(const HostId& host, std::string bytes) override {
    const auto way = way_to_.find(host);
    const auto key = key_by_host_.find(host);
    if (key == key_by_host_.end() || way == way_to_.end() || connections_.at(way->second).curve_key != key->second) {
      return Error{Errc::unavailable, "host " + host.str() + " is not connected"};
    }
    const Deliver deliver = connections_.at(way->second).deliver;
    deliver(std::move(bytes));
    return {};
  }

  std::size_t send_all(std::vector<AddressedMessage> messages) override {
    std::size_t sent = 0;
    for (auto& message : messages) sent += send(message.host, std::move(message.bytes)) ? 1U : 0U;
    return sent;
  }

  // An agent's side.

  Connection dial(std::string curve_key, Deliver deliver) {
    const Connection made = ++last_;
    connections_.emplace(made, Agent{std::move(curve_key), std::move(deliver)});
    return made;
  }

  // False when it was not taken.
  bool speak(Connection connection, std::string bytes) {
    const auto agent = connections_.find(connection);
    if (agent == connections_.end()) return false;
    const auto host = host_by_key_.find(agent->second.curve_key);
    if (host == host_by_key_.end()) {
      ++refused_;
      std::erase_if(way_to_, [connection](const auto& way) { return way.second == connection; });
      return false;
    }
    way_to_[host->second] = connection;
    listener_.on_agent_message(host->second, std::move(bytes));
    return true;
  }

  void hang_up(Connection connection) {
    connections_.erase(connection);
    std::erase_if(way_to_, [connection](const auto& way) { return way.second == connection; });
  }

  std::uint64_t refused_messages() const { return refused_; }

 private:
  struct Agent {
    std::string curve_key;
    Deliver deliver;
  };

  AgentLinkListener& listener_;
  std::map<std::string, HostId> host_by_key_;
  std::map<HostId, std::string> key_by_host_;
  std::map<Connection, Agent> connections_;
  std::map<HostId, Connection> way_to_;
  Connection last_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace dure::control
