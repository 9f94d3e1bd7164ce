#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "controlnode/core/change.h"
#include "controlnode/core/model.h"
#include "controlnode/ports/bootstrap_documents.h"
#include "controlnode/ports/cluster_identities.h"

namespace dure::control {

// What the nodes and users of Kubernetes clusters are given: documents with keys in them. They are made
// when they are handed out and kept nowhere; what is stored is each cluster's identity, encrypted.
class NodeBootstrap {
 public:
  NodeBootstrap(ClusterIdentities& identities, BootstrapDocuments& documents)
      : identities_(identities), documents_(documents) {}

  // Adds the identity of every new cluster among the changes, so that it is committed with it.
  Result<void> add_identities(Model& model, std::vector<Change>& changes, TimePoint now);

  // Fills VmSpec::bootstrap of the order's nodes. Returns after what time to do it again: before the credential of
  // a node that has not joined runs out; nullopt when there is none. A node whose document cannot be
  // made, or finds no room in the order, gets none, and the reason is logged: its siblings on the host
  // are not held back.
  std::optional<Duration> fill(const Model& model, HostOrder& order, TimePoint now);

  // A kubeconfig with a new key for this access.
  Result<std::string> kubeconfig(const Model& model, const ClusterAccess& access);

 private:
  Result<const ClusterKeys*> keys_of(const Model& model, const ClusterId& cluster);
  Result<std::string> document(const Model& model, const Node& node, TimePoint now);

  ClusterIdentities& identities_;
  BootstrapDocuments& documents_;
  std::map<ClusterId, ClusterKeys> opened_;  // of the clusters there are
};

}  // namespace dure::control
