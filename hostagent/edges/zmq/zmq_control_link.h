#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "hostagent/ports/control_link.h"

namespace dure::host {

struct ZmqControlLinkOptions {
  std::string endpoint;           // "tcp://192.0.2.1:7443"
  std::string curve_secret_key;   // Z85; this host's
  std::string server_public_key;  // Z85; the control node's, pinned
  // Not connected for so long: dial on a new socket, because libzmq may have given the old one up.
  std::chrono::milliseconds redial_after{15000};
};

// One DEALER under CURVE with a thread of its own; it dials, and dials again with growing, uneven
// pauses. Nothing is kept while it is not connected.
class ZmqControlLink final : public ControlLink {
 public:
  // Returns before it is connected. `listener` outlives the link.
  static Result<std::unique_ptr<ZmqControlLink>> create(const ZmqControlLinkOptions& options,
                                                        ControlLinkListener& listener);
  ~ZmqControlLink() override;
  ZmqControlLink(const ZmqControlLink&) = delete;
  ZmqControlLink& operator=(const ZmqControlLink&) = delete;

  Result<void> send(std::string bytes) override;
  std::size_t send_all(std::vector<std::string> messages) override;

 private:
  class Worker;
  explicit ZmqControlLink(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace dure::host
