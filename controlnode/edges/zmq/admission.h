#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlnode/ports/agent_link.h"

namespace dure::control {

// Which host speaks with which CURVE key. Asked by the gatekeeper at each handshake and by the link
// at each message, so that a revocation does not wait for a reconnection.
class Admission {
 public:
  void replace(const std::vector<AdmittedHost>& hosts);

  std::optional<HostId> host_of(std::string_view curve_key) const;
  bool speaks_for(std::string_view curve_key, const HostId& host) const;
  bool admits(const HostId& host) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, HostId, std::less<>> host_by_key_;
  std::map<HostId, std::string> key_by_host_;
};

// How often one key may connect; how many it keeps is for Connections. Each has a routing id, which its peer may choose:
// a host that opens connection after connection could meet an id that libzmq is about to give to somebody else, at which
// libzmq ends the process. An agent needs one connection, and a few more while a link is bad. For admitted keys only, so that
// strangers take no memory. Not for several threads at a time.
class ConnectionRate {
 public:
  using Steady = std::chrono::steady_clock;
  static constexpr double kBurst = 4;
  static constexpr std::chrono::seconds kOneMoreAfter{5};

  // Counts when it may.
  bool may_connect(const std::string& curve_key, Steady::time_point now);

 private:
  struct Allowance {
    double left = kBurst;
    Steady::time_point at;
  };
  std::map<std::string, Allowance> allowances_;
};

}  // namespace dure::control
