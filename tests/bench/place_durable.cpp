#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/core/decide.h"
#include "controlnode/core/kept.h"
#include "controlnode/edges/postgres/array_text.h"
#include "controlnode/edges/postgres/database.h"
#include "controlnode/edges/postgres/postgres_store.h"
#include "tests/bench/bench_output.h"
#include "tests/bench/place_fleets.h"
#include "tests/bench/place_parts.h"

namespace dure::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kHosts = 5'000, kPlacements = 50'000, kRounds = 5;
constexpr TimePoint kNow{1'700'000'000'000'000};
constexpr double kGoal = 16'000;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

template <class Value>
Value must(Result<Value> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void must(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

void run_script(const std::string& server, const std::string& script) {
  control::Database database(server);
  must(database.transact(control::Database::Mode::write, [&](control::Transaction& transaction) -> Result<void> {
    transaction.run_script(script);
    return {};
  }));
}

// A server that has run for a while writes its log to files that it has used before. A new one makes each and fills it with
// zeros first, up to the 64 of 16 MB that the default max_wal_size lets it keep.
void use_log_files(const std::string& server) {
  run_script(server, "DO $$ BEGIN FOR i IN 1..64 LOOP PERFORM pg_logical_emit_message(false, 'place', ''); "
                     "PERFORM pg_switch_wal(); END LOOP; END $$; CHECKPOINT");
}

// Tables of its own in the server's database, gone at the end.
class OwnTables {
 public:
  explicit OwnTables(std::string server) : server_(std::move(server)) {
    run_script(server_, "DROP SCHEMA IF EXISTS dure_place CASCADE; CREATE SCHEMA dure_place");
  }
  ~OwnTables() {
    try {
      run_script(server_, "DROP SCHEMA dure_place CASCADE");
    } catch (const std::exception& error) {
      std::cerr << "place: the schema dure_place stays: " << error.what() << '\n';
    }
  }
  OwnTables(const OwnTables&) = delete;
  OwnTables& operator=(const OwnTables&) = delete;

  std::string url() const { return server_ + " options='-c search_path=dure_place'"; }

 private:
  std::string server_;
};

struct ClusterShape {
  const char* name;
  std::uint32_t nodes;             // of a cluster
  std::uint32_t clusters;          // asked for at once
  std::uint8_t prefix_length;      // so that there are networks for all
};

// The control node without its doors: what the one deciding thread does with a batch of requests while more are
// waiting (app/control_loop.h). It decides one batch while the one before becomes durable.
class Decider {
 public:
  Decider(const std::string& url, const ClusterShape& shape)
      : store_(must(control::PostgresStore::open(url))), ids_({7, 7, 7}, kNow) {
    model_.system = must(store_->system_id(SystemId{uuid_from_random({1})}));
    model_.fence = {1, must(store_->take_lead("place", 0))};
    model_.settings.cluster_prefix_length = shape.prefix_length;
    ask(control::CreateSite{"campus", 1500});
    ask(control::CreateFlavor{"small", 1, 1024, 10});
    control::CreateImage image;
    image.name = "plain";
    image.disk = {{}, 1'000'000};
    image.min_disk_gib = 5;
    ask(image);
    hosts();
    control::CreateKeyPair key;
    key.name = "me";
    key.public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl me";
    ask(key);
    batch();
    finish();
  }

  // Batches of clusters of this shape, all durable at the end; the seconds that it took.
  double round(const ClusterShape& shape, std::uint32_t batches) {
    const auto begun = Clock::now();
    for (std::uint32_t k = 0; k < batches; ++k) {
      for (std::uint32_t i = 0; i < shape.clusters; ++i) {
        control::CreateCluster request;
        request.name = "c" + std::to_string(++made_);
        request.workers = shape.nodes - request.control_planes;
        request.flavor = "small";
        request.image = "plain";
        request.key_pair = "me";
        ask(request);
      }
      batch();
    }
    finish();
    return seconds_since(begun);
  }

  // Of each batch since the last look: until it was decided, and until it was durable.
  Series deciding, latency;

 private:
  void ask(control::Request request) { events_.push_back(control::RequestEvent{++token_, std::move(request)}); }

  void hosts() {
    for (std::uint32_t i = 1; i <= kHosts; ++i) {
      control::AddHost host;
      host.id = host_id(i);
      host.name = "pc-" + std::to_string(i);
      host.site = "campus";
      host.address = Ipv4{0x0a000000 + i};
      host.curve_key = std::to_string(1'000'000 + i) + std::string(33, 'k');
      host.capacity = {16, 65'536, 1'000};
      host.room = "r" + std::to_string(i / 40);
      ask(host);
    }
    batch();
    for (std::uint32_t i = 1; i <= kHosts; ++i) {
      HostReport report;
      report.system = model_.system;
      report.host = host_id(i);
      report.sequence = 1;
      report.observed = true;
      report.capacity.hardware_virtualisation = true;
      events_.push_back(control::ReportEvent{report.host, report});
    }
  }

  void batch() {
    const auto begun = Clock::now();
    auto decision = control::decide(model_, events_, {kNow, {kNow.us}}, ids_, kept_);
    deciding.add(seconds_since(begun) * 1e3);
    events_.clear();
    for (const auto& reply : decision.replies) {
      if (const auto* refused = std::get_if<control::Refused>(&reply.reply)) {
        throw std::runtime_error(refused->error.message);
      }
    }
    finish();
    under_way_ = std::move(decision);
    begun_ = begun;
    store_->begin_commit(model_.fence.epoch, under_way_.changes);
  }

  void finish() {
    must(store_->finish_commit());
    if (!under_way_.changes.empty()) latency.add(seconds_since(begun_) * 1e3);
    under_way_ = {};
  }

  control::Decision under_way_;  // outlives its commit
  std::unique_ptr<control::PostgresStore> store_;
  control::IdStream ids_;
  control::Model model_;
  control::Kept kept_;
  std::vector<control::Event> events_;
  Clock::time_point begun_;
  std::uint64_t token_ = 0;
  std::uint32_t made_ = 0;
};

// As many claims and nothing else: no rule, no history, no order. What the database makes of it is the
// most that any control node could promise durably one batch after the other.
class ClaimsAlone {
 public:
  explicit ClaimsAlone(const std::string& url) : database_(url), ids_({9, 9, 9}, kNow) {
    must(database_.transact(control::Database::Mode::write, [](control::Transaction& transaction) -> Result<void> {
      transaction.run_script(
          "CREATE TABLE place_limit (node uuid PRIMARY KEY, host uuid NOT NULL, vcpus bigint NOT NULL, "
          "memory_mib bigint NOT NULL, disk_gib bigint NOT NULL)");
      return {};
    }));
  }

  double round(std::uint32_t rows) {
    const auto begun = Clock::now();
    control::ArrayText nodes, hosts, ones;
    for (std::uint32_t i = 0; i < rows; ++i) {
      nodes.add_plain(ids_.next().str());
      hosts.add_plain(host_id(i % kHosts + 1).str());
      ones.add_plain("1");
    }
    const control::Statement insert{"limit",
                                    "INSERT INTO place_limit SELECT * FROM unnest($1::uuid[], $2::uuid[], "
                                    "$3::bigint[], $4::bigint[], $5::bigint[])"};
    must(database_.transact(control::Database::Mode::write, [&](control::Transaction& transaction) -> Result<void> {
      transaction.run(insert, {nodes.str(), hosts.str(), ones.str(), ones.str(), ones.str()});
      return {};
    }));
    return seconds_since(begun);
  }

 private:
  control::Database database_;
  control::IdStream ids_;
};

// Each round begins with an empty fleet and fills it.
double measure(const std::string& server, const ClusterShape& shape) {
  const std::uint32_t batch = shape.nodes * shape.clusters, batches = kPlacements / batch, nodes = batches * batch;
  Series rate, requests, limit, ratio, deciding, latency;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    const OwnTables tables(server);
    Decider decider(tables.url(), shape);
    ClaimsAlone alone(tables.url());
    decider.deciding = decider.latency = {};
    const double ours = decider.round(shape, batches);
    rate.add(nodes / ours);
    requests.add(batches * shape.clusters / ours);
    double seconds = 0;
    for (std::uint32_t k = 0; k < batches; ++k) seconds += alone.round(batch);
    limit.add(nodes / seconds);
    ratio.add(rate.values.back() / limit.values.back());
    for (const double value : decider.deciding.values) deciding.add(value);
    for (const double value : decider.latency.values) latency.add(value);
  }
  const std::string name = std::string("durable-") + shape.name;
  const char* peer = "insertion of the claims alone";
  print_metric("place", (name + "-nodes").c_str(), rate, "1/s", peer, ratio.median());
  print_metric("place", (name + "-requests").c_str(), requests, "1/s", "", 0);
  print_metric("place", (name + "-batch").c_str(), latency, "ms", "", 0);
  print_metric("place", (name + "-deciding").c_str(), deciding, "ms", "", 0);
  print_metric("place", (name + "-limit").c_str(), limit, "1/s", "", 0);
  return rate.median();
}

}  // namespace

bool place_durable() {
  const char* server = std::getenv("DURE_TEST_PG");
  if (server == nullptr) {
    std::cerr << "place: durable is left out: DURE_TEST_PG names no database\n";
    return true;
  }
  use_log_files(server);
  bool held = true;
  for (const ClusterShape& shape : {ClusterShape{"1", 1, 2'048, 28}, ClusterShape{"3", 3, 683, 28}, ClusterShape{"8", 8, 256, 27},
                                   ClusterShape{"64", 64, 32, 25}}) {
    held = measure(server, shape) >= kGoal && held;
  }
  return held;
}

}  // namespace dure::bench
