#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "controlnode/cli/failure.h"
#include "controlnode/cli/tunnel_client.h"

namespace dure::cli {

// Listens on an address of this machine; each connection that is accepted gets a stream of its own.
class TunnelProxy {
 public:
  static constexpr std::size_t kMostConnections = 64;

  // From any thread; gives up when the descriptor can be read.
  using Open = std::function<Outcome<std::unique_ptr<TunnelClient>>(int stop)>;
  // From any thread: why a connection was closed without a stream.
  using Refused = std::function<void(const Failure&)>;

  // An IPv4 address; port 0 takes a free one.
  static Result<std::unique_ptr<TunnelProxy>> start(const std::string& address, std::uint16_t port,
                                                    Open open, Refused refused);
  ~TunnelProxy();
  TunnelProxy(const TunnelProxy&) = delete;
  TunnelProxy& operator=(const TunnelProxy&) = delete;

  std::uint16_t port() const;

 private:
  class Worker;
  explicit TunnelProxy(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace dure::cli
