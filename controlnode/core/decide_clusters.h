#pragma once

#include <optional>

#include "controlnode/core/deciding.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// Each either changes everything that the request means, or refuses and changes nothing.
Reply create_cluster(Deciding& deciding, const CreateCluster& request);
Reply scale_cluster(Deciding& deciding, const ScaleCluster& request);
Reply replace_node(Deciding& deciding, const ReplaceNode& request);
Reply repair_cluster(Deciding& deciding, const RepairCluster& request);
Reply extend_cluster(Deciding& deciding, const ExtendCluster& request);
Reply delete_cluster(Deciding& deciding, const DeleteCluster& request);
Reply cancel_operation(Deciding& deciding, const CancelOperation& request);
Reply give_access(Deciding& deciding, const GiveAccess& request);
Reply revoke_access(Deciding& deciding, const RevokeAccess& request);

// The cluster goes with all its nodes; the operation that shows it is cluster.operation.
void start_deletion(Deciding& deciding, Cluster& cluster);

// Why a lease may not end then; nothing: it may.
std::optional<Error> lease_fault(const std::optional<TimePoint>& until, TimePoint now);
// Switches off the clusters whose lease has ended, and deletes them when nobody has extended it for settings.lease_grace_s.
void expire_leases(Deciding& deciding);

// Drops the credentials that have run out.
void expire_accesses(Deciding& deciding);

}  // namespace dure::control
