#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controlnode/cli/curl_client.h"
#include "controlnode/cli/failure.h"

namespace dure::cli {

// A byte stream to a cluster's API server through the control node. Used by one thread; only
// open_tunnel blocks.
class TunnelClient {
 public:
  virtual ~TunnelClient() = default;
  // To wait for with poll(); what can be read may also be in hand already, so read first.
  virtual int descriptor() const = 0;
  // What has come; empty: nothing now. nullopt: nothing comes any more.
  virtual std::optional<std::string> read() = 0;
  // How many bytes were taken; nullopt: the other side is gone.
  virtual std::optional<std::size_t> write(std::string_view bytes) = 0;
  // This side has written all.
  virtual void finish() = 0;
};

// The failure is the control node's own words where it has answered. Waits no longer once the descriptor
// `stop` can be read; -1: none. `path` is below /api/v1, encoded.
Outcome<std::unique_ptr<TunnelClient>> open_tunnel(const Endpoint& endpoint, const std::string& path,
                                                   int stop);

}  // namespace dure::cli
