#include "controlnode/edges/postgres/batch.h"

#include <algorithm>
#include <functional>
#include <future>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "controlnode/edges/postgres/newest_keys.h"
#include "controlnode/edges/postgres/rows.h"

namespace dure::control {
namespace {

// Below it, a thread costs more than it saves, and so does a look for what is new.
constexpr std::size_t kManyRows = 256;

// So few that a page of common events fits in a row of its table: PostgreSQL compresses what is larger than 2 KB.
constexpr std::size_t kEventsOfPage = 16;

// Of the history that is too old, so much goes at once.
constexpr std::size_t kPagesLookedAt = 2048;

template <class Row>
const Statement& statement_of(Present present) {
  static const Statement put = write_statement(RowMap<Row>::table(), Present::replaced);
  static const Statement insert = write_statement(RowMap<Row>::table(), Present::none);
  return present == Present::none ? insert : put;
}

// A statement with its parameters.
struct Bound {
  Statement statement;
  std::vector<std::string> parameters;
};

// Of many rows most columns have one value only, such as the state and the time of what was just made.
template <class Row>
Bound bound(RowWriter writer, Present present) {
  const Table& table = RowMap<Row>::table();
  std::vector<bool> uniform(table.columns.size());
  if (writer.rows() >= kManyRows) uniform = writer.uniform();
  const auto one = std::count(uniform.begin(), uniform.end(), true);
  const bool some = one > 0 && static_cast<std::size_t>(one) < uniform.size();
  if (!some) uniform.assign(uniform.size(), false);
  return {some ? write_statement(table, present, uniform) : statement_of<Row>(present), std::move(writer).parameters(uniform)};
}

// Rows to write, kind by kind. While the server works on one kind, the next is encoded.
class Puts {
 public:
  // `fill` adds so many rows to the writer that it is given, later and in another thread.
  template <class Row, class Fill>
  void add(std::size_t rows, const Fill& fill, Present present = Present::replaced) {
    if (rows == 0) return;
    rows_ += rows;
    puts_.push_back([fill, present] {
      RowWriter writer(RowMap<Row>::table());
      fill(writer);
      return bound<Row>(std::move(writer), present);
    });
  }

  // The rows of [from, to) of a map.
  template <class Row, class Iterator>
  void add_rows(Iterator from, Iterator to, Present present = Present::replaced) {
    const auto fill = [from, to](RowWriter& writer) {
      for (auto at = from; at != to; ++at) RowMap<Row>::write(writer, *at->second);
    };
    add<Row>(static_cast<std::size_t>(std::distance(from, to)), fill, present);
  }

  void run(Transaction& transaction) const {
    const auto policy = rows_ < kManyRows ? std::launch::deferred : std::launch::async;
    std::future<Bound> next;
    const auto prepare = [&](std::size_t i) {
      if (i < puts_.size()) next = std::async(policy, puts_[i]);
    };
    prepare(0);
    for (std::size_t i = 0; i < puts_.size(); ++i) {
      const Bound put = next.get();
      prepare(i + 1);
      transaction.run_binary(put.statement, put.parameters);
    }
  }

