#pragma once

#include <string>
#include <vector>

#include "controlnode/core/deciding.h"

namespace dure::control {

// A member that its cluster is still waiting for.
bool outstanding(const Node& node);

// The members of a cluster (not being deleted), sorted by address: the order in which they were made.
std::vector<Node> members_of(const Model& model, const ClusterId& cluster);
std::vector<Node> members_of(const Deciding& deciding, const ClusterId& cluster);

// Starts the cluster's operation with the steps that its nodes and removals of now call for, and
// ends the one before it as superseded. The row is put; `cluster` is only changed in memory.
OperationId start_operation(Deciding& deciding, Cluster& cluster, OperationKind kind);

// Brings the steps of the running operation up to date.
void refresh_steps(Deciding& deciding, const Cluster& cluster);

// Says what is left over although the operation goes on: once each, as far as there is room.
void warn_operation(Deciding& deciding, const OperationId& id, const std::string& text);

// Ends an operation; steps that were not done are failed with it, or done when it succeeded.
void finish_operation(Deciding& deciding, const OperationId& id, OperationState state,
                      const std::string& error);

}  // namespace dure::control
