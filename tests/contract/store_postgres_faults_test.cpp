#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "controlnode/core/placement/chain.h"
#include "controlnode/edges/postgres/array_text.h"
#include "controlnode/edges/postgres/migrations.h"
#include "controlnode/edges/postgres/postgres_store.h"
#include "tests/contract/store_postgres_server.h"
#include "tests/contract/store_sample.h"

// What only the real database can show: restarts, lost connections, migrations, what people read.
namespace dure::control::contract {
namespace {

std::unique_ptr<PostgresStore> opened(const std::string& url) {
  auto store = PostgresStore::open(url);
  INFO((store.ok() ? std::string() : store.error().message));
  REQUIRE(store.ok());
  return std::move(store).value();
}

using When = CuttingProxy::When;
const std::vector<Change> kSite{Sample{}.site};

Errc code_of(const Result<void>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().code;
}

}  // namespace

TEST_CASE("postgres: another program finds everything that was committed") {
  const std::string url = fresh_database();
  const Sample sample;
  auto first = opened(url);
  const auto epoch = *first->take_lead("one", 0);
  REQUIRE(first->commit(epoch, sample.all()).ok());
  first.reset();
  auto second = opened(url);
  CHECK(second->load()->nodes.at(sample.node.id) == sample.node);
  CHECK(*second->take_lead("two", 0) == epoch + 1);
}

TEST_CASE("postgres: a node's row reads well") {
  const std::string url = fresh_database();
  auto store = opened(url);
  REQUIRE(store->commit(*store->take_lead("one", 0), Sample{}.all()).ok());
  const auto rows = ask(url, "SELECT concat_ws('|', name, state, vm_state, generation, "
                             "observed_generation, host_name) FROM (SELECT n.*, h.name AS host_name "
                             "FROM nodes n JOIN hosts h ON h.id = n.host) AS shown");
  CHECK(rows == std::vector<std::string>{"demo-cp1|booting|running|2|2|pc-1"});
}

TEST_CASE("postgres: a decision reads well, and one that was damaged is said to be") {
  const std::string url = fresh_database();
  auto store = opened(url);
  const auto epoch = *store->take_lead("one", 0);
  PlacementRecord record;
  record.cluster_name = "demo";
  link(record, {}, {});
  REQUIRE(store->commit(epoch, std::vector<Change>{PutPlacementRecord{record}}).ok());
  CHECK(ask(url, "SELECT concat_ws('|', number, kind, cluster_name, outcome, summary) FROM placement_records") ==
        std::vector<std::string>{"1|create|demo|placed|"});
  ask(url, "CREATE TABLE kept AS SELECT * FROM placement_records");
  for (const char* damage : {"fleet = '\\x01'", "question = '\\xff'", "answer = ''", "outcome = 'refused'"}) {
    CAPTURE(damage);
    ask(url, std::string("UPDATE placement_records SET ") + damage);
    const auto found = store->placement_record(1);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().code == Errc::corrupt);
    ask(url, "UPDATE placement_records SET fleet = k.fleet, question = k.question, answer = k.answer, "
             "outcome = k.outcome FROM kept AS k");
    CHECK(store->placement_record(1).ok());
  }
}

TEST_CASE("postgres: a connection that died between calls is made again") {
  const std::string url = fresh_database();
  auto store = opened(url);
  const auto epoch = *store->take_lead("one", 0);
  const std::string kill =
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()";
  CHECK(ask(url, kill).size() == 1);
  CHECK(store->commit(epoch, kSite).ok());
  CHECK(ask(url, kill).size() == 1);
  CHECK(store->load()->sites.size() == 1);
}

