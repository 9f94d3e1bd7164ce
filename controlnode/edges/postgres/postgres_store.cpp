#include "controlnode/edges/postgres/postgres_store.h"

#include <algorithm>
#include <csignal>
#include <limits>
#include <system_error>
#include <tuple>

#include "controlnode/edges/postgres/batch.h"
#include "controlnode/edges/postgres/migrations.h"
#include "controlnode/edges/postgres/placement_mapping.h"
#include "controlnode/edges/postgres/rows.h"

namespace dure::control {
namespace {

constexpr std::uint64_t kMaxBigint = std::numeric_limits<std::int64_t>::max();

// Turns what rows throw into the body's error, so that the transaction is rolled back in good order.
Database::Body guarded(const Database::Body& body) {
  return [&body](Transaction& transaction) -> Result<void> {
    try {
      return body(transaction);
    } catch (const Unstorable& bad) {
      return Error{Errc::invalid_argument, bad.reason};
    } catch (const Unreadable& bad) {
      return Error{Errc::corrupt, bad.reason};
    }
  };
}

template <class Row, class Each>
void read_rows(const Rows& rows, const Each& each) {
  const std::span<const Cell> cells(rows.cells);
  for (std::size_t i = 0; i < cells.size(); i += rows.columns) {
    RowReader reader(RowMap<Row>::table(), cells.subspan(i, rows.columns));
    each(RowMap<Row>::read(reader));
  }
}

template <class Row, class Each>
void load_all(Transaction& transaction, const Each& each) {
  read_rows<Row>(transaction.run(load_statement(RowMap<Row>::table()), {}), each);
}

template <class Row, class Key>
void load_map(Transaction& transaction, std::map<Key, Row>& into, Key Row::*key) {
  load_all<Row>(transaction, [&](Row row) { into.emplace_hint(into.end(), row.*key, std::move(row)); });
}

void load_hosts(Transaction& transaction, Model& model) {
  load_map(transaction, model.sites, &Site::id);
  load_map(transaction, model.hosts, &Host::id);
  load_map(transaction, model.claims, &Claim::node);
  load_map(transaction, model.observations, &HostObservation::host);
  load_all<Removal>(transaction,
                    [&](const Removal& row) { model.removals[row.host].push_back(row); });
  load_all<PutOrder>(transaction, [&](const PutOrder& row) { apply(model, row); });
  for (auto& [host, removals] : model.removals) {
    std::sort(removals.begin(), removals.end(), [](const Removal& a, const Removal& b) {
      return std::tie(a.kind, a.object) < std::tie(b.kind, b.object);
    });
  }
}

void load_operations(Transaction& transaction, Model& model) {
  load_map(transaction, model.operations, &Operation::id);
  load_map(transaction, model.idempotency, &IdempotencyRecord::key);
}

const Table& system_table() {
  static const Table table{"system", 0, "singleton", {{"id", "uuid"}, {"next_vni", "bigint"}}};
  return table;
}

void load_numbers(Transaction& transaction, Model& model) {
  const Rows system = transaction.run(load_statement(system_table()), {});
  RowReader reader(system_table(), system.cells);
  std::optional<SystemId> id;
  reader.id(id);
  model.system = id.value_or(SystemId{});
  model.next_vni = reader.u32();
  const Rows newest = transaction.run(
      {"newest_event", "SELECT last FROM event_pages ORDER BY last DESC LIMIT 1"}, {});
  if (newest.size() == 1) model.last_event = RowReader(RowMap<EventPage>::table(), newest.cells).u64();
  const Rows oldest = transaction.run({"oldest_event", "SELECT at_us[1] FROM event_pages ORDER BY last LIMIT 1"}, {});
  if (oldest.size() == 1) model.oldest_event = {RowReader(RowMap<EventPage>::table(), oldest.cells).i64()};
}

// What is kept of decisions, without the decisions: the next one begins a segment of its own.
void load_placements(Transaction& transaction, Model& model) {
  const Rows newest = transaction.run(
      {"newest_placement", "SELECT number FROM placement_records ORDER BY number DESC LIMIT 1"}, {});
  if (newest.size() == 0) return;
  PlacementChain& chain = own(model.placements);
  chain.last = RowReader(RowMap<PlacementRecord>::table(), newest.cells).u64();
  const Rows segments = transaction.run(
      {"placement_segments", "SELECT segment, count(*), sum(bytes)::bigint FROM placement_records "
                             "GROUP BY segment ORDER BY segment"},
      {});
  read_rows<SegmentSize>(segments, [&](const SegmentSize& row) { chain.segments.push_back(row); });
}

// Of the pages with numbers above $1 the first ones, as many as it takes for $2 such numbers.
const std::string kPagesAfter =
    "SELECT first, last, at_us, kinds, subjects, subject_names, messages FROM event_pages WHERE last IN ("
    "SELECT last FROM (SELECT last, sum(above) OVER (ORDER BY last) - above AS before FROM ("
    "SELECT last, last - greatest(first - 1, $1::bigint) AS above FROM event_pages "
    "WHERE last > $1::bigint ORDER BY last LIMIT $2::bigint) AS near) AS summed WHERE before < $2::bigint) ORDER BY first";

// Without the fleet: of many records it is not wanted.
const std::string kPlacementColumns =
    "SELECT number, segment, (extract(epoch FROM at) * 1000000)::bigint, kind, cluster, cluster_name, outcome, "
    "summary, bytes, question, answer, ''::bytea FROM placement_records WHERE ";

Result<void> epoch_left(std::uint64_t above) {
  if (above < std::numeric_limits<std::uint64_t>::max()) return {};
  return Error{Errc::conflict, "no epoch is left above the highest that a host has seen: a new delegation is needed"};
}

}  // namespace

Result<std::unique_ptr<PostgresStore>> PostgresStore::open(const std::string& url, AnswerLimits limits) {
  std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<PostgresStore> store(new PostgresStore(url, limits));
  if (auto good = migrate(store->database_, embedded_migrations()); !good) return good.error();
  return store;
}

Result<std::uint64_t> PostgresStore::take_lead(std::string_view holder, std::uint64_t at_least) {
  if (!storable(holder)) {
    return Error{Errc::invalid_argument, "the leader's name is not UTF-8 text without NUL"};
  }
  if (auto left = epoch_left(at_least); !left) return left.error();
  std::uint64_t epoch = 0;
  const Database::Body body = [&](Transaction& transaction) -> Result<void> {
    const Rows rows = transaction.run(
        {"take_lead",
         "UPDATE leader SET epoch = greatest(epoch, $1::numeric) + 1, holder = $2::text, "
         "since = now() RETURNING epoch"},
        {std::to_string(at_least), std::string(holder)});
    epoch = RowReader(system_table(), rows.cells).u64();
    return {};
  };
  if (auto done = database_.transact(Database::Mode::write, guarded(body)); !done) {
    return done.error();
  }
  return epoch;
}

Result<std::uint64_t> PostgresStore::rise_above(std::uint64_t epoch, std::uint64_t at_least) {
  if (auto left = epoch_left(std::max(epoch, at_least)); !left) return left.error();
  std::uint64_t risen = 0;
  const Database::Body body = [&](Transaction& transaction) -> Result<void> {
    const Rows rows = transaction.run(
        {"rise_above",
         "UPDATE leader SET epoch = greatest(epoch, $2::numeric) + 1 WHERE epoch = $1::numeric RETURNING epoch"},
        {std::to_string(epoch), std::to_string(at_least)});
    if (rows.cells.empty()) return Error{Errc::lost_leadership, "another control node leads"};
    risen = RowReader(system_table(), rows.cells).u64();
    return {};
  };
  if (auto done = database_.transact(Database::Mode::write, guarded(body)); !done) return done.error();
  return risen;
}

Result<SystemId> PostgresStore::system_id(const SystemId& fresh) {
  SystemId id;
  const Database::Body body = [&](Transaction& transaction) -> Result<void> {
    const Rows rows = transaction.run(
        {"system_id", "UPDATE system SET id = coalesce(id, $1::uuid) RETURNING id"}, {fresh.str()});
    RowReader(system_table(), rows.cells).id(id);
    return {};
  };
  if (auto done = database_.transact(Database::Mode::write, guarded(body)); !done) {
    return done.error();
  }
  return id;
}

Result<Model> PostgresStore::load() {
  Model model;
  const Database::Body body = [&](Transaction& transaction) -> Result<void> {
    model = Model{};
    load_numbers(transaction, model);
    load_hosts(transaction, model);
    load_map(transaction, model.images, &Image::id);
    load_map(transaction, model.flavors, &Flavor::id);
    load_map(transaction, model.projects, &Project::id);
    load_map(transaction, model.key_pairs, &KeyPair::id);
    load_map(transaction, model.networks, &Network::id);
    load_map(transaction, model.clusters, &Cluster::id);
    load_map(transaction, model.accesses, &ClusterAccess::id);
    load_all<PutIdentity>(transaction, [&](PutIdentity row) {
      model.identities.emplace(row.cluster, std::move(row.sealed));
    });
    load_map(transaction, model.nodes, &Node::id);
    load_operations(transaction, model);
    load_placements(transaction, model);
    return {};
  };
  if (auto done = database_.transact(Database::Mode::read_snapshot, guarded(body)); !done) {
    return done.error();
  }
  return model;
}

Result<void> PostgresStore::commit(std::uint64_t epoch, std::span<const Change> changes) {
  const Batch batch(changes);
  const Database::Body body = [&](Transaction& transaction) -> Result<void> {
    // Held to the end: nobody takes the lead between this look and the commit.
    const Rows leads = transaction.run(
        {"still_leading", "SELECT 1 FROM leader WHERE epoch = $1::numeric FOR SHARE"},
        {std::to_string(epoch)});
    if (leads.size() == 0) {
      return Error{Errc::lost_leadership,
                   "epoch " + std::to_string(epoch) + " does not lead any more"};
    }
    batch.write(transaction);
    return {};
  };
  return database_.transact(Database::Mode::write, guarded(body));
}

void PostgresStore::begin_commit(std::uint64_t epoch, std::span<const Change> changes) {
  const auto work = [this, epoch, changes]() -> Result<void> {
    try {
      return commit(epoch, changes);
    } catch (const std::exception& failure) {
      return Error{Errc::in_doubt, std::string("commit: ") + failure.what()};
    }
  };
  try {
    under_way_ = std::async(std::launch::async, work);
  } catch (const std::system_error&) {
    under_way_ = std::async(std::launch::deferred, work);  // no thread is left: in the one that waits for it
  }
}

Result<void> PostgresStore::finish_commit() {
  if (!under_way_.valid()) return {};
  return under_way_.get();
}

Result<std::vector<EventRow>> PostgresStore::events(std::uint64_t after, std::size_t limit) {
  std::vector<EventRow> found;
  if (after > kMaxBigint) return found;
  const Database::Body body = [&](Transaction& transaction) -> Result<void> {
    found.clear();
    const Rows rows = transaction.run({"events_after", kPagesAfter},
                                      {std::to_string(after), std::to_string(std::min<std::uint64_t>(limit, kMaxBigint))});
    read_rows<EventPage>(rows, [&](EventPage page) {
      for (EventRow& event : page.events) {
        if (event.number > after && found.size() < limit) found.push_back(std::move(event));
      }
    });
    return {};
  };
  if (auto done = database_.transact(Database::Mode::read_snapshot, guarded(body)); !done) {
    return done.error();
  }
  return found;
}

Result<std::vector<PlacementRecord>> PostgresStore::placement_records(const PlacementQuery& query) {
  std::vector<PlacementRecord> found;
  if (!storable(query.cluster_name)) return found;
  const std::string before = std::to_string(query.before == 0 ? kMaxBigint : std::min(query.before, kMaxBigint));
  const std::string limit = std::to_string(std::min<std::uint64_t>(query.limit, kMaxBigint));
  const std::string end = "number < $1::bigint ORDER BY number DESC LIMIT $2::bigint";
  const Database::Body body = [&](Transaction& transaction) -> Result<void> {
    found.clear();
    Rows rows;
    if (query.cluster && query.cluster_name.empty()) {
      rows = transaction.run({"placements_of", kPlacementColumns + "cluster = $3::uuid AND " + end},
                             {before, limit, query.cluster->str()});
    } else if (query.cluster) {
      rows = transaction.run({"placements_of_name", kPlacementColumns + "cluster = $3::uuid AND cluster_name = $4::text AND " + end},
                             {before, limit, query.cluster->str(), query.cluster_name});
    } else if (!query.cluster_name.empty()) {
      rows = transaction.run({"placements_named", kPlacementColumns + "cluster_name = $3::text AND " + end},
                             {before, limit, query.cluster_name});
    } else {
      rows = transaction.run({"placements_latest", kPlacementColumns + end}, {before, limit});
    }
    read_rows<PlacementRecord>(rows, [&](PlacementRecord row) { found.push_back(std::move(row)); });
    return {};
  };
  if (auto done = database_.transact(Database::Mode::read_snapshot, guarded(body)); !done) return done.error();
  return found;
}

Result<std::optional<RecordedPlacement>> PostgresStore::placement_record(std::uint64_t number) {
  std::optional<RecordedPlacement> found;
  if (number > kMaxBigint) return found;
  const Database::Body body = [&](Transaction& transaction) -> Result<void> {
    found.reset();
    const std::string asked = std::to_string(number);
    const Rows rows =
        transaction.run({"placement_record", kPlacementColumns + "number = $1::bigint"}, {asked});
    read_rows<PlacementRecord>(rows, [&](PlacementRecord row) { found = RecordedPlacement{std::move(row), {}}; });
    if (!found) return {};
    const Rows fleets = transaction.run(
        {"placement_fleets", "SELECT number, fleet FROM placement_records "
                             "WHERE number BETWEEN $2::bigint AND $1::bigint ORDER BY number"},
        {asked, std::to_string(found->record.segment)});
    std::uint64_t next = found->record.segment;
    read_rows<FleetRow>(fleets, [&](const FleetRow& row) {
      if (row.number != next++) throw Unreadable{"the records of decision " + asked + " have a gap"};
      apply_delta(found->fleet, decoded_fleet(row));
    });
    if (next != number + 1) throw Unreadable{"the records of decision " + asked + " have no beginning"};
    return {};
  };
  if (auto done = database_.transact(Database::Mode::read_snapshot, guarded(body)); !done) return done.error();
  return found;
}

}  // namespace dure::control
