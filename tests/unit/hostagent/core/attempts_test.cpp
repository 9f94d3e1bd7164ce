#include "hostagent/core/attempts.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/host_order_sample.h"

namespace dure::host {
namespace {

using namespace std::chrono_literals;

// One object's op, tried as the loop tries it: a look, a plan, and what may begin begins.
struct Stand {
  Attempts attempts;
  SteadyPoint now{1'000'000'000};
  HostOp op;

  explicit Stand(HostOp one) : op(std::move(one)) {}

  bool plan() {
    attempts.look();
    attempts.looked();
    attempts.plan({op}, now);
    if (!attempts.may_begin(op, now)) return false;
    attempts.begin(op, now);
    return true;
  }
  void fail() { attempts.end(op, ObjectFailure{key_of(op).kind, key_of(op).object, FailureCode::internal, "no"}, now); }
  void succeed() { attempts.end(op, std::nullopt, now); }
  // How long it takes until it may begin again, in steps of a quarter of a second.
  Duration until_it_begins(Duration at_most = 10min) {
    for (Duration waited{}; waited <= at_most; waited += 250ms) {
      if (plan()) return waited;
      now = now + 250ms;
    }
    return Duration::max();
  }
};

// What a hasher is given.
struct Words {
  std::vector<std::int64_t> all;
  void add(const Uuid& id) {
    for (const auto byte : id.bytes) all.push_back(byte);
  }
  template <class Value>
  void add(Value value) {
    all.push_back(static_cast<std::int64_t>(value));
  }
};

std::vector<std::int64_t> words_of(const Stand& stand) {
  Words words;
  stand.attempts.add_to(words);
  return words.all;
}

HostOp start_of_sample() {
  const auto order = sample_order();
  return StartVm{order.vms[0], order.images[0], order.networks[0], order.order};
}

}  // namespace

TEST_CASE("attempts: after each failure twice the pause, up to the most, and a success ends it") {
  Stand stand(ApplyNetwork{sample_order().networks[0]});
  REQUIRE(stand.plan());
  std::vector<Duration> pauses;
  for (int n = 0; n < 9; ++n) {
    stand.fail();
    CHECK(stand.attempts.failures(stand.now).size() == 1);
    pauses.push_back(stand.until_it_begins());
  }
  CHECK(pauses == std::vector<Duration>{500ms, 1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s});
  stand.succeed();
  CHECK(stand.attempts.failures(stand.now).empty());
}

TEST_CASE("attempts: what is under way is not begun twice, and one object's failure is no other's") {
  Stand stand(ApplyNetwork{sample_order().networks[0]});
  REQUIRE(stand.plan());
  CHECK_FALSE(stand.plan());
  auto other = sample_order().networks[0];
  other.id = NetworkId{uuid_number(77)};
  const HostOp neighbour = ApplyNetwork{other};
  stand.attempts.plan({stand.op, neighbour}, stand.now);
  CHECK(stand.attempts.may_begin(neighbour, stand.now));
  stand.fail();
  CHECK(stand.attempts.may_begin(neighbour, stand.now));
}

TEST_CASE("attempts: a new wish is tried at once, and another's changes nothing") {
  Stand stand(ApplyNetwork{sample_order().networks[0]});
  for (int n = 0; n < 6; ++n) {
    REQUIRE(stand.until_it_begins() < 1min);
    stand.fail();
  }
  CHECK_FALSE(stand.plan());
  stand.attempts.forgive({{ObjectKind::network, uuid_number(77)}, {ObjectKind::vm, key_of(stand.op).object}});
  CHECK_FALSE(stand.plan());
  stand.attempts.forgive({key_of(stand.op)});
  CHECK(stand.plan());
}

TEST_CASE("attempts: a retry falls due when its pause is over, and only while it is planned") {
  Stand stand(ApplyNetwork{sample_order().networks[0]});
  REQUIRE(stand.plan());
  stand.fail();
  stand.attempts.look();
  CHECK_FALSE(stand.attempts.retry_due(stand.now));
  CHECK(stand.attempts.next_change(stand.now) == stand.now + 500ms);
  stand.now = stand.now + 500ms;
  CHECK(stand.attempts.retry_due(stand.now));
  CHECK_FALSE(stand.attempts.next_change(stand.now));
  stand.attempts.plan({}, stand.now);
  CHECK_FALSE(stand.attempts.retry_due(stand.now));
  CHECK(stand.attempts.failures(stand.now).empty());
}

TEST_CASE("attempts: of what is under way, or has ended since the look began, that look proves nothing") {
  Stand stand(start_of_sample());
  const auto key = key_of(stand.op);
  REQUIRE(stand.plan());
  CHECK(stand.attempts.in_flight() == std::vector<ObjectRef>{key});
  stand.attempts.look();
  stand.succeed();
  CHECK(stand.attempts.in_flight(key));
  // The look that was made meanwhile may have seen it off: it is not begun once more for that.
  stand.attempts.plan({stand.op}, stand.now);
  CHECK_FALSE(stand.attempts.may_begin(stand.op, stand.now));
  CHECK_FALSE(stand.attempts.retry_due(stand.now));
  stand.attempts.look();
  stand.attempts.looked();
  CHECK(stand.attempts.in_flight().empty());
}

TEST_CASE("attempts: while a look is made the one before is told, which has not seen what ended in between") {
  Stand stand(start_of_sample());
  const auto key = key_of(stand.op);
  REQUIRE(stand.plan());
  stand.succeed();
  stand.attempts.look();
  CHECK(stand.attempts.in_flight(key));
  CHECK(stand.attempts.in_flight() == std::vector<ObjectRef>{key});
  stand.attempts.looked();
  CHECK_FALSE(stand.attempts.in_flight(key));
  CHECK(stand.attempts.in_flight().empty());
}

TEST_CASE("attempts: two that answer alike now and not later are told apart by what they give a hasher") {
  // What has ended since the newest look began, and what did before but was not seen: under way both, begun again only one.
  Stand before(start_of_sample()), since(start_of_sample());
  const auto key = key_of(before.op);
  REQUIRE(before.plan());
  REQUIRE(since.plan());
  CHECK(words_of(before) == words_of(since));
  before.succeed();
  before.attempts.look();
  since.attempts.look();
  since.succeed();
  CHECK(before.attempts.in_flight() == since.attempts.in_flight());
  CHECK(words_of(before) != words_of(since));
  for (auto* stand : {&before, &since}) {
    stand->attempts.looked();
    stand->now = stand->now + 1min;
    stand->attempts.plan({stand->op}, stand->now);
  }
  CHECK(before.attempts.may_begin(before.op, before.now));
  CHECK_FALSE(since.attempts.may_begin(since.op, since.now));
  CHECK_FALSE(before.attempts.in_flight(key));
  CHECK(since.attempts.in_flight(key));
}

TEST_CASE("attempts: a hasher is given what has failed, and no time") {
  Stand early(start_of_sample()), late(start_of_sample()), well(start_of_sample());
  late.now = late.now + 1h;
  for (auto* stand : {&early, &late, &well}) REQUIRE(stand->plan());
  early.fail();
  late.fail();
  well.succeed();
  CHECK(words_of(early) == words_of(late));
  CHECK(words_of(early) != words_of(well));
}

TEST_CASE("attempts: what takes longer than it can is told as stuck until it ends") {
  Stand stand(start_of_sample());
  REQUIRE(stand.plan());
  stand.now = stand.now + 119s;
  CHECK(stand.attempts.failures(stand.now).empty());
  REQUIRE(stand.attempts.next_change(stand.now) == stand.now + 1s);
  stand.now = stand.now + 1s;
  REQUIRE(stand.attempts.failures(stand.now).size() == 1);
  CHECK(stand.attempts.failures(stand.now)[0].code == FailureCode::stuck);
  stand.succeed();
  CHECK(stand.attempts.failures(stand.now).empty());
  // A download lives as long as bytes come.
  Stand fetch(FetchBlob{sample_order().images[0].disk});
  REQUIRE(fetch.plan());
  for (int minute = 0; minute < 60; ++minute) {
    fetch.now = fetch.now + 1min;
    fetch.attempts.progress(key_of(fetch.op), fetch.now);
  }
  CHECK(fetch.attempts.failures(fetch.now).empty());
  fetch.now = fetch.now + 5min;
  CHECK(fetch.attempts.failures(fetch.now).size() == 1);
}

TEST_CASE("attempts: a VM that ends soon after each start is begun ever more rarely, and told as a crash loop") {
  Stand stand(start_of_sample());
  std::vector<Duration> pauses;
  for (int n = 0; n < 13; ++n) {
    pauses.push_back(stand.until_it_begins());
    stand.succeed();
    const auto failures = stand.attempts.failures(stand.now);
    CHECK(failures.empty());
  }
  CHECK(pauses[0] == Duration{});
  CHECK(pauses[1] == 500ms);
  CHECK(pauses[2] == 1s);
  CHECK(pauses[12] == 5min);
  stand.plan();
  const auto failures = stand.attempts.failures(stand.now);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].code == FailureCode::crash_loop);
  CHECK(failures[0].message.find("13 times") != std::string::npos);
  // One that has run for long enough begins anew.
  REQUIRE(stand.until_it_begins() < 10min);
  stand.succeed();
  stand.attempts.look();
  stand.attempts.plan({}, stand.now);
  stand.now = stand.now + 3min;
  CHECK(stand.until_it_begins() == Duration{});
}

TEST_CASE("attempts: what was done and does not last is not done again and again without a pause") {
  Stand stand(ApplyNetwork{sample_order().networks[0]});
  int begun = 0;
  const auto end = stand.now + 10min;
  for (; stand.now < end; stand.now = stand.now + 250ms) {
    if (!stand.plan()) continue;
    ++begun;
    stand.succeed();
  }
  CHECK(begun < 30);
  REQUIRE(stand.until_it_begins() < 1min);
  stand.succeed();
  stand.plan();
  REQUIRE(stand.attempts.failures(stand.now).size() == 1);
  CHECK(stand.attempts.failures(stand.now)[0].message.find("does not last") != std::string::npos);
}

TEST_CASE("attempts: another op for the same object does not pay for the one before") {
  Stand stand(start_of_sample());
  for (int n = 0; n < 8; ++n) {
    REQUIRE(stand.until_it_begins() < 10min);
    stand.succeed();
  }
  stand.op = RemoveVm{sample_order().vms[0].id, 1};
  CHECK(stand.plan());
}

}  // namespace dure::host
