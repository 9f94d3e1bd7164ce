#pragma once

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

}  // namespace dure::control
