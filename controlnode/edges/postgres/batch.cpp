#include "controlnode/edges/postgres/batch.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "controlnode/edges/postgres/rows.h"
#include "protocol/wire/codec.h"

namespace dure::control {
namespace {

template <class Row>
void run_put(Transaction& transaction, const RowWriter& writer) {
  static const Statement statement = put_statement(RowMap<Row>::table());
  if (writer.rows() > 0) transaction.run(statement, writer.parameters());
}

template <class Key, class Row>
void put_all(Transaction& transaction, const Slots<Key, Row>& slots) {
  RowWriter writer(RowMap<Row>::table());
  for (const auto& [key, row] : slots.puts) RowMap<Row>::write(writer, *row);
  run_put<Row>(transaction, writer);
}

template <class Key>
void drop_all(Transaction& transaction, const std::set<Key>& keys, const char* table,
              const char* key_column, const char* type) {
  if (keys.empty()) return;
  ArrayText list;
  for (const Key& key : keys) {
    if constexpr (std::is_same_v<Key, std::string>) {
      if (!storable(key)) throw Unstorable{std::string(table) + ": a key is not UTF-8 without NUL"};
      list.add_text(key);
    } else {
      list.add_plain(key.str());
    }
  }
  transaction.run(drop_statement(table, key_column, type), {list.str()});
}

}  // namespace

struct Batch::Sorter {
  Batch& batch;

  void operator()(const Site& row) { batch.sites_.put(row.id, row); }
  void operator()(const Host& row) { batch.hosts_.put(row.id, row); }
  void operator()(const Image& row) { batch.images_.put(row.id, row); }
  void operator()(const Flavor& row) { batch.flavors_.put(row.id, row); }
  void operator()(const Project& row) { batch.projects_.put(row.id, row); }
  void operator()(const KeyPair& row) { batch.key_pairs_.put(row.id, row); }
  void operator()(const Cluster& row) { batch.clusters_.put(row.id, row); }
  void operator()(const NodePool& row) { batch.pools_.put(row.id, row); }
  void operator()(const Node& row) { batch.nodes_.put(row.id, row); }
  void operator()(const Network& row) { batch.networks_.put(row.id, row); }
  void operator()(const Claim& row) { batch.claims_.put(row.node, row); }
  void operator()(const Operation& row) { batch.operations_.put(row.id, row); }
  void operator()(const IdempotencyRecord& row) { batch.idempotency_.put(row.key, row); }
  void operator()(const EventRow& row) { batch.events_.push_back(&row); }
  void operator()(const PutPlacementRecord& put) { batch.placements_.push_back(&put.record); }
  void operator()(const DropPlacementRecords& drop) {
    batch.first_placement_ = std::max(batch.first_placement_, drop.before);
  }
  void operator()(const PutRemovals& put) { batch.removals_.put(put.host, put); }
  void operator()(const PutNextVni& put) { batch.next_vni_ = put.value; }
  void operator()(const PutOrder& put) { batch.orders_.put(put.order.host, put); }
  void operator()(const PutObservation& put) {
    batch.observations_.put(put.observation.host, put.observation);
  }

