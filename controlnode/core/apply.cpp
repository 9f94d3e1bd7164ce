#include <algorithm>

#include "controlnode/core/change.h"
#include "controlnode/core/placement/chain.h"

namespace dure::control {
namespace {

struct Applier {
  Model& model;

  void operator()(const Site& row) { model.sites.insert_or_assign(row.id, row); }
  void operator()(const Host& row) { model.hosts.insert_or_assign(row.id, row); }
  void operator()(const Image& row) { model.images.insert_or_assign(row.id, row); }
  void operator()(const Flavor& row) { model.flavors.insert_or_assign(row.id, row); }
  void operator()(const Project& row) { model.projects.insert_or_assign(row.id, row); }
  void operator()(const KeyPair& row) { model.key_pairs.insert_or_assign(row.id, row); }
  void operator()(const Cluster& row) { model.clusters.insert_or_assign(row.id, row); }
  void operator()(const Node& row) { model.nodes.insert_or_assign(row.id, row); }
  void operator()(const Network& row) { model.networks.insert_or_assign(row.id, row); }
  void operator()(const Claim& row) { model.claims.insert_or_assign(row.node, row); }
  void operator()(const Operation& row) { model.operations.insert_or_assign(row.id, row); }
  void operator()(const IdempotencyRecord& row) { model.idempotency.insert_or_assign(row.key, row); }
  void operator()(const EventRow& row) {
    model.last_event = std::max(model.last_event, row.number);
    if (model.oldest_event == TimePoint{}) model.oldest_event = row.at;
  }
  void operator()(const PutNextVni& put) { model.next_vni = put.value; }
  void operator()(const PutOrder& put) {
    const auto host = model.hosts.find(put.host);
    if (host == model.hosts.end()) return;
    host->second.generation = put.generation;
    host->second.order = put.order;
  }
  void operator()(const PutObservation& put) {
    model.observations.insert_or_assign(put.observation.host, put.observation);
  }
  void operator()(const PutRemovals& put) {
    if (put.removals.empty()) {
      model.removals.erase(put.host);
    } else {
      model.removals.insert_or_assign(put.host, put.removals);
    }
  }

  void operator()(const PutIdentity& put) { model.identities.insert_or_assign(put.cluster, put.sealed); }
  void operator()(const ClusterAccess& row) { model.accesses.insert_or_assign(row.id, row); }
  void operator()(const DropAccess& drop) { model.accesses.erase(drop.id); }

  // What only opens the cluster goes with it.
  void operator()(const DropCluster& drop) {
    std::erase_if(model.accesses, [&](const auto& entry) { return entry.second.cluster == drop.id; });
    model.identities.erase(drop.id);
    model.clusters.erase(drop.id);
  }
  void operator()(const DropNode& drop) { model.nodes.erase(drop.id); }
  void operator()(const DropNetwork& drop) { model.networks.erase(drop.id); }
  void operator()(const DropClaim& drop) { model.claims.erase(drop.node); }
  void operator()(const DropIdempotency& drop) { model.idempotency.erase(drop.key); }
  void operator()(const DropOperation& drop) { model.operations.erase(drop.id); }
  void operator()(const DropEvents& drop) { model.oldest_event = std::max(model.oldest_event, drop.before); }
  // What only says something about the host goes with it.
  void operator()(const DropHost& drop) {
    model.observations.erase(drop.id);
    model.round_trips.erase(drop.id);
    model.heard.erase(drop.id);
    model.removals.erase(drop.id);
    model.hosts.erase(drop.id);
  }
  void operator()(const DropFlavor& drop) { model.flavors.erase(drop.id); }
  void operator()(const DropImage& drop) { model.images.erase(drop.id); }
  void operator()(const DropKeyPair& drop) { model.key_pairs.erase(drop.id); }
  void operator()(const DropProject& drop) { model.projects.erase(drop.id); }
  void operator()(const DropSite& drop) { model.sites.erase(drop.id); }

  void operator()(const PutPlacementRecord& put) { add_record(own(model.placements), put.record); }
  void operator()(const DropPlacementRecords& drop) { drop_before(own(model.placements), drop.before); }
};

}  // namespace

void apply(Model& model, const Change& change) { std::visit(Applier{model}, change); }

}  // namespace dure::control
