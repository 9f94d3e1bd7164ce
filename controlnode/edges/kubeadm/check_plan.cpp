#include "controlnode/edges/kubeadm/check_plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "controlnode/core/grammar.h"

namespace dure::control {
namespace {

constexpr std::size_t kMaxHostName = 253;
constexpr std::size_t kMaxLabelName = 63;
constexpr std::size_t kMaxUser = 64;  // of a certificate's common name
constexpr std::size_t kMaxServer = 300;
constexpr double kLeastPatience = 0.1, kMostPatience = 100;
constexpr std::uint8_t kLongestPodPrefix = 30;  // a bridge with one address left for a pod
constexpr std::uint16_t kLeastMtu = 576;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); }

// Of a Node and of a host: lower case, dots and hyphens inside.
bool is_host_name(std::string_view name) {
  const auto is_end = [](char c) { return is_lower(c) || is_digit(c); };
  return !name.empty() && name.size() <= kMaxHostName && is_end(name.front()) &&
         is_end(name.back()) && std::all_of(name.begin(), name.end(), [&](char c) {
           return is_end(c) || c == '-' || c == '.';
         });
}

// A label's value, and its name without the prefix.
bool is_label_part(std::string_view part) {
  return !part.empty() && part.size() <= kMaxLabelName && is_alnum(part.front()) &&
         is_alnum(part.back()) && std::all_of(part.begin(), part.end(), [](char c) {
           return is_alnum(c) || c == '-' || c == '_' || c == '.';
         });
}

bool is_label_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return is_label_part(key);
  return is_host_name(key.substr(0, slash)) && is_label_part(key.substr(slash + 1));
}

bool is_pem(std::string_view pem) {
  return pem.starts_with("-----BEGIN ") && std::all_of(pem.begin(), pem.end(), [](char c) {
           return (c >= 0x20 && c <= 0x7e) || c == '\n';
         });
}

bool is_pair(const CertificateAndKey& pair) {
  return is_pem(pair.certificate) && is_pem(pair.private_key);
}

Error bad(std::string_view what) {
  return {Errc::invalid_argument, "bootstrap: " + std::string(what)};
}

Result<void> check_names(const BootstrapPlan& plan) {
  if (!is_host_name(plan.cluster_name)) return bad("the cluster's name is not a host name");
  if (!is_host_name(plan.node_name)) return bad("the node's name is not a host name");
  if (!is_host_name(plan.api_name)) return bad("the API server's name is not a host name");
  for (const HostsEntry& entry : plan.hosts) {
    if (!is_host_name(entry.name)) return bad("a member's name is not a host name");
  }
  for (const std::string& name : plan.departing) {
    if (!is_host_name(name)) return bad("the name of a departing node is not a host name");
  }
  for (const std::string& user : plan.admins) {
    if (!printable_ascii(user, kMaxUser))
      return bad("an administrator's name is not printable ASCII");
  }
  for (const auto& [key, value] : plan.labels) {
    if (!is_label_key(key) || !(value.empty() || is_label_part(value)))
      return bad("a label is not well-formed");
  }
  return {};
}

Result<void> check_network(const BootstrapPlan& plan) {
  if (plan.control_planes.empty()) return bad("there is no control-plane member");
  if (plan.pod_network.length == 0 || plan.services.length == 0)
    return bad("there is no pod or service network");
  if (plan.cni == Cni::native &&
      (plan.own_pods.length < plan.pod_network.length || plan.own_pods.length > kLongestPodPrefix ||
       !plan.pod_network.contains(plan.own_pods.base))) {
    return bad("the node's pods are not a part of the pod network");
  }
  if (plan.mtu < kLeastMtu) return bad("the MTU is too small");
  return {};
}

}  // namespace

Result<void> check_plan(const BootstrapPlan& plan) {
  if (auto named = check_names(plan); !named) return named;
  if (!valid_kubernetes_version(plan.version)) return bad("the version is not one of Kubernetes");
  if (!std::isfinite(plan.patience) || plan.patience < kLeastPatience ||
      plan.patience > kMostPatience) {
    return bad("the patience is not between 0.1 and 100");
  }
  return check_network(plan);
}

Result<void> check_keys(const BootstrapPlan& plan, const BootstrapKeys& keys) {
  if (plan.joined) return {};
  if (plan.role != BootstrapRole::worker) {
    if (!keys.cluster) return bad("a control-plane member needs the keys of its cluster");
    const ClusterKeys& cluster = *keys.cluster;
    if (!is_pair(cluster.ca) || !is_pair(cluster.front_proxy_ca) || !is_pair(cluster.etcd_ca) ||
        !is_pem(cluster.service_account_public_key) ||
        !is_pem(cluster.service_account_private_key)) {
      return bad("a key of the cluster is not PEM");
    }
  }
  if (plan.role == BootstrapRole::init) return {};
  if (!keys.node) return bad("a node that joins needs its own certificate");
  if (!is_pair(*keys.node) || !is_pem(keys.ca_certificate))
    return bad("a certificate or key is not PEM");
  return {};
}

Result<void> check_access(const AccessDocument& access) {
  if (!is_host_name(access.cluster_name)) return bad("the cluster's name is not a host name");
  if (!printable_ascii(access.user, kMaxUser)) return bad("the user's name is not printable ASCII");
  if (!access.server.starts_with("https://") || !printable_ascii(access.server, kMaxServer)) {
    return bad("the server is not an https address");
  }
  if (!access.tls_server_name.empty() && !is_host_name(access.tls_server_name)) {
    return bad("the server's name is not a host name");
  }
  if (!is_pem(access.ca_certificate) || !is_pair(access.client))
    return bad("a certificate or key is not PEM");
  return {};
}

}  // namespace dure::control
