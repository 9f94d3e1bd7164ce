#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlnode/core/deciding.h"
#include "controlnode/core/placement.h"
#include "controlnode/core/placement/record.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// What the requests about clusters share.

// The first node's place in the prefix: the addresses below are kept for gateways and services.
inline constexpr std::uint32_t kFirstNodeAddress = 11;

Reply refuse(Errc code, std::string message);
Reply bad_name();
Accepted accepted(const Uuid& id, const std::string& name);

// The row of this name; null when there is none.
template <class Rows>
auto find_by_name(const Rows& rows, std::string_view name) -> const typename Rows::mapped_type* {
  for (const auto& [id, row] : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

// By id, or by a name that is unique over all projects.
Result<Cluster> find_cluster(const Deciding& deciding, const std::string& name_or_id);
// For who only reads.
Result<Cluster> find_cluster(const Model& model, const std::string& name_or_id);

// The answer that this key was given before, or the refusal of a key that was used for something
// else; nothing when the request is new.
std::optional<Reply> replay(const Deciding& deciding, const Idempotency& idempotency);
void remember(Deciding& deciding, const Idempotency& idempotency, const OperationId& operation,
              const ClusterId& cluster);

std::vector<PlannedNode> plan_of(const Deciding& deciding, const ClusterId& cluster);
PlannedNode planned(const Model& model, const std::string& name, Role role, const HostId& host);

Resources amount_of(const Flavor& flavor);

// What is asked of all hosts as they are now, for nodes of a network: a site whose underlay cannot
// carry its MTU is closed. Until the next change.
FleetQuestion question_for(const Deciding& deciding, std::uint16_t mtu, std::vector<NodeRequest> wanted,
                           PlacementPolicy policy);

// The refusal of what does not fit: the numbers per host, and what would make it fit. Of the remedies
// only those are offered that `offered` accepts.
Refused no_room(const Deciding& deciding, const FleetQuestion& question, PlacementOutcome outcome, std::span<const FlavorOffer> offers,
                const std::function<bool(const Remedy&)>& offered);

// Keeps the answered question for those who ask why; `remedies` are what a refusal offered. Before any change
// to the hosts that the question was asked of.
void record_placement(Deciding& deciding, PlacementRecord record, std::span<const Remedy> remedies = {});

// How many more nodes the cluster's network has addresses for. One comes back when its node is gone and its Kubernetes
// cluster has let that go, and then as late as possible.
std::size_t free_addresses(const Deciding& deciding, const Cluster& cluster);

// Adds a placed node with its address, MAC, deadline and claim, takes it as ordered, and moves
// cluster.next_address on (in memory). Precondition: an address is free.
void add_node(Deciding& deciding, Cluster& cluster, const NodeRequest& request, const HostId& host);

// A node's VM is to go, and whoever has an entry for it is told.
void take_out(Deciding& deciding, Node node);

// The node leaves: through its Kubernetes cluster when it is a member of one, else at once.
void let_go(Deciding& deciding, Node node);

// Every host that programs the cluster's network gets a new order: forwarding entries have changed.
void touch_members(Deciding& deciding, const ClusterId& cluster);

// The documents of the cluster's control plane have changed.
void touch_control_planes(Deciding& deciding, const ClusterId& cluster);

// The node is not there any more: its Kubernetes cluster has to let it go, if it has not. Whether it was a member nobody can
// be sure of, because its last words may not have come.
void note_departing(Deciding& deciding, const Node& node);

}  // namespace dure::control
