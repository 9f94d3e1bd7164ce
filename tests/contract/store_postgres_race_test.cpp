// Writers that race for the last places: what the database refuses, whoever believes that it fits.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <latch>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controlnode/edges/postgres/batch.h"
#include "controlnode/edges/postgres/postgres_store.h"
#include "tests/contract/store_postgres_server.h"
#include "tests/contract/store_sample.h"

namespace dure::control::contract {
namespace {

constexpr std::uint32_t kWriters = 64, kAttempts = 5, kHosts = 10, kProjects = 3;

template <class IdType>
IdType made(std::uint8_t kind, std::uint32_t number) {
  IdType one = id<IdType>(kind, static_cast<std::uint8_t>(number));
  for (std::size_t i = 1; i < 4; ++i) one.uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return one;
}

// Room for 70 nodes on the hosts; quotas for 12 nodes, 30 GiB and 4 clusters, so that each limit is met.
struct Campus {
  Sample sample;
  std::vector<Change> rows() const {
    std::vector<Change> rows{sample.site, sample.image, sample.flavor};
    for (std::uint32_t i = 0; i < kHosts; ++i) {
      Host host = sample.host;
      host.id = made<HostId>(2, i);
      host.name = "pc-" + std::to_string(i);
      host.address = Ipv4{0x0a000001 + i};
      host.curve_key = std::string(40, static_cast<char>('a' + i));
      host.capacity = {16, 8192, 100};
      host.reserve = {0, 1024, 0};
      rows.emplace_back(host);
    }
    const std::array<Quota, kProjects> quotas{Quota{{}, {}, {}, 12, {}}, Quota{{}, 30 * 1024, {}, {}, {}},
                                              Quota{{}, {}, {}, {}, 4}};
    for (std::uint32_t i = 0; i < kProjects; ++i) {
      const Project project{made<ProjectId>(6, i), "project-" + std::to_string(i), quotas[i]};
      rows.emplace_back(project);
      KeyPair key = sample.key_pair;
      key.id = made<KeyPairId>(7, i);
      key.project = project.id;
      rows.emplace_back(key);
    }
    return rows;
  }

  // A whole cluster with so many nodes.
  std::vector<Change> cluster(std::uint32_t number, std::uint32_t project, std::mt19937& random) const {
    Cluster cluster = sample.cluster;
    cluster.id = made<ClusterId>(10, number);
    cluster.project = made<ProjectId>(6, project);
    cluster.name = "c" + std::to_string(number);
    cluster.key_pair = made<KeyPairId>(7, project);
    cluster.network = made<NetworkId>(8, number);
    Network network = sample.network;
    network.id = cluster.network;
    network.cluster = cluster.id;
    network.vni = 5000 + number;
    network.prefix = {Ipv4{0x0a800000 + (number << 8)}, 24};
    const std::uint32_t nodes = 2 + random() % 5;
    cluster.control_planes.count = 0;
    cluster.workers.count = nodes;
    std::vector<Change> rows{network, cluster};
    for (std::uint32_t i = 0; i < nodes; ++i) {
      Node node = sample.node;
      node.id = made<NodeId>(9, number * 16 + i);
      node.cluster = cluster.id;
      node.name = cluster.name + "-w" + std::to_string(i);
      node.host = made<HostId>(2, random() % kHosts);
      node.mac = {{2, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number), 0, 0,
                   static_cast<std::uint8_t>(i)}};
      node.address = Ipv4{network.prefix.base.value + 10 + i};
      rows.emplace_back(node);
      rows.emplace_back(Claim{node.id, node.host, {1, 1024, 1}, cluster.project});
    }
    return rows;
  }
};

std::vector<Change> gone(const std::vector<Change>& rows) {
  std::vector<Change> drops;
  for (const Change& row : rows) {
    if (const auto* claim = std::get_if<Claim>(&row)) drops.emplace_back(DropClaim{claim->node});
    if (const auto* node = std::get_if<Node>(&row)) drops.emplace_back(DropNode{node->id});
    if (const auto* cluster = std::get_if<Cluster>(&row)) drops.emplace_back(DropCluster{cluster->id});
    if (const auto* network = std::get_if<Network>(&row)) drops.emplace_back(DropNetwork{network->id});
  }
  return drops;
}

// What no reader may ever see, in one snapshot each: hosts and projects beyond a limit, clusters in part.
const std::vector<std::string> kBreaches{
    "SELECT count(*) FROM (SELECT 1 FROM hosts h JOIN claims c ON c.host = h.id GROUP BY h.id "
    "HAVING sum(c.memory_mib) > h.memory_mib - h.reserve_memory_mib) AS over",
    "SELECT count(*) FROM projects p WHERE (SELECT count(*) FROM claims c WHERE c.project = p.id) > p.quota_nodes "
    "OR (SELECT sum(memory_mib) FROM claims c WHERE c.project = p.id) > p.quota_memory_mib "
    "OR (SELECT count(*) FROM clusters c WHERE c.project = p.id) > p.quota_clusters",
    "SELECT count(*) FROM clusters k WHERE k.workers <> (SELECT count(*) FROM nodes n WHERE n.cluster = k.id) "
    "OR k.workers <> (SELECT count(*) FROM nodes n JOIN claims c ON c.node = n.id WHERE n.cluster = k.id)"};

struct Tally {
  std::atomic<int> committed = 0, aborted = 0, full = 0, over_quota = 0, others = 0, looks = 0;
  std::atomic<int> breaches[3] = {0, 0, 0};

