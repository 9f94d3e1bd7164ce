// Rows that refer to others: what the database refuses, whoever writes, and who waits for whom.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "controlnode/edges/postgres/database.h"
#include "controlnode/edges/postgres/postgres_store.h"
#include "tests/contract/store_postgres_server.h"
#include "tests/contract/store_sample.h"

namespace dure::control::contract {

TEST_CASE("postgres: references hold for who writes beside the control node, also while it writes") {
  const std::string url = fresh_database();
  auto store = opened(url);
  const Sample sample;
  REQUIRE(store->commit(*store->take_lead("one", 0), sample.all()).ok());
  const auto refused = [&](const std::string& script, const std::string& word) {
    const auto done = write_beside(url, script);
    CHECK(code_of(done) == Errc::conflict);
    INFO(done.error().message);
    CHECK(done.error().message.find(word) != std::string::npos);
  };
  const std::string nobody = "'00000000-0000-4000-8000-0000000000ff'";
  refused("UPDATE nodes SET host = " + nobody, "nodes.host refers to hosts");
  refused("UPDATE nodes SET cluster = " + nobody, "nodes.cluster refers to clusters");
  refused("UPDATE clusters SET network = " + nobody, "clusters.network refers to networks");
  refused("UPDATE clusters SET flavor = " + nobody, "clusters.flavor refers to flavors");
  refused("UPDATE claims SET project = " + nobody, "claims.project refers to projects");
  refused("UPDATE claims SET host = " + nobody, "claims.host refers to hosts");
  const std::string claim = "INSERT INTO claims (node, host, vcpus, memory_mib, disk_gib, project) SELECT " + nobody;
  refused(claim + ", " + nobody + ", 1, 1, 1, project FROM claims", "claims.host refers to hosts");
  refused(claim + ", host, 1, 1, 1, " + nobody + " FROM claims", "claims.project refers to projects");
  refused("DELETE FROM claims; DELETE FROM clusters", "is still referred to by nodes");
  refused("DELETE FROM nodes; DELETE FROM hosts", "is still referred to by claims");
  refused("DELETE FROM images", "is still referred to by clusters");
  refused("DELETE FROM claims; DELETE FROM nodes; DELETE FROM networks", "is still referred to by clusters");
  // What is another cluster's: a network.
  const std::string second = "CREATE TEMPORARY TABLE other ON COMMIT DROP AS SELECT * FROM clusters; "
                             "UPDATE other SET name = 'second', id = " + nobody + ";";
  refused(second + "INSERT INTO clusters SELECT * FROM other", "clusters.network refers to networks");
  const std::string networks = "INSERT INTO networks (id, cluster, vni, prefix, gateway, gateway_mac, mtu) "
                               "VALUES (" + nobody + ", " + nobody + ", 9, '10.9.0.0/24', '10.9.0.1', '06:00:00:00:00:09', 1400);";
  const std::string own = second + "UPDATE other SET network = " + nobody + ";" + networks + "INSERT INTO clusters SELECT * FROM other;";
  CHECK(write_beside(url, own).ok());
}

namespace {

// Until one session waits for what another holds.
void wait_for_a_lock(const std::string& url) {
  const std::string waiting =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  for (int i = 0; i < 1'000 && ask(url, waiting).empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(ask(url, waiting).size() == 1);
}

// While `writes` is not committed, `deletes` waits; then it is refused, and the clusters have these names.
void check_deletion_waits(const std::string& url, const std::string& writes, const std::string& deletes,
                          const std::vector<std::string>& names) {
  Database writer(url);
  std::thread deletion;
  Result<void> deleted;
  const auto written = writer.transact(Database::Mode::write, [&](Transaction& transaction) -> Result<void> {
    transaction.run_script(writes);
    deletion = std::thread([&] { deleted = write_beside(url, deletes); });
    wait_for_a_lock(url);
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
  ask(url, "CREATE TABLE kept_nodes AS SELECT * FROM nodes; DELETE FROM claims; DELETE FROM nodes");
  check_deletion_waits(url, "INSERT INTO nodes SELECT * FROM kept_nodes", "DELETE FROM clusters", {sample.cluster.name});
  ask(url, "DELETE FROM nodes; CREATE TABLE kept AS SELECT * FROM clusters; DELETE FROM clusters");
  check_deletion_waits(url, "UPDATE kept SET name = 'second'; INSERT INTO clusters SELECT * FROM kept",
                       "DELETE FROM images", {"second"});
}

TEST_CASE("postgres: who writes what refers to a row that is being deleted waits, and is refused when it is gone") {
  const std::string url = fresh_database();
  const Sample sample;
  {
    auto store = opened(url);
    REQUIRE(store->commit(*store->take_lead("one", 0), sample.all()).ok());
  }
  ask(url, "CREATE TABLE kept_nodes AS SELECT * FROM nodes; DELETE FROM claims; DELETE FROM nodes");
  for (const bool kept : {true, false}) {
    CAPTURE(kept);
    Database deleter(url);
    std::thread writing;
    Result<void> written;
    const auto deleted = deleter.transact(Database::Mode::write, [&](Transaction& transaction) -> Result<void> {
      transaction.run_script("DELETE FROM clusters");
      writing = std::thread([&] { written = write_beside(url, "INSERT INTO nodes SELECT * FROM kept_nodes"); });
      wait_for_a_lock(url);
      if (kept) return Error{Errc::conflict, "thought better of it"};
      return {};
    });
    writing.join();
    CHECK(deleted.ok() != kept);
    CHECK(written.ok() == kept);
    if (kept) {
      ask(url, "DELETE FROM nodes");
    } else {
      CHECK(written.error().message.find("nodes.cluster refers to clusters") != std::string::npos);
    }
  }
}

}  // namespace dure::control::contract