TEST_CASE("postgres: a connection lost before the commit means that nothing happened") {
  CuttingProxy proxy(fresh_database());
  auto store = opened(proxy.url());
  const auto epoch = *store->take_lead("one", 0);
  proxy.cut("put_sites", When::before, 2);
  CHECK(code_of(store->commit(epoch, kSite)) == Errc::unavailable);
  CHECK(proxy.cuts() == 2);  // it had tried again by itself
  CHECK(store->load()->sites.empty());
  proxy.cut("put_sites", When::after, 1);
  CHECK(store->commit(epoch, kSite).ok());
  CHECK(proxy.cuts() == 3);
  CHECK(store->load()->sites.size() == 1);
}

TEST_CASE("postgres: a connection lost while committing leaves it in doubt, and the next call tells") {
  CuttingProxy proxy(fresh_database());
  auto store = opened(proxy.url());
  const auto epoch = *store->take_lead("one", 0);
  proxy.cut("COMMIT", When::before);
  CHECK(code_of(store->commit(epoch, kSite)) == Errc::in_doubt);
  CHECK(store->load()->sites.empty());
  proxy.cut("COMMIT", When::after);
  CHECK(code_of(store->commit(epoch, kSite)) == Errc::in_doubt);
  CHECK(store->load()->sites.size() == 1);
  CHECK(proxy.cuts() == 2);
}

TEST_CASE("postgres: a server that is not there is unavailable") {
  const auto store = PostgresStore::open("host=/nonexistent dbname=dure connect_timeout=2");
  REQUIRE_FALSE(store.ok());
  CHECK(store.error().code == Errc::unavailable);
}

TEST_CASE("postgres: a stored value that cannot be is corrupt and names its table") {
  const std::string url = fresh_database();
  auto store = opened(url);
  const Sample sample;
  REQUIRE(store->commit(*store->take_lead("one", 0), sample.all()).ok());
  ask(url, "UPDATE host_observations SET failure_codes = ARRAY['what', 'guest']");
  const auto model = store->load();
  REQUIRE_FALSE(model.ok());
  CHECK(model.error().code == Errc::corrupt);
  CHECK(model.error().message.find("host_observations") != std::string::npos);
}

TEST_CASE("migrations: the files that were built in are numbered from one without a gap") {
  const auto files = embedded_migrations();
  REQUIRE(files.size() >= 2);
  for (std::size_t i = 0; i < files.size(); ++i) CHECK(files[i].number == i + 1);
}

TEST_CASE("migrations: forward only, each once, each whole or not at all") {
  const std::string url = fresh_database();
  Database database(url);
  const Migration one{1, "0001_one.sql", "CREATE TABLE one (id int); CREATE TABLE uno (id int);"};
  const Migration two{2, "0002_two.sql", "CREATE TABLE two (id int);"};
  const Migration bad{2, "0002_bad.sql", "CREATE TABLE half (id int); SELECT nonsense;"};
  const auto tables = [&] {
    return ask(url, "SELECT relname FROM pg_class WHERE relname IN ('one', 'uno', 'two', 'half') "
                    "ORDER BY relname");
  };
  using Names = std::vector<std::string>;
  const auto failed = migrate(database, {one, bad});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message.find("0002_bad.sql") != std::string::npos);
  CHECK(tables() == Names{"one", "uno"});
  CHECK(migrate(database, {one, two}).ok());
  CHECK(migrate(database, {one, two}).ok());
  CHECK(tables() == Names{"one", "two", "uno"});
  CHECK(ask(url, "SELECT name FROM schema_migrations ORDER BY number") ==
        Names{"0001_one.sql", "0002_two.sql"});

  const auto refused = [&](const std::vector<Migration>& files, const std::string& word) {
    const auto result = migrate(database, files);
    CHECK(code_of(result) == Errc::conflict);
    CHECK(result.error().message.find(word) != std::string::npos);
  };
  refused({{1, "0001_one.sql", one.text + " "}, two}, "0001_one.sql");
  refused({two}, "0001_one.sql");
  refused({one}, "newer");
}

