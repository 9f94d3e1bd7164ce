#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "hostagent/edges/tunnel/tunnel_switch.h"
#include "hostagent/ports/control_link.h"
#include "hostagent/ports/tunnels.h"
#include "protocol/messages/tunnel.h"

namespace dure::host {

struct PosixTunnelsOptions {
  // Connected to nothing but this; a test has no such port.
  std::uint16_t port = kTunnelPort;
  std::chrono::milliseconds connect_within{5000};
  std::chrono::milliseconds idle{std::chrono::minutes(10)};
  // Without a word of the control node, which asks every few seconds while there are streams.
  std::chrono::milliseconds silence{30000};
};

// The agent's end of all tunnels, with one thread that polls. Takes its frames from the switch as long
// as it lives.
class PosixTunnels final : public Tunnels {
 public:
  // `link` and `from` outlive it.
  static Result<std::unique_ptr<PosixTunnels>> start(ControlLink& link, TunnelSwitch& from,
                                                     PosixTunnelsOptions options = {});
  ~PosixTunnels() override;
  PosixTunnels(const PosixTunnels&) = delete;
  PosixTunnels& operator=(const PosixTunnels&) = delete;

  void allow(std::vector<TunnelTarget> targets) override;

 private:
  class Worker;
  PosixTunnels(std::unique_ptr<Worker> worker, TunnelSwitch& from);
  std::unique_ptr<Worker> worker_;
  TunnelSwitch& from_;
};

}  // namespace dure::host
