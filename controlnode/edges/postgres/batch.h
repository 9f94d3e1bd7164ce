#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/core/change.h"
#include "controlnode/edges/postgres/database.h"

namespace dure::control {

// What is left of a list of changes for one kind of row, when they are applied in order: rows to
// delete first, then rows to write.
template <class Key, class Row>
struct Slots {
  std::map<Key, const Row*> puts;
  std::set<Key> drops;

  // What was just made has the largest key.
  void put(const Key& key, const Row& row) { puts.insert_or_assign(puts.end(), key, &row); }
  void drop(const Key& key) {
    puts.erase(key);
    drops.insert(key);
  }
};

struct EventPage;

// A transaction's changes by kind, so that each kind costs one round trip, or two, however many rows it has.
// Refers to the changes that it was made from.
class Batch {
 public:
  explicit Batch(std::span<const Change> changes);

  // First everything that goes, then everything that comes, hosts before the claims on them.
  void write(Transaction& transaction) const;

 private:
  struct Sorter;

  void drop(Transaction& transaction) const;
  std::vector<const PlacementRecord*> kept_placements() const;
  std::vector<EventPage> event_pages() const;

  Slots<SiteId, Site> sites_;
  Slots<HostId, Host> hosts_;
  Slots<ImageId, Image> images_;
  Slots<FlavorId, Flavor> flavors_;
  Slots<ProjectId, Project> projects_;
  Slots<KeyPairId, KeyPair> key_pairs_;
  Slots<ClusterId, Cluster> clusters_;
  Slots<NodeId, Node> nodes_;
  Slots<NetworkId, Network> networks_;
  Slots<NodeId, Claim> claims_;
  Slots<OperationId, Operation> operations_;
  Slots<std::string, IdempotencyRecord> idempotency_;
  Slots<HostId, PutRemovals> removals_;
  std::map<HostId, PutOrder> orders_;  // a host's own row has its generation as well
  Slots<HostId, HostObservation> observations_;
  Slots<ClusterId, PutIdentity> identities_;
  Slots<AccessId, ClusterAccess> accesses_;
  std::vector<const EventRow*> events_;
  std::optional<TimePoint> events_before_;  // they go, by whole pages
  std::vector<const PlacementRecord*> placements_;
  std::uint64_t first_placement_ = 0;  // older ones go
  std::optional<std::uint32_t> next_vni_;
};

}  // namespace dure::control