TEST_CASE("migrations: claims that were there before projects had quotas get their project, and count") {
  const std::string url = fresh_database();
  const auto files = embedded_migrations();
  REQUIRE(files.size() >= 7);
  Database database(url);
  REQUIRE(migrate(database, {files.begin(), files.begin() + 6}).ok());
  const auto run = [&](const std::string& script) {
    return database.transact(Database::Mode::write, [&](Transaction& transaction) -> Result<void> {
      transaction.run_script(script);
      return {};
    });
  };
  const auto id = [](int number) { return "'00000000-0000-4000-8000-00000000000" + std::to_string(number) + "'"; };
  const std::string sha = "repeat('a', 64)";
  REQUIRE(run("INSERT INTO sites VALUES (" + id(1) + ", 'north', 1500);"
              "INSERT INTO hosts VALUES (" + id(1) + ", 'pc-1', " + id(1) + ", '10.0.0.1', repeat('k', 40), 'anchor', "
              "8, 8192, 100, 0, 0, 0, false, 0, NULL);"
              "INSERT INTO projects VALUES (" + id(1) + ", 'course'), (" + id(2) + ", 'other');"
              "INSERT INTO flavors VALUES (" + id(1) + ", 'small', 1, 1024, 10);"
              "INSERT INTO images VALUES (" + id(1) + ", 'plain', " + sha + ", 1, " + sha + ", 1, " + sha + ", 1, '', 5);"
              "INSERT INTO key_pairs VALUES (" + id(1) + ", " + id(2) + ", 'me', 'ssh-ed25519 AAAA');"
              "INSERT INTO networks VALUES (" + id(1) + ", " + id(1) + ", 1, '10.1.0.0/24', '10.1.0.1', '06:00:00:00:00:01', 1400);"
              "INSERT INTO clusters VALUES (" + id(1) + ", " + id(2) + ", 'demo', 'ready', '', " + id(1) + ", " + id(1) + ", " +
              id(1) + ", " + id(1) + ", '{}', 2, 2, NULL, now(), NULL);"
              "INSERT INTO node_pools VALUES (" + id(1) + ", " + id(1) + ", 'worker', 1);"
              "INSERT INTO nodes VALUES (" + id(1) + ", " + id(1) + ", " + id(1) + ", 'demo-w1', 'worker', " + id(1) +
              ", 1, '02:00:00:00:00:01', '10.1.0.2', 'ready', '', 'running', 1, '{}', '{}', NULL, now(), NULL);"
              "INSERT INTO claims VALUES (" + id(1) + ", " + id(1) + ", 1, 1024, 10)").ok());
  REQUIRE(migrate(database, files).ok());
  CHECK(ask(url, "SELECT p.name FROM claims c JOIN projects p ON p.id = c.project") == std::vector<std::string>{"other"});
  REQUIRE(run("UPDATE projects SET quota_memory_mib = 2047").ok());
  const auto another = "INSERT INTO claims (node, host, vcpus, memory_mib, disk_gib, project) VALUES (" + id(2) + ", " + id(1);
  const auto over = run(another + ", 1, 1024, 10, " + id(2) + ")");
  CHECK(code_of(over) == Errc::conflict);
  CHECK(over.error().message.find("project other") != std::string::npos);
  CHECK(run(another + ", 1, 1024, 10, " + id(1) + ")").ok());
}

