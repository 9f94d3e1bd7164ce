#include "controlnode/edges/zmq/admission.h"

#include <algorithm>

#include "common/log.h"

namespace dure::control {

void Admission::replace(const std::vector<AdmittedHost>& hosts) {
  std::map<std::string, HostId, std::less<>> host_by_key;
  std::map<HostId, std::string> key_by_host;
  for (const auto& host : hosts) {
    // One key proves one host, and one host has one key: the first entry holds.
    if (host_by_key.contains(host.curve_key) || key_by_host.contains(host.host)) {
      log::error("a host or key is admitted twice; the second entry is ignored",
                 {{"host", host.host.str()}});
      continue;
    }
    host_by_key.emplace(host.curve_key, host.host);
    key_by_host.emplace(host.host, host.curve_key);
  }
  const std::lock_guard lock(mutex_);
  host_by_key_ = std::move(host_by_key);
  key_by_host_ = std::move(key_by_host);
}

std::optional<HostId> Admission::host_of(std::string_view curve_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = host_by_key_.find(curve_key);
  if (found == host_by_key_.end()) return std::nullopt;
  return found->second;
}

bool Admission::speaks_for(std::string_view curve_key, const HostId& host) const {
  const std::lock_guard lock(mutex_);
  const auto found = key_by_host_.find(host);
  return found != key_by_host_.end() && found->second == curve_key;
}

bool Admission::admits(const HostId& host) const {
  const std::lock_guard lock(mutex_);
  return key_by_host_.contains(host);
}

bool ConnectionRate::may_connect(const std::string& curve_key, Steady::time_point now) {
  auto& allowance = allowances_.try_emplace(curve_key, Allowance{kBurst, now}).first->second;
  const std::chrono::duration<double> passed = now - allowance.at;
  allowance.left = std::min(kBurst, allowance.left + passed / std::chrono::duration<double>(kOneMoreAfter));
  allowance.at = now;
  if (allowance.left < 1) return false;
  allowance.left -= 1;
  return true;
}

}  // namespace dure::control
