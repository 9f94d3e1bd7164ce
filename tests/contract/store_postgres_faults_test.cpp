#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "controlnode/core/placement/chain.h"
#include "controlnode/edges/postgres/array_text.h"
#include "controlnode/edges/postgres/connection_options.h"
#include "controlnode/edges/postgres/postgres_store.h"
#include "tests/contract/store_postgres_server.h"
#include "tests/contract/store_sample.h"

// What only the real database can show: restarts, lost connections, damaged rows, what people read.
namespace dure::control::contract {
namespace {

using When = CuttingProxy::When;
const std::vector<Change> kSite{Sample{}.site};

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

TEST_CASE("postgres: a server that goes mute is away after a moment, and a commit that it may have had is in doubt") {
  const auto seconds = [](const auto& call) {
    const auto begun = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  CuttingProxy proxy(fresh_database());
  auto store = opened(proxy.url() + " connect_timeout=2", {std::chrono::milliseconds(500), std::chrono::milliseconds(500)});
  const auto epoch = *store->take_lead("one", 0);
  proxy.go_mute();
  const double took = seconds([&] {
    const auto done = store->commit(epoch, kSite);
    CHECK(code_of(done) == Errc::unavailable);
    CHECK(done.error().message == "database: does not answer");
  });
  CHECK(took >= 0.4);
  CHECK(took < 4);
  // A new connection is not answered either.
  CHECK(seconds([&] { CHECK_FALSE(store->load().ok()); }) < 8);
  proxy.speak_again();
  CHECK(store->load()->sites.empty());
  REQUIRE(store->commit(epoch, kSite).ok());
  CHECK(store->load()->sites.size() == 1);
}

TEST_CASE("postgres: a server that may only be read is one that is away") {
  const std::string url = fresh_database();
  auto store = opened(url);
  const auto epoch = *store->take_lead("one", 0);
  const auto name = ask(url, "SELECT current_database()").at(0);
  ask(url, "ALTER DATABASE " + name + " SET default_transaction_read_only = on");
  ask(url, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
  CHECK(code_of(store->commit(epoch, kSite)) == Errc::unavailable);
  ask(url + " options='-c default_transaction_read_only=off'", "ALTER DATABASE " + name + " RESET default_transaction_read_only");
  CHECK(store->commit(epoch, kSite).ok());
}

TEST_CASE("connection options: time limits are added, and what is given wins over them") {
  CHECK(with_time_limits("postgresql://me@db/dure") ==
        "postgresql://me@db/dure?connect_timeout=5&keepalives=1&keepalives_idle=10&keepalives_interval=5&keepalives_count=3&"
        "tcp_user_timeout=15000");
  CHECK(with_time_limits("postgres://db/dure?tcp_user_timeout=0").ends_with("&tcp_user_timeout=15000&tcp_user_timeout=0"));
  CHECK(with_time_limits("host=db").starts_with("connect_timeout=5 "));
  // What libpq makes of it, seen in a connection.
  const std::string url = fresh_database();
  const auto begun = std::chrono::steady_clock::now();
  CHECK_FALSE(PostgresStore::open("host=192.0.2.1 connect_timeout=2 dbname=dure").ok());
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(4));
  CHECK(ask(with_time_limits(url + " application_name=limited"), "SELECT current_setting('application_name')").at(0) == "limited");
}

TEST_CASE("postgres: history goes by whole pages, and the newest stays so that numbers go on") {
  auto store = opened(fresh_database());
  const auto epoch = *store->take_lead("one", 0);
  const auto event = [](std::uint64_t number, std::int64_t second) {
    return EventRow{number, TimePoint{second * 1'000'000}, "node.ready", Uuid{}, "demo-w1", "it is"};
  };
  std::vector<Change> first, second;
  for (std::uint64_t n = 1; n <= 40; ++n) first.push_back(event(n, 100));
  for (std::uint64_t n = 41; n <= 50; ++n) second.push_back(event(n, 200));
  REQUIRE(store->commit(epoch, first).ok());
  REQUIRE(store->commit(epoch, second).ok());
  CHECK(store->load()->oldest_event == TimePoint{100'000'000});
  REQUIRE(store->commit(epoch, std::vector<Change>{DropEvents{TimePoint{150'000'000}}}).ok());
  CHECK(store->events(0, 100)->front().number == 41);
  CHECK(store->load()->oldest_event == TimePoint{200'000'000});
  REQUIRE(store->commit(epoch, std::vector<Change>{DropEvents{TimePoint{900'000'000}}}).ok());
  CHECK(store->load()->last_event == 50);
}

TEST_CASE("postgres: a history that has grown large goes by and by, the oldest first") {
  auto store = opened(fresh_database());
  const auto epoch = *store->take_lead("one", 0);
  constexpr std::uint64_t kMany = 40'000;  // more than go at once
  for (std::uint64_t n = 1; n <= kMany;) {
    std::vector<Change> some;
    for (std::uint64_t end = n + 10'000; n < end; ++n) {
      some.push_back(EventRow{n, TimePoint{100'000'000}, "node.ready", Uuid{}, "demo-w1", "it is"});
    }
    REQUIRE(store->commit(epoch, some).ok());
  }
  const std::vector<Change> drop{DropEvents{TimePoint{150'000'000}}};
  REQUIRE(store->commit(epoch, drop).ok());
  const auto first = store->events(0, 1)->front().number;
  CHECK(first > kMany / 2);
  CHECK(first < kMany);
  REQUIRE(store->commit(epoch, drop).ok());
  CHECK(store->events(0, 1)->front().number > kMany - 16);
  CHECK(store->load()->last_event == kMany);
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
  ask(url, "UPDATE host_observations SET failure_codes = ARRAY['what', 'hypervisor']");
  const auto model = store->load();
  REQUIRE_FALSE(model.ok());
  CHECK(model.error().code == Errc::corrupt);
  CHECK(model.error().message.find("host_observations") != std::string::npos);
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
