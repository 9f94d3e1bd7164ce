#include "hostagent/core/guest_words.h"

#include <doctest/doctest.h>

#include "hostagent/core/agent_report.h"
#include "tests/support/host_order_sample.h"

namespace dure::host {
namespace {

using namespace std::chrono_literals;

}  // namespace

TEST_CASE("guest words: silence is told in steps, and the next one is known") {
  CHECK(silence_step(0s) == 0);
  CHECK(silence_step(29s) == 0);
  CHECK(silence_step(30s) == 30);
  CHECK(silence_step(59s) == 30);
  CHECK(silence_step(61s) == 60);
  CHECK(silence_step(48h) == 86400);
  const SteadyPoint now{1'000'000'000};
  GuestBook guests;
  CHECK_FALSE(next_silence(guests, now));
  guests[NodeId{uuid_number(1)}] = {std::nullopt, now - 100s};
  guests[NodeId{uuid_number(2)}] = {std::nullopt, now - 10s};
  CHECK(next_silence(guests, now) == now + 20s);
  guests.erase(NodeId{uuid_number(2)});
  CHECK(next_silence(guests, now) == now + 20s);
  guests[NodeId{uuid_number(1)}].silent_since = now - 48h;
  CHECK_FALSE(next_silence(guests, now));
}

TEST_CASE("guest words: a guest may change what it says as a boot does, and then every few seconds, but it is heard all the while") {
  GuestWords words;
  SteadyPoint now{1'000'000'000'000};
  std::uint64_t taken = 0;
  for (std::uint64_t i = 0; i < 1000; ++i, now = now + 100ms) {
    GuestStatus status;
    status.boot = uuid_number(static_cast<std::uint8_t>(i % 2));
    status.stages = {{"booted", i}};
    hear(words, status, now);
    taken += words.status == status ? 1 : 0;
    CHECK(words.silent_since == now);
  }
  CHECK(taken >= kChangesAtOnce);
  CHECK(taken <= kChangesAtOnce + 100 / 5 + 1);
  // What it goes on saying is taken in the end.
  GuestStatus last;
  last.boot = uuid_number(9);
  for (int i = 0; i < 2; ++i, now = now + 5s) hear(words, last, now);
  CHECK(words.status == last);
}

TEST_CASE("agent report: a guest that speaks every few seconds changes nothing, one that falls silent does") {
  const auto order = sample_order();
  const auto observed = all_in_place(order);
  const SteadyPoint now{1'000'000'000};
  GuestStatus status;
  status.boot = uuid_number(3);
  status.stages = {{"ready", 5}};
  GuestBook guests{{order.vms[0].id, {status, now}}};
  const auto told = [&](Duration later) {
    HostReport report;
    add_observed(report, observed, &order, guests, {}, now + later);
    return report;
  };
  CHECK(told(0s).vms.at(0).boot == uuid_number(3));
  CHECK(told(0s).vms.at(0).silent_s == 0);
  CHECK(same_news(told(0s), told(29s)));
  CHECK_FALSE(same_news(told(0s), told(30s)));
  CHECK(told(95s).vms.at(0).silent_s == 90);
  auto later = told(0s);
  later.sequence = 9;
  later.clock.us = 77;
  CHECK(same_news(told(0s), later));
}

TEST_CASE("agent report: what a guest said of its cluster is told while it speaks, and no longer") {
  const auto order = sample_order();
  const auto observed = all_in_place(order);
  const SteadyPoint now{1'000'000'000};
  GuestStatus status;
  status.boot = uuid_number(3);
  status.stages = {{"ready", 5}};
  status.departed = {"demo-w1"};
  status.not_ready = {"demo-w2"};
  status.judges = true;
  status.access = 7;
  GuestBook guests{{order.vms[0].id, {status, now}}};
  const auto told = [&](Duration later) {
    HostReport report;
    add_observed(report, observed, &order, guests, {}, now + later);
    return report.vms.at(0);
  };
  const auto of_its_cluster = [](const VmReport& vm) {
    return vm.judges || vm.access != 0 || !vm.not_ready.empty() || !vm.departed.empty();
  };
  const auto speaks = told(kSilentAfter - 1s);
  CHECK(speaks.judges);
  CHECK(speaks.access == 7);
  CHECK(speaks.not_ready == status.not_ready);
  CHECK(speaks.departed == status.departed);
  for (const auto silent : {Duration(kSilentAfter), Duration(24h)}) {
    CHECK_FALSE(of_its_cluster(told(silent)));
    CHECK(told(silent).stages == status.stages);
    CHECK(told(silent).boot == status.boot);
  }
  CHECK(next_silence(guests, now + 1s) == now + kSilentAfter);
  // Its next word counts again.
  hear(guests.begin()->second, status, now + 24h);
  CHECK(of_its_cluster(told(24h)));
}

TEST_CASE("agent report: a guest that was never heard is silent since somebody listens") {
  const auto order = sample_order();
  const SteadyPoint now{1'000'000'000};
  HostReport report;
  add_observed(report, all_in_place(order), &order, {{order.vms[0].id, {std::nullopt, now - 70s}}}, {}, now);
  REQUIRE(report.vms.size() == 1);
  CHECK(report.vms[0].silent_s == 60);
  CHECK(report.vms[0].boot == Uuid{});
  CHECK(report.vms[0].stages.empty());
}

}  // namespace dure::host
