#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controlnode/core/deciding.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// What a scaling comes to.
struct ScalePlan {
  std::vector<NodeRequest> wanted;          // new workers
  std::map<NodeId, HostId> hosts;           // of the new workers
  std::vector<Node> leaving;                // newest first
  std::vector<Node> retried;                // failed members that stay
  bool empty() const { return wanted.empty() && leaving.empty() && retried.empty(); }
};

// Why the cluster may not be given this many workers.
std::optional<Error> refuse_scaling(const Model& model, const Cluster& cluster, std::uint32_t workers);

// How many workers the cluster is meant to have.
std::uint32_t workers_wanted(const Model& model, const Cluster& cluster);

// Adds this many new workers to the plan, or says why they do not fit.
std::optional<Refused> place_workers(Deciding& deciding, const Cluster& cluster, std::size_t count,
                                     const std::vector<Node>& members, ScalePlan& plan);

// Where every node of the cluster will be.
Accepted scale_answer(const Model& model, const Cluster& cluster, const ScalePlan& plan, bool dry_run);

// The scaling has begun: the operation to wait on. A plan that is empty is one that has ended.
OperationId begin_scaling(Deciding& deciding, Cluster& cluster, std::uint32_t workers, const ScalePlan& plan,
                          std::string message);

}  // namespace dure::control
