#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controlnode/core/model.h"
#include "controlnode/core/placement/record.h"

namespace dure::control {

// One row of the global, monotonic history.
struct EventRow {
  std::uint64_t number = 0;      // set by decide: model.last_event + 1, + 2, ...
  TimePoint at;
  std::string kind;              // stable code such as "node.ready"
  Uuid subject;                  // id of the object it is about
  std::string subject_name;
  std::string message;           // for people
  friend bool operator==(const EventRow&, const EventRow&) = default;
};

// Effects on the stored state, as data. A Put replaces the whole row. Removals of a host, operation
// steps, and so on are replaced as whole lists with their parent.
struct DropCluster { ClusterId id; friend bool operator==(const DropCluster&, const DropCluster&) = default; };
struct DropNode { NodeId id; friend bool operator==(const DropNode&, const DropNode&) = default; };
struct DropNetwork { NetworkId id; friend bool operator==(const DropNetwork&, const DropNetwork&) = default; };
struct DropClaim { NodeId node; friend bool operator==(const DropClaim&, const DropClaim&) = default; };
struct DropOperation { OperationId id; friend bool operator==(const DropOperation&, const DropOperation&) = default; };
// Of the history what is older; some of it may stay until it can go with its neighbours.
struct DropEvents { TimePoint before; friend bool operator==(const DropEvents&, const DropEvents&) = default; };
struct DropIdempotency { std::string key; friend bool operator==(const DropIdempotency&, const DropIdempotency&) = default; };
struct DropHost { HostId id; friend bool operator==(const DropHost&, const DropHost&) = default; };
struct DropFlavor { FlavorId id; friend bool operator==(const DropFlavor&, const DropFlavor&) = default; };
struct DropImage { ImageId id; friend bool operator==(const DropImage&, const DropImage&) = default; };
struct DropKeyPair { KeyPairId id; friend bool operator==(const DropKeyPair&, const DropKeyPair&) = default; };
struct DropProject { ProjectId id; friend bool operator==(const DropProject&, const DropProject&) = default; };
struct DropSite { SiteId id; friend bool operator==(const DropSite&, const DropSite&) = default; };
struct PutRemovals { HostId host; std::vector<Removal> removals; friend bool operator==(const PutRemovals&, const PutRemovals&) = default; };
// The keys of a cluster, encrypted; they go with the cluster.
struct PutIdentity { ClusterId cluster; std::string sealed; friend bool operator==(const PutIdentity&, const PutIdentity&) = default; };
struct DropAccess { AccessId id; friend bool operator==(const DropAccess&, const DropAccess&) = default; };
struct PutNextVni { std::uint32_t value = 0; friend bool operator==(const PutNextVni&, const PutNextVni&) = default; };

// The outbox: a host is to be sent the desired state that this batch leaves, at its next generation. What that state
// is, is a function of the other rows (host_orders.h), made when it is sent; whatever changes it raises the generation.
struct PutOrder {
  HostId host;
  std::uint64_t generation = 0;
  std::optional<OrderId> order{};
  friend bool operator==(const PutOrder&, const PutOrder&) = default;
};

// A batch of observations that changed; not an authority, so it needs no event.
struct PutObservation { HostObservation observation; friend bool operator==(const PutObservation&, const PutObservation&) = default; };

// A decision about hosts, with what it depended on. Records are only ever added, and go by whole segments.
struct PutPlacementRecord { PlacementRecord record; friend bool operator==(const PutPlacementRecord&, const PutPlacementRecord&) = default; };
struct DropPlacementRecords { std::uint64_t before = 0; friend bool operator==(const DropPlacementRecords&, const DropPlacementRecords&) = default; };

using Change =
    std::variant<Site, Host, Image, Flavor, Project, KeyPair, Cluster, Node, Network, Claim,
                 Operation, IdempotencyRecord, EventRow, PutRemovals, PutNextVni, PutOrder,
                 PutObservation, PutIdentity, ClusterAccess, DropAccess, DropCluster, DropNode, DropNetwork, DropClaim,
                 DropIdempotency, DropOperation, DropEvents, DropHost, DropFlavor, DropImage, DropKeyPair, DropProject, DropSite,
                 PutPlacementRecord, DropPlacementRecords>;

// Applies one change to the model in memory. The store applies the same change to the database, and
// a model rebuilt from there is equal (contract test). Call it qualified (control::apply): a Change
// is a std::variant, so that an unqualified call finds std::apply as well.
void apply(Model& model, const Change& change);

}  // namespace dure::control
