#include <chrono>
#include <iostream>
#include <vector>

#include "controlnode/core/placement/gang.h"
#include "tests/bench/bench_output.h"
#include "tests/bench/place_fleets.h"
#include "tests/bench/place_parts.h"
#include "tests/bench/place_peer.h"

namespace dure::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kSeed = 20'260'301;
constexpr std::size_t kDecisions = 400;

double microseconds_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begun).count();
}

std::vector<control::NodeRequest> requests(std::uint64_t seed) {
  Random random(seed);
  std::vector<control::NodeRequest> wanted(kDecisions);
  // The largest finds no room on the smallest fleet: refusals are another question.
  for (auto& node : wanted) {
    do node.amount = any_shape(random);
    while (node.amount.memory_mib > 16'384);
  }
  return wanted;
}

// The time of each decision; the guest is not kept.
std::vector<double> decide(control::Fleet& fleet, const std::vector<control::NodeRequest>& wanted,
                           control::Strategy strategy) {
  control::PlacementPolicy policy;
  policy.strategy = strategy;
  std::vector<double> times;
  for (const auto& node : wanted) {
    const auto begun = Clock::now();
    const auto answer = control::place_gang(fleet, std::span(&node, 1), policy, false);
    times.push_back(microseconds_since(begun));
    if (answer.hosts.empty()) throw std::runtime_error("a fleet with room has none");
  }
  return times;
}

std::vector<double> scan(const RawColumns& columns, const std::vector<control::NodeRequest>& wanted) {
  std::vector<double> times;
  std::size_t found = 0;
  for (const auto& node : wanted) {
    const auto begun = Clock::now();
    found += columns.best_fit(static_cast<std::int32_t>(node.amount.vcpus),
                              static_cast<std::int32_t>(node.amount.memory_mib)) < columns.size();
    times.push_back(microseconds_since(begun));
  }
  if (found == 0) throw std::runtime_error("the raw scan found nothing");
  return times;
}

struct Rows {
  Series p50, p99, pack50, pack99, gang, raw, hail, ratio_raw, ratio_hail;
};

// One gang of three control planes and five workers, as a class asks for them.
double decide_cluster(control::Fleet& fleet) {
  std::vector<control::NodeRequest> wanted(8);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wanted[i].role = i < 3 ? control::Role::control_plane : control::Role::worker;
    wanted[i].amount = {2, 4096, 20};
  }
  const auto begun = Clock::now();
  const auto answer = control::place_gang(fleet, wanted, {}, false);
  const double spent = microseconds_since(begun);
  if (answer.hosts.size() != wanted.size()) throw std::runtime_error("a cluster of eight finds no room");
  return spent;
}

void measure(std::uint32_t hosts, control::Fleet& fleet, const RawColumns& columns, Ganeti& ganeti, Rows& rows) {
  const bool beside_hail = ganeti.has_hail() && hosts <= 1'000;
  for (int round = 0; round < kRounds; ++round) {
    const auto wanted = requests(kSeed + static_cast<std::uint64_t>(round));
    const auto spread = decide(fleet, wanted, control::Strategy::spread);
    const auto raw = scan(columns, wanted);
    const auto pack = decide(fleet, wanted, control::Strategy::pack);
    rows.p50.add(percentile(spread, 0.5));
    rows.p99.add(percentile(spread, 0.99));
    rows.pack50.add(percentile(pack, 0.5));
    rows.pack99.add(percentile(pack, 0.99));
    rows.raw.add(percentile(raw, 0.5));
    rows.ratio_raw.add(rows.raw.values.back() / rows.p50.values.back());
    std::vector<double> gangs;
    for (int i = 0; i < 40; ++i) gangs.push_back(decide_cluster(fleet));
    rows.gang.add(percentile(gangs, 0.5));
    if (!beside_hail) continue;
    if (const auto seconds = ganeti.decide(hosts, {16, 62'000, 800}, {2, 4'096, 20})) {
      rows.hail.add(*seconds * 1e6);
      rows.ratio_hail.add(rows.hail.values.back() / rows.p50.values.back());
    }
  }
}

void print(std::uint32_t hosts, const control::Fleet& fleet, Rows& rows) {
  const std::string at = "-at-" + std::to_string(hosts);
  const auto line = [&](const char* name, const Series& series, const char* peer, double ratio) {
    print_metric("place", (name + at).c_str(), series, "us", peer, ratio);
  };
  line("one-p50", rows.p50, "raw scan", rows.ratio_raw.median());
  line("one-p99", rows.p99, "", 0);
  line("one-pack-p50", rows.pack50, "", 0);
  line("one-pack-p99", rows.pack99, "", 0);
  line("cluster-of-8-p50", rows.gang, "", 0);
  line("raw-scan-p50", rows.raw, "", 0);
  if (!rows.hail.values.empty()) line("hail", rows.hail, "ours (times its p50)", rows.ratio_hail.median());
  Series bytes;
  bytes.add(static_cast<double>(fleet.memory_bytes()) / hosts);
  print_metric("place", ("memory-per-host" + at).c_str(), bytes, "bytes", "", 0);
}

}  // namespace

bool place_one(const std::string& folder) {
  Ganeti ganeti(folder);
  std::cerr << (ganeti.has_hail() ? "place: beside " + ganeti.version()
                                  : "place: skipped beside hail: Debian package ganeti-htools is not installed")
            << '\n';
  double at_1000 = 0, at_50000 = 0, p99 = 0, hail_ratio = 1e9;
  for (const std::uint32_t hosts : {40U, 100U, 500U, 1'000U, 5'000U, 10'000U, 50'000U}) {
    const auto candidates = lab_hosts(hosts, kSeed);
    control::Fleet fleet(candidates);
    const RawColumns columns(candidates);
    Rows rows;
    measure(hosts, fleet, columns, ganeti, rows);
    print(hosts, fleet, rows);
    if (hosts == 1'000) at_1000 = rows.p50.median();
    if (hosts == 1'000) p99 = rows.p99.median();
    if (hosts == 1'000 && !rows.ratio_hail.values.empty()) hail_ratio = rows.ratio_hail.median();
    if (hosts == 50'000) at_50000 = rows.p50.median();
  }
  // Fifty times the hosts cost less than ten times as much.
  return at_50000 < 10 * at_1000 && p99 <= 50 && hail_ratio >= 1'000;
}

}  // namespace dure::bench