 private:
  std::size_t rows_ = 0;
  std::vector<std::function<Bound()>> puts_;
};

template <class Key, class Row>
void put_all(Puts& puts, const Slots<Key, Row>& slots) {
  puts.add_rows<Row>(slots.puts.begin(), slots.puts.end());
}

template <class Key, class Row>
void put_all(Puts& puts, const Slots<Key, Row>& slots, const NewestKeys& newest) {
  const auto last = newest.of(RowMap<Row>::table());
  const auto fresh = last ? slots.puts.upper_bound(Key{*last}) : slots.puts.end();
  puts.add_rows<Row>(slots.puts.begin(), fresh);
  puts.add_rows<Row>(fresh, slots.puts.end(), Present::none);
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
  void operator()(const Host& row) {
    batch.hosts_.put(row.id, row);
    batch.orders_.insert_or_assign(row.id, PutOrder{row.id, row.generation, row.order});
  }
  void operator()(const Image& row) { batch.images_.put(row.id, row); }
  void operator()(const Flavor& row) { batch.flavors_.put(row.id, row); }
  void operator()(const Project& row) { batch.projects_.put(row.id, row); }
  void operator()(const KeyPair& row) { batch.key_pairs_.put(row.id, row); }
  void operator()(const Cluster& row) { batch.clusters_.put(row.id, row); }
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
  void operator()(const PutOrder& put) { batch.orders_.insert_or_assign(put.host, put); }
  void operator()(const PutObservation& put) {
    batch.observations_.put(put.observation.host, put.observation);
  }

  void operator()(const DropSite& drop) { batch.sites_.drop(drop.id); }
  // The rows that only say something about the host go with it, in the database by cascade.
  void operator()(const DropHost& drop) {
    batch.hosts_.drop(drop.id);
    batch.removals_.puts.erase(drop.id);
    batch.orders_.erase(drop.id);
    batch.observations_.puts.erase(drop.id);
  }
  void operator()(const DropImage& drop) { batch.images_.drop(drop.id); }
  void operator()(const DropFlavor& drop) { batch.flavors_.drop(drop.id); }
  void operator()(const DropKeyPair& drop) { batch.key_pairs_.drop(drop.id); }
  void operator()(const DropProject& drop) { batch.projects_.drop(drop.id); }
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
  void operator()(const DropNode& drop) { batch.nodes_.drop(drop.id); }
  void operator()(const DropNetwork& drop) { batch.networks_.drop(drop.id); }
  void operator()(const DropClaim& drop) { batch.claims_.drop(drop.node); }
  void operator()(const DropOperation& drop) { batch.operations_.drop(drop.id); }
  void operator()(const DropEvents& drop) { batch.events_before_ = drop.before; }
  void operator()(const DropIdempotency& drop) { batch.idempotency_.drop(drop.key); }
};

Batch::Batch(std::span<const Change> changes) {
  Sorter sorter{*this};
  for (const Change& change : changes) std::visit(sorter, change);
}

void Batch::write(Transaction& transaction) const {
  drop(transaction);
  NewestKeys newest;
  if (nodes_.puts.size() + clusters_.puts.size() >= kManyRows) newest.look(transaction);
  Puts puts;
  put_all(puts, sites_);
  put_all(puts, hosts_);
  put_all(puts, images_);
  put_all(puts, flavors_);
  put_all(puts, projects_);
  put_all(puts, key_pairs_);
  put_all(puts, networks_, newest);
  put_all(puts, clusters_, newest);
  put_all(puts, identities_);
  put_all(puts, accesses_);
  // Claims lock their projects and hosts, in this order as everybody does; nodes find the hosts locked.
  put_all(puts, claims_, newest);
  put_all(puts, nodes_, newest);
  std::size_t removals = 0;
  for (const auto& [host, put] : removals_.puts) removals += put->removals.size();
  puts.add<Removal>(removals, [this](RowWriter& writer) {
    for (const auto& [host, put] : removals_.puts) {
      for (Removal removal : put->removals) {
        removal.host = host;
        RowMap<Removal>::write(writer, removal);
      }
    }
  });
  puts.add<PutOrder>(orders_.size(), [this](RowWriter& writer) {
    for (const auto& [host, put] : orders_) RowMap<PutOrder>::write(writer, put);
  });
  put_all(puts, observations_);
  put_all(puts, operations_, newest);
  put_all(puts, idempotency_);
  const auto pages = event_pages();
  puts.add<EventPage>(pages.size(), [&pages](RowWriter& writer) {
    for (const EventPage& page : pages) RowMap<EventPage>::write(writer, page);
  });
  const auto records = kept_placements();
  puts.add<PlacementRecord>(records.size(), [&records](RowWriter& writer) {
    for (const PlacementRecord* record : records) RowMap<PlacementRecord>::write(writer, *record);
  });
  puts.run(transaction);
  if (next_vni_) {
    transaction.run({"put_next_vni", "UPDATE system SET next_vni = $1::bigint"},
                    {std::to_string(*next_vni_)});
  }
}

void Batch::drop(Transaction& transaction) const {
  drop_all(transaction, accesses_.drops, "cluster_accesses", "id", "uuid");
  drop_all(transaction, claims_.drops, "claims", "node", "uuid");
  drop_all(transaction, nodes_.drops, "nodes", "id", "uuid");
  drop_all(transaction, clusters_.drops, "clusters", "id", "uuid");
  drop_all(transaction, networks_.drops, "networks", "id", "uuid");
  drop_all(transaction, operations_.drops, "operations", "id", "uuid");
  drop_all(transaction, idempotency_.drops, "idempotency_keys", "key", "text");
  drop_all(transaction, hosts_.drops, "hosts", "id", "uuid");
  drop_all(transaction, images_.drops, "images", "id", "uuid");
  drop_all(transaction, flavors_.drops, "flavors", "id", "uuid");
  drop_all(transaction, key_pairs_.drops, "key_pairs", "id", "uuid");
  drop_all(transaction, projects_.drops, "projects", "id", "uuid");
  drop_all(transaction, sites_.drops, "sites", "id", "uuid");
  // The removals of a host are written anew as a whole.
  std::set<HostId> hosts;
  for (const auto& [host, put] : removals_.puts) hosts.insert(host);
  drop_all(transaction, hosts, "removals", "host", "uuid");
  if (events_before_) {
    // The newest stays, whatever its age: numbers go on from it. Only the oldest pages are looked at, found by their key: a
    // history that has grown large goes by and by, and holds up no commit.
    transaction.run({"drop_events",
                     "DELETE FROM event_pages WHERE last IN (SELECT last FROM (SELECT last, at_us FROM event_pages ORDER BY last "
                     "LIMIT " + std::to_string(kPagesLookedAt) + ") AS oldest WHERE at_us[cardinality(at_us)] < $1::bigint) "
                     "AND last < (SELECT max(last) FROM event_pages)"},
                    {std::to_string(events_before_->us)});
  }
  if (first_placement_ > 0) {
    // A segment is called by its first record.
    transaction.run({"drop_placement_records", "DELETE FROM placement_records WHERE number < $1::bigint"},
                    {std::to_string(first_placement_)});
  }
}

std::vector<EventPage> Batch::event_pages() const {
  std::vector<const EventRow*> sorted = events_;
  std::sort(sorted.begin(), sorted.end(), [](const EventRow* a, const EventRow* b) { return a->number < b->number; });
  std::vector<EventPage> pages;
  for (const EventRow* event : sorted) {
    const auto* page = pages.empty() ? nullptr : &pages.back().events;
    if (page == nullptr || page->size() == kEventsOfPage || page->back().number + 1 != event->number) pages.emplace_back();
    pages.back().events.push_back(*event);
  }
  return pages;
}

std::vector<const PlacementRecord*> Batch::kept_placements() const {
  std::vector<const PlacementRecord*> kept;
  for (const PlacementRecord* record : placements_) {
    if (record->segment >= first_placement_) kept.push_back(record);
  }
  return kept;
}

}  // namespace dure::control