  void count(const Result<void>& done) {
    if (done) {
      ++committed;
    } else if (done.error().message.find("would carry") != std::string::npos) {
      ++full;
    } else if (done.error().message.find("would hold") != std::string::npos) {
      ++over_quota;
    } else if (done.error().message == "thought better of it") {
      ++aborted;
    } else {
      ++others;
    }
  }
  int all_breaches() const { return breaches[0] + breaches[1] + breaches[2]; }
};

void look(Database& database, Tally& tally) {
  for (std::size_t i = 0; i < kBreaches.size(); ++i) {
    const auto looked = database.transact(Database::Mode::read_snapshot, [&](Transaction& transaction) -> Result<void> {
      const Rows rows = transaction.run({"breach_" + std::to_string(i), kBreaches[i]}, {});
      if (rows.cells.at(0) != "0") ++tally.breaches[i];
      return {};
    });
    if (!looked) ++tally.others;
  }
  ++tally.looks;
}

// One of the 64: makes clusters, thinks better of some of them at the last moment, and deletes some.
void race(const std::string& url, std::uint32_t writer, std::uint32_t seed, std::latch& start, Tally& tally) {
  const Campus campus;
  Database database(url);
  std::mt19937 random(seed * 1000 + writer);
  const auto transact = [&](const std::vector<Change>& changes, bool abort) {
    return database.transact(Database::Mode::write, [&](Transaction& transaction) -> Result<void> {
      Batch(changes).write(transaction);
      if (abort) return Error{Errc::conflict, "thought better of it"};
      return {};
    });
  };
  (void)database.transact(Database::Mode::read_snapshot, [](Transaction&) -> Result<void> { return {}; });
  start.arrive_and_wait();
  for (std::uint32_t attempt = 0; attempt < kAttempts; ++attempt) {
    const auto rows = campus.cluster(writer * kAttempts + attempt, random() % kProjects, random);
    const auto done = transact(rows, random() % 4 == 0);
    tally.count(done);
    if (done && random() % 3 != 0) {
      if (!transact(gone(rows), false)) ++tally.others;
    }
  }
}

void run(Tally& tally, std::uint32_t seed, const std::string& plant) {
  const std::string url = fresh_database();
  {
    auto store = PostgresStore::open(url);
    REQUIRE(store.ok());
    REQUIRE((*store)->commit(*(*store)->take_lead("race", 0), Campus{}.rows()).ok());
  }
  if (!plant.empty()) ask(url, plant);
  std::latch start(kWriters + 1);
  std::atomic<bool> over = false;
  std::vector<std::thread> writers;
  for (std::uint32_t i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] { race(url, i, seed, start, tally); });
  }
  Database looking(url);
  std::thread reader([&] {
    while (!over) look(looking, tally);
  });
  start.arrive_and_wait();
  for (std::thread& writer : writers) writer.join();
  over = true;
  reader.join();
  look(looking, tally);
  CHECK(ask(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").at(0) == "0");
}

// The functions as they would be without their locks.
std::string without_locks() {
  return "DO $$ DECLARE f text; BEGIN "
         "FOREACH f IN ARRAY ARRAY['claims_must_fit', 'refuse_overfull', 'refuse_over_quota', 'inserted_clusters_within_quota'] LOOP "
         "EXECUTE replace(pg_get_functiondef(f::regproc), 'FOR NO KEY UPDATE', ''); END LOOP; END $$";
}

}  // namespace

TEST_CASE("postgres: 64 writers that race never promise more than a host or a quota has, nor a cluster in part") {
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    Tally tally;
    run(tally, seed, {});
    CHECK(tally.breaches[0] == 0);
    CHECK(tally.breaches[1] == 0);
    CHECK(tally.breaches[2] == 0);
    CHECK(tally.others == 0);
    // The limits were met, or nothing would have been shown.
    CHECK(tally.committed > 0);
    CHECK(tally.aborted > 0);
    CHECK(tally.full > 0);
    CHECK(tally.over_quota > 0);
    CHECK(tally.looks > 1);
    MESSAGE("committed ", tally.committed.load(), ", aborted ", tally.aborted.load(), ", full ", tally.full.load(),
            ", over quota ", tally.over_quota.load(), ", looks ", tally.looks.load());
  }
}

TEST_CASE("postgres: without its locks the same race goes beyond a limit, and is caught") {
  Tally tally;
  for (std::uint32_t seed = 1; seed <= 10 && (tally.breaches[0] == 0 || tally.breaches[1] == 0); ++seed) {
    run(tally, seed, without_locks());
  }
  CHECK(tally.breaches[0] > 0);
  CHECK(tally.breaches[1] > 0);
  CHECK(tally.breaches[2] == 0);
}

}  // namespace dure::control::contract
