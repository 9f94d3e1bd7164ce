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
