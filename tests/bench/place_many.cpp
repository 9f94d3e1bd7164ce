#include <chrono>
#include <iostream>
#include <vector>

#include "controlnode/core/placement/gang.h"
#include "tests/bench/bench_output.h"
#include "tests/bench/place_fleets.h"
#include "tests/bench/place_parts.h"

namespace dure::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kHosts = 5'000, kRequests = 50'000;
constexpr double kGoal = 100'000;
constexpr double kSchedulerFloor = 810;  // requests/s that kube-scheduler's own test of this shape demands
// 4 CPUs in thousandths and 32 GiB; 100 thousandths and 500 MiB.
constexpr control::Resources kHost{4'000, 32'768, 100}, kGuest{100, 500, 0};

double ours(control::Strategy strategy) {
  control::Fleet fleet(alike_hosts(kHosts, kHost));
  control::PlacementPolicy policy;
  policy.strategy = strategy;
  control::NodeRequest wanted;
  wanted.amount = kGuest;
  const auto begun = Clock::now();
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    if (control::place_gang(fleet, std::span(&wanted, 1), policy, true).hosts.empty()) {
      throw std::runtime_error("50,000 requests do not fit on 5,000 hosts");
    }
  }
  return kRequests / std::chrono::duration<double>(Clock::now() - begun).count();
}

double raw() {
  RawColumns columns(alike_hosts(kHosts, kHost));
  const auto begun = Clock::now();
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    const std::size_t host = columns.best_fit(100, 500);
    if (host == columns.size()) throw std::runtime_error("the raw scan found no room");
    columns.take(host, 100, 500);
  }
  return kRequests / std::chrono::duration<double>(Clock::now() - begun).count();
}

}  // namespace

bool place_many() {
  Series spread, pack, scan, ratio_spread, ratio_pack;
  for (int round = 0; round < kRounds; ++round) {
    spread.add(ours(control::Strategy::spread));
    scan.add(raw());
    pack.add(ours(control::Strategy::pack));
    ratio_spread.add(spread.values.back() / scan.values.back());
    ratio_pack.add(pack.values.back() / scan.values.back());
  }
  print_metric("place", "many-spread", spread, "1/s", "raw scan", ratio_spread.median());
  print_metric("place", "many-pack", pack, "1/s", "raw scan", ratio_pack.median());
  print_metric("place", "many-raw-scan", scan, "1/s", "", 0);
  std::cerr << "place: " << spread.median() / kSchedulerFloor
            << " times what kube-scheduler's own test of this shape demands (810/s, durable there)\n";
  return spread.median() >= kGoal && pack.median() >= kGoal;
}

}  // namespace dure::bench
