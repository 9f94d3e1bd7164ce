// What becomes of a database that an older program has left.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "controlnode/edges/postgres/database.h"
#include "controlnode/edges/postgres/migrations.h"
#include "controlnode/edges/postgres/postgres_store.h"
#include "tests/contract/store_postgres_server.h"

namespace dure::control::contract {

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

namespace {

std::string id(int number) { return "'00000000-0000-4000-8000-00000000000" + std::to_string(number) + "'"; }

// Two projects, and a flavor, an image and a key pair of the second one, each with the id 1, as the first migrations have them.
std::string catalog() {
  const std::string sha = "repeat('a', 64)";
  return "INSERT INTO projects VALUES (" + id(1) + ", 'course'), (" + id(2) + ", 'other');"
         "INSERT INTO flavors VALUES (" + id(1) + ", 'small', 1, 1024, 10);"
         "INSERT INTO images VALUES (" + id(1) + ", 'plain', " + sha + ", 1, " + sha + ", 1, " + sha + ", 1, '', 5);"
         "INSERT INTO key_pairs VALUES (" + id(1) + ", " + id(2) + ", 'me', 'ssh-ed25519 AAAA');";
}

// A cluster of the second project, with its network.
std::string cluster(int number) {
  const std::string digit = std::to_string(number), net = "10." + digit;
  return "INSERT INTO networks VALUES (" + id(number) + ", " + id(number) + ", " + digit + ", '" + net + ".0.0/24', '" + net +
         ".0.1', '06:00:00:00:00:0" + digit + "', 1400);"
         "INSERT INTO clusters VALUES (" + id(number) + ", " + id(2) + ", 'c" + digit + "', 'ready', '', " + id(1) + ", " + id(1) +
         ", " + id(1) + ", " + id(number) + ", '{}', 2, 2, NULL, now(), NULL);";
}

}  // namespace

TEST_CASE("migrations: claims that were there before projects had quotas get their project, and count") {
  const std::string url = fresh_database();
  const auto files = embedded_migrations();
  REQUIRE(files.size() >= 7);
  Database database(url);
  REQUIRE(migrate(database, {files.begin(), files.begin() + 6}).ok());
  REQUIRE(write_beside(url, "INSERT INTO sites VALUES (" + id(1) + ", 'north', 1500);"
              "INSERT INTO hosts VALUES (" + id(1) + ", 'pc-1', " + id(1) + ", '10.0.0.1', repeat('k', 40), 'anchor', "
              "8, 8192, 100, 0, 0, 0, false, 0, NULL);"
              + catalog() + cluster(1) +
              "INSERT INTO node_pools VALUES (" + id(1) + ", " + id(1) + ", 'worker', 1);"
              "INSERT INTO nodes VALUES (" + id(1) + ", " + id(1) + ", " + id(1) + ", 'demo-w1', 'worker', " + id(1) +
              ", 1, '02:00:00:00:00:01', '10.1.0.2', 'ready', '', 'running', 1, '{}', '{}', NULL, now(), NULL);"
              "INSERT INTO claims VALUES (" + id(1) + ", " + id(1) + ", 1, 1024, 10)").ok());
  REQUIRE(migrate(database, files).ok());
  CHECK(ask(url, "SELECT p.name FROM claims c JOIN projects p ON p.id = c.project") == std::vector<std::string>{"other"});
  CHECK(ask(url, "SELECT concat_ws('|', role, count, rooms) FROM node_pools ORDER BY role") ==
        std::vector<std::string>{"control-plane|0|{}", "worker|1|{}"});
  REQUIRE(write_beside(url, "UPDATE projects SET quota_memory_mib = 2047").ok());
  const auto another = "INSERT INTO claims (node, host, vcpus, memory_mib, disk_gib, project) VALUES (" + id(2) + ", " + id(1);
  const auto over = write_beside(url, another + ", 1, 1024, 10, " + id(2) + ")");
  CHECK(code_of(over) == Errc::conflict);
  CHECK(over.error().message.find("project other") != std::string::npos);
  CHECK(write_beside(url, another + ", 1, 1024, 10, " + id(1) + ")").ok());
}

TEST_CASE("migrations: generations and steps that were there before commits were cheap are kept, and references hold") {
  const std::string url = fresh_database();
  const auto files = embedded_migrations();
  REQUIRE(files.size() >= 8);
  Database database(url);
  REQUIRE(migrate(database, {files.begin(), files.begin() + 7}).ok());
  const auto host = [&](int number, const std::string& generation, const std::string& order) {
    return "INSERT INTO hosts (id, name, site, address, curve_key, class, vcpus, memory_mib, disk_gib, reserve_vcpus, "
           "reserve_memory_mib, reserve_disk_gib, cordoned, generation, order_id) VALUES (" + id(number) + ", 'pc-" +
           std::to_string(number) + "', " + id(1) + ", '10.0.0." + std::to_string(number) + "', repeat('" +
           std::to_string(number) + "', 40), 'anchor', 8, 8192, 100, 0, 0, 0, false, " + generation + ", " + order + ");";
  };
  REQUIRE(write_beside(url, "INSERT INTO sites VALUES (" + id(1) + ", 'north', 1500);" + host(1, "7", id(5)) + host(2, "0", "NULL") +
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

TEST_CASE("migrations: events that were there before pages are in pages, with their gaps") {
  const std::string url = fresh_database();
  const auto files = embedded_migrations();
  REQUIRE(files.size() >= 13);
  Database database(url);
  REQUIRE(migrate(database, {files.begin(), files.begin() + 12}).ok());
  const std::string subject = "00000000-0000-4000-8000-000000000001";
  REQUIRE(write_beside(url, "INSERT INTO events SELECT n, timestamptz 'epoch' + n * interval '1 microsecond', 'kind', '" + subject +
                                "', 'name', 'number ' || n FROM generate_series(1, 200) n WHERE n NOT IN (3, 64, 199)").ok());
  const auto rows = ask(url, "SELECT events::text FROM events ORDER BY number");
  REQUIRE(migrate(database, files).ok());
  CHECK(rows.size() == 197);
  CHECK(ask(url, "SELECT events::text FROM events ORDER BY number") == rows);
  auto store = opened(url);
  CHECK(store->load()->last_event == 200);
  const auto found = store->events(2, 3);
  REQUIRE(found.ok());
  REQUIRE(found->size() == 3);
  CHECK(found->at(0) == EventRow{4, {4}, "kind", *Uuid::parse(subject), "name", "number 4"});
  CHECK(store->events(198, 10)->size() == 1);
}

TEST_CASE("migrations: pools that were rows of their own are their clusters'") {
  const std::string url = fresh_database();
  const auto files = embedded_migrations();
  REQUIRE(files.size() >= 14);
  Database database(url);
  REQUIRE(migrate(database, {files.begin(), files.begin() + 13}).ok());
  REQUIRE(write_beside(url, catalog() + cluster(1) + cluster(2) +
              "INSERT INTO node_pools VALUES (" + id(1) + ", " + id(1) + ", 'control-plane', 3, '{\"301\"}', '{a=b}', '{anchor}'), "
              "(" + id(2) + ", " + id(1) + ", 'worker', 5, '{302,303}', '{}', '{}'), (" + id(1) + ", " + id(2) +
              ", 'control-plane', 1, '{}', '{}', '{}'), (" + id(2) + ", " + id(2) + ", 'worker', 0, '{}', '{}', '{scavenged}')").ok());
  const std::string look = "SELECT concat_ws('|', cluster, role, count, rooms, labels, classes) FROM node_pools ORDER BY cluster, role";
  const auto rows = ask(url, look);
  REQUIRE(migrate(database, files).ok());
  CHECK(rows.size() == 4);
  CHECK(ask(url, look) == rows);
  const Model model = *opened(url)->load();
  const Cluster& first = model.clusters.begin()->second;
  CHECK(first.control_planes == NodePool{3, {{"301"}, {"a=b"}, {HostClass::anchor}}});
  CHECK(first.workers == NodePool{5, {{"302", "303"}, {}, {}}});
}

TEST_CASE("migrations: no index depends on the rules of a language") {
  const std::string url = fresh_database();
  const auto store = opened(url);
  // Of an index each column's collation; 0: its type has none. 950 is "C" (pg_collation.dat).
  CHECK(ask(url, "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                 "WHERE c.relnamespace = 'public'::regnamespace AND EXISTS (SELECT FROM unnest(i.indcollation) AS n "
                 "WHERE n NOT IN (0, 950)) ORDER BY 1").empty());
  CHECK(ask(url, "SELECT count(*) > 10 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                 "WHERE c.relnamespace = 'public'::regnamespace AND 950 = ANY (i.indcollation)") == std::vector<std::string>{"t"});
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

}  // namespace dure::control::contract
