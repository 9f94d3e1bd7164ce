#pragma once

#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "controlnode/core/model.h"

namespace dure::control {

struct ApiServerNode {
  NodeId node;
  HostId host;
  std::string name;
  friend bool operator==(const ApiServerNode&, const ApiServerNode&) = default;
};

// Where a cluster's API server may answer now, the best first: nodes that are ready, then members whose
// VM runs, on hosts that have spoken lately. The cluster is given by name or id. Never an empty list.
Result<std::vector<ApiServerNode>> api_server_nodes(const Model& model, const std::string& cluster,
                                                    SteadyPoint now);

}  // namespace dure::control
