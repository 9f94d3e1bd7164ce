#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controlnode/core/deciding.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// What a scaling comes to.
struct ScalePlan {
  std::vector<NodeRequest> wanted;          // new workers
  std::map<NodeId, HostId> hosts;           // of the new workers
  std::vector<Node> leaving;                // newest first
  std::vector<Node> retried;                // members that stay, and are not as they should be
  bool empty() const { return wanted.empty() && leaving.empty() && retried.empty(); }
};

// What scaling, replacing and repairing begin with: the cluster and how many workers it is meant to have.
struct Scaling {
  Cluster cluster;
  std::uint32_t workers = 0;
};
// Without `workers` as many as before. Or the answer already: one given earlier, or why it may not be.
std::variant<Scaling, Reply> scaling_of(const Deciding& deciding, const std::string& cluster,
                                        std::optional<std::uint32_t> workers, bool dry_run,
                                        const Idempotency& idempotency);

// Of a dry run nothing is kept.
inline std::optional<PlacementKind> recorded_as(PlacementKind kind, bool dry_run) {
  return dry_run ? std::nullopt : std::optional(kind);
}

// What is done for a member that does not work: whose VM runs is switched off and on; one that has never been ready is made
// anew, as there is nothing on its disk; whose VM does not run has its time again.
void try_again(Deciding& deciding, Node node);

// Adds this many new workers to the plan, or says why they do not fit. What leaves already counts as replaced by them.
// Without `kind` the decision is not recorded.
std::optional<Refused> place_workers(Deciding& deciding, const Cluster& cluster, std::size_t count,
                                     const std::vector<Node>& members, std::optional<PlacementKind> kind,
                                     ScalePlan& plan);

// Where every node of the cluster will be; unless it is a dry run the scaling has begun, and its operation
// is the one to wait on. A plan that is empty is one that has ended or is on its way.
Accepted carry_on(Deciding& deciding, Scaling scaling, const ScalePlan& plan, bool dry_run,
                  const Idempotency& idempotency, std::string message);

}  // namespace dure::control