  void operator()(const DropSite& drop) { batch.sites_.drop(drop.id); }
  // The rows that only say something about the host go with it, in the database by cascade.
  void operator()(const DropHost& drop) {
    batch.hosts_.drop(drop.id);
    batch.removals_.puts.erase(drop.id);
    batch.orders_.puts.erase(drop.id);
    batch.observations_.puts.erase(drop.id);
  }
  void operator()(const DropImage& drop) { batch.images_.drop(drop.id); }
  void operator()(const DropFlavor& drop) { batch.flavors_.drop(drop.id); }
  void operator()(const DropKeyPair& drop) { batch.key_pairs_.drop(drop.id); }
  // What only opens the cluster goes with it, in the database by cascade.
  void operator()(const DropCluster& drop) {
    batch.clusters_.drop(drop.id);
    batch.identities_.puts.erase(drop.id);
    std::erase_if(batch.accesses_.puts,
                  [&](const auto& entry) { return entry.second->cluster == drop.id; });
  }
  void operator()(const PutIdentity& put) { batch.identities_.put(put.cluster, put); }
  void operator()(const ClusterAccess& row) { batch.accesses_.put(row.id, row); }
  void operator()(const DropAccess& drop) { batch.accesses_.drop(drop.id); }
  void operator()(const DropPool& drop) { batch.pools_.drop(drop.id); }
  void operator()(const DropNode& drop) { batch.nodes_.drop(drop.id); }
  void operator()(const DropNetwork& drop) { batch.networks_.drop(drop.id); }
  void operator()(const DropClaim& drop) { batch.claims_.drop(drop.node); }
  void operator()(const DropIdempotency& drop) { batch.idempotency_.drop(drop.key); }
};

Batch::Batch(std::span<const Change> changes) {
  Sorter sorter{*this};
  for (const Change& change : changes) std::visit(sorter, change);
}

void Batch::write(Transaction& transaction) const {
  drop(transaction);
  put_all(transaction, sites_);
  put_all(transaction, hosts_);
  put_all(transaction, images_);
  put_all(transaction, flavors_);
  put_all(transaction, projects_);
  put_all(transaction, key_pairs_);
  put_all(transaction, networks_);
  put_all(transaction, clusters_);
  put_all(transaction, pools_);
  put_all(transaction, identities_);
  put_all(transaction, accesses_);
  put_all(transaction, nodes_);
  put_all(transaction, claims_);
  put_removals(transaction);
  put_orders(transaction);
  put_all(transaction, observations_);
  put_operations(transaction);
  put_all(transaction, idempotency_);

  RowWriter events(RowMap<EventRow>::table());
  for (const EventRow* event : events_) RowMap<EventRow>::write(events, *event);
  run_put<EventRow>(transaction, events);
  put_placements(transaction);

  if (next_vni_) {
    transaction.run({"put_next_vni", "UPDATE system SET next_vni = $1::bigint"},
                    {std::to_string(*next_vni_)});
  }
}

void Batch::drop(Transaction& transaction) const {
  drop_all(transaction, accesses_.drops, "cluster_accesses", "id", "uuid");
  drop_all(transaction, claims_.drops, "claims", "node", "uuid");
  drop_all(transaction, nodes_.drops, "nodes", "id", "uuid");
  drop_all(transaction, pools_.drops, "node_pools", "id", "uuid");
  drop_all(transaction, clusters_.drops, "clusters", "id", "uuid");
  drop_all(transaction, networks_.drops, "networks", "id", "uuid");
  drop_all(transaction, idempotency_.drops, "idempotency_keys", "key", "text");
  drop_all(transaction, hosts_.drops, "hosts", "id", "uuid");
  drop_all(transaction, images_.drops, "images", "id", "uuid");
  drop_all(transaction, flavors_.drops, "flavors", "id", "uuid");
  drop_all(transaction, key_pairs_.drops, "key_pairs", "id", "uuid");
  drop_all(transaction, sites_.drops, "sites", "id", "uuid");
}

void Batch::put_placements(Transaction& transaction) const {
  if (first_placement_ > 0) {
    transaction.run({"drop_placement_records", "DELETE FROM placement_records WHERE segment < $1::bigint"},
                    {std::to_string(first_placement_)});
  }
  RowWriter writer(RowMap<PlacementRecord>::table());
  for (const PlacementRecord* record : placements_) {
    if (record->segment >= first_placement_) RowMap<PlacementRecord>::write(writer, *record);
  }
  run_put<PlacementRecord>(transaction, writer);
}

// The steps of an operation are replaced as a whole: those beyond the new number go.
void Batch::put_operations(Transaction& transaction) const {
  if (operations_.puts.empty()) return;
  put_all(transaction, operations_);
  ArrayText ids, counts;
  RowWriter steps(RowMap<StepRow>::table());
  for (const auto& [id, operation] : operations_.puts) {
    ids.add_plain(id.str());
    counts.add_plain(std::to_string(operation->steps.size()));
    std::uint32_t position = 0;
    for (const OperationStep& step : operation->steps) {
      RowMap<StepRow>::write(steps, {id, position++, step});
    }
  }
  transaction.run({"cut_operation_steps",
                   "DELETE FROM operation_steps AS s "
                   "USING unnest($1::uuid[], $2::integer[]) AS r (operation, steps) "
                   "WHERE s.operation = r.operation AND s.position >= r.steps"},
                  {ids.str(), counts.str()});
  run_put<StepRow>(transaction, steps);
}

void Batch::put_removals(Transaction& transaction) const {
  if (removals_.puts.empty()) return;
  std::set<HostId> hosts;
  RowWriter writer(RowMap<Removal>::table());
  for (const auto& [host, put] : removals_.puts) {
    hosts.insert(host);
    for (Removal removal : put->removals) {
      removal.host = host;
      RowMap<Removal>::write(writer, removal);
    }
  }
  drop_all(transaction, hosts, "removals", "host", "uuid");
  run_put<Removal>(transaction, writer);
}

// An order that no agent could read is not stored: it would stop the outbox at every load.
void Batch::put_orders(Transaction& transaction) const {
  RowWriter writer(RowMap<OrderRow>::table());
  for (const auto& [host, put] : orders_.puts) {
    std::string payload = wire::encode(put->order);
    if (const auto readable = wire::decode_host_order(payload); !readable) {
      throw Unstorable{"the order of host " + host.str() + ": " + readable.error().message};
    }
    RowMap<OrderRow>::write(
        writer, {host, put->order.generation, put->order.order, std::move(payload)});
  }
  run_put<OrderRow>(transaction, writer);
}

}  // namespace dure::control
