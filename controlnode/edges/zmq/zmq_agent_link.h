#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controlnode/ports/agent_link.h"

namespace dure::control {

struct ZmqAgentLinkOptions {
  std::string endpoint;          // "tcp://192.0.2.1:7443"; port "*" takes any
  std::string curve_secret_key;  // Z85
  // A connection over which nobody has said anything by then is ended; agents report every few seconds.
  std::chrono::milliseconds first_word_within{30'000};
};

// One ROUTER under CURVE with a thread of its own. Who speaks is what the gatekeeper has proven and
// what is still admitted at that message; a routing id is only the way back, of the key that spoke last on it.
class ZmqAgentLink final : public AgentLink {
 public:
  // Listens when it returns. Nobody is admitted yet. Fails where this libzmq would let unknown keys
  // in without a gatekeeper. `listener` outlives the link.
  static Result<std::unique_ptr<ZmqAgentLink>> create(const ZmqAgentLinkOptions& options,
                                                      AgentLinkListener& listener);
  ~ZmqAgentLink() override;
  ZmqAgentLink(const ZmqAgentLink&) = delete;
  ZmqAgentLink& operator=(const ZmqAgentLink&) = delete;

  void admit(std::vector<AdmittedHost> hosts) override;
  Result<void> send(const HostId& host, std::string bytes) override;
  std::size_t send_all(std::vector<AddressedMessage> messages) override;

  // What is really listened on, with its port.
  const std::string& endpoint() const;
  // Messages on open connections that were not taken: revoked hosts, more than one frame.
  std::uint64_t refused_messages() const;

 private:
  class Worker;
  explicit ZmqAgentLink(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace dure::control