TEST_CASE("migrations: generations and steps that were there before commits were cheap are kept, and references hold") {
  const std::string url = fresh_database();
  const auto files = embedded_migrations();
  REQUIRE(files.size() >= 8);
  Database database(url);
  REQUIRE(migrate(database, {files.begin(), files.begin() + 7}).ok());
  const auto run = [&](const std::string& script) {
    return database.transact(Database::Mode::write, [&](Transaction& transaction) -> Result<void> {
      transaction.run_script(script);
      return {};
    });
  };
  const auto id = [](int number) { return "'00000000-0000-4000-8000-00000000000" + std::to_string(number) + "'"; };
  const auto host = [&](int number, const std::string& generation, const std::string& order) {
    return "INSERT INTO hosts (id, name, site, address, curve_key, class, vcpus, memory_mib, disk_gib, reserve_vcpus, "
           "reserve_memory_mib, reserve_disk_gib, cordoned, generation, order_id) VALUES (" + id(number) + ", 'pc-" +
           std::to_string(number) + "', " + id(1) + ", '10.0.0." + std::to_string(number) + "', repeat('" +
           std::to_string(number) + "', 40), 'anchor', 8, 8192, 100, 0, 0, 0, false, " + generation + ", " + order + ");";
  };
  REQUIRE(run("INSERT INTO sites VALUES (" + id(1) + ", 'north', 1500);" + host(1, "7", id(5)) + host(2, "0", "NULL") +
              "INSERT INTO orders VALUES (" + id(1) + ", 7, " + id(5) + ", '\\x00');"
              "INSERT INTO operations VALUES (" + id(6) + ", 'cluster-create', 'running', " + id(7) + ", 'demo', '', now(), NULL),"
              " (" + id(8) + ", 'cluster-delete', 'succeeded', " + id(7) + ", 'demo', '', now(), now());"
              "INSERT INTO operation_steps VALUES (" + id(6) + ", 1, 'ordered', 'waiting', 0, 2, 'pc-1', NULL, NULL), (" +
              id(6) + ", 0, 'placed', 'done', 2, 2, '', '2026-01-02 03:04:05.000006+00', '2026-01-02 03:04:06+00')").ok());
  REQUIRE(migrate(database, files).ok());
  using Rows = std::vector<std::string>;
  const auto steps = ask(url, "SELECT concat_ws('|', position, name, state, done, total, detail, "
                              "extract(epoch FROM started_at) * 1000000) FROM operation_steps ORDER BY position");
  CHECK(steps == Rows{"0|placed|done|2|2||1767323045000006.000000", "1|ordered|waiting|0|2|pc-1"});
  auto store = opened(url);
  const Model model = *store->load();
  REQUIRE(model.hosts.size() == 2);
  CHECK(model.hosts.begin()->second.generation == 7);
  CHECK(model.hosts.begin()->second.order->str() == "00000000-0000-4000-8000-000000000005");
  CHECK_FALSE(model.hosts.rbegin()->second.order.has_value());
  CHECK(model.operations.at(*OperationId::parse("00000000-0000-4000-8000-000000000008")).steps.empty());
  const auto started = model.operations.at(*OperationId::parse("00000000-0000-4000-8000-000000000006"));
  REQUIRE(started.steps.size() == 2);
  CHECK(started.steps[0].started_at == TimePoint{1'767'323'045'000'006});
  CHECK_FALSE(started.steps[1].started_at.has_value());
}

TEST_CASE("postgres: references hold for who writes beside the control node, also while it writes") {
  const std::string url = fresh_database();
  auto store = opened(url);
  const Sample sample;
  REQUIRE(store->commit(*store->take_lead("one", 0), sample.all()).ok());
  const auto refused = [&](const std::string& script, const std::string& word) {
    Database database(url);
    const auto done = database.transact(Database::Mode::write, [&](Transaction& transaction) -> Result<void> {
      transaction.run_script(script);
      return {};
    });
    CHECK(code_of(done) == Errc::conflict);
    INFO(done.error().message);
    CHECK(done.error().message.find(word) != std::string::npos);
  };
  const std::string nobody = "'00000000-0000-4000-8000-0000000000ff'";
  refused("UPDATE nodes SET host = " + nobody, "nodes.host refers to hosts");
  refused("UPDATE nodes SET pool = " + nobody, "nodes.pool refers to node_pools");
  refused("UPDATE clusters SET flavor = " + nobody, "clusters.flavor refers to flavors");
  refused("UPDATE claims SET project = " + nobody, "claims.project refers to projects");
  refused("UPDATE node_pools SET cluster = " + nobody, "node_pools.cluster refers to clusters");
  refused("DELETE FROM nodes; DELETE FROM hosts", "is still referred to by claims");
  refused("DELETE FROM images", "is still referred to by clusters");

}

namespace {

// While `writes` is not committed, `deletes` waits; then it is refused, and the clusters have these names.
void check_deletion_waits(const std::string& url, const std::string& writes, const std::string& deletes,
                          const std::vector<std::string>& names) {
  Database writer(url);
  std::thread deletion;
  Result<void> deleted;
  const auto written = writer.transact(Database::Mode::write, [&](Transaction& transaction) -> Result<void> {
    transaction.run_script(writes);
    deletion = std::thread([&] {
      Database other(url);
      deleted = other.transact(Database::Mode::write, [&](Transaction& beside) -> Result<void> {
        beside.run_script(deletes);
        return {};
      });
    });
    const std::string waiting =
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for (int i = 0; i < 1'000 && ask(url, waiting).empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(ask(url, waiting).size() == 1);
    return {};
  });
  deletion.join();
  CHECK(written.ok());
  CHECK(code_of(deleted) == Errc::conflict);
  CHECK(ask(url, "SELECT name FROM clusters") == names);
}

}  // namespace

TEST_CASE("postgres: whoever deletes waits for whoever writes what could refer to it, and then sees it") {
  const std::string url = fresh_database();
  const Sample sample;
  {
    auto store = opened(url);
    REQUIRE(store->commit(*store->take_lead("one", 0), sample.all()).ok());
  }
  ask(url, "DELETE FROM claims; DELETE FROM nodes; DELETE FROM node_pools");
  const std::string fresh = "'00000000-0000-4000-8000-0000000000aa'";
  check_deletion_waits(url, "INSERT INTO node_pools (id, cluster, role, count) SELECT " + fresh + ", id, 'worker', 1 FROM clusters",
                       "DELETE FROM clusters", {sample.cluster.name});
  ask(url, "DELETE FROM node_pools; CREATE TABLE kept AS SELECT * FROM clusters; DELETE FROM clusters");
  check_deletion_waits(url, "UPDATE kept SET id = " + fresh + ", name = 'second'; INSERT INTO clusters SELECT * FROM kept",
                       "DELETE FROM images", {"second"});
}

TEST_CASE("migrations: a file that comes in front of applied ones is refused") {
  Database database(fresh_database());
  const Migration two{2, "0002_two.sql", "CREATE TABLE two (id int);"};
  REQUIRE(migrate(database, {two}).ok());
  const auto late = migrate(database, {{1, "0001_late.sql", "CREATE TABLE late (id int);"}, two});
  CHECK(code_of(late) == Errc::conflict);
  CHECK(late.error().message.find("0001_late.sql") != std::string::npos);
}

TEST_CASE("migrations: programs that start together do not disturb each other") {
  const std::string url = fresh_database();
  std::vector<std::thread> starts;
  std::vector<Result<void>> results(4);
  for (auto& result : results) {
    starts.emplace_back([&url, &result] {
      const auto store = PostgresStore::open(url);
      if (!store) result = store.error();
    });
  }
  for (auto& start : starts) start.join();
  for (const auto& result : results) {
    INFO(result.error().message);
    CHECK(result.ok());
  }
}

TEST_CASE("array text: what is not an array that we write is refused") {
  for (const char* text : {"", "{", "}", "{a", "a}", "{\"a}", "{\"a\\", "{a,}", "{,a}", "{NULL}", "{{a}}",
                           "{a}{b}", "{a}}", "{\"a\"b}", "[0:1]={a,b}"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_array(text).has_value());
  }
  CHECK(parse_array("{}")->empty());
  CHECK(*parse_array(R"({a,"b,\"c\\","",NULLS})") ==
        std::vector<std::string>{"a", "b,\"c\\", "", "NULLS"});
}

}  // namespace dure::control::contract
