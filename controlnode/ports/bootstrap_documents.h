#pragma once

#include <optional>
#include <string>

#include "common/result.h"
#include "controlnode/core/bootstrap_plan.h"
#include "controlnode/ports/cluster_identities.h"

namespace dure::control {

// The keys that a node's role needs, no more. After the node has joined: none but the CA's certificate.
struct BootstrapKeys {
  std::string ca_certificate;
  std::string ca_hash;
  std::optional<ClusterKeys> cluster;             // control-plane members that have not joined
  std::optional<CertificateAndKey> node;          // who joins: its own, for this node's name alone
};

// A kubeconfig for one user.
struct AccessDocument {
  std::string cluster_name;
  std::string server;            // "https://127.0.0.1:16443"
  std::string tls_server_name;   // the name in the API server's certificate
  std::string ca_certificate;
  std::string user;
  CertificateAndKey client;
};

// Writes the documents of a cluster's nodes and users. No input can break out of its field.
class BootstrapDocuments {
 public:
  virtual ~BootstrapDocuments() = default;
  // What goes into VmSpec::bootstrap: the same bytes for the same arguments.
  virtual Result<std::string> node_document(const BootstrapPlan& plan, const BootstrapKeys& keys) = 0;
  // A kubeconfig as JSON, which is YAML too.
  virtual Result<std::string> kubeconfig(const AccessDocument& access) = 0;
};

}  // namespace dure::control
