#include <algorithm>
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
constexpr control::Resources kHost{16, 32'768, 1'000}, kGuest{2, 2'048, 20};
constexpr std::int64_t kOvercommit = 4;  // hspace's default ratio of virtual to real CPUs
constexpr int kLimitSeconds = 120;

// As hspace sees its hosts: memory and disk less what it keeps of each, CPUs times the ratio.
control::Resources usable(control::Resources host) {
  return {host.vcpus * kOvercommit, host.memory_mib - kGanetiKeeps, host.disk_gib - 1};
}

// Guests of one size on hosts of any size: no placement holds more than the sum of what each holds alone.
std::uint64_t bound(const std::vector<control::Candidate>& hosts, control::Resources guest) {
  std::int64_t sum = 0;
  for (const auto& host : hosts) {
    sum += std::min({host.free.vcpus / guest.vcpus, host.free.memory_mib / guest.memory_mib,
                     host.free.disk_gib / guest.disk_gib});
  }
  return static_cast<std::uint64_t>(sum);
}

struct Filled {
  double seconds = 0;
  std::uint64_t placed = 0;
};

Filled fill(const std::vector<control::Candidate>& hosts, control::Strategy strategy) {
  const auto begun = Clock::now();
  control::Fleet fleet(hosts);
  control::PlacementPolicy policy;
  policy.strategy = strategy;
  control::NodeRequest wanted;
  wanted.amount = kGuest;
  Filled filled;
  while (!control::place_gang(fleet, std::span(&wanted, 1), policy, true).hosts.empty()) ++filled.placed;
  filled.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  return filled;
}

}  // namespace

bool place_fill(const std::string& folder) {
  Ganeti ganeti(folder);
  if (!ganeti.has_hspace()) {
    std::cerr << "place: skipped beside hspace: Debian package ganeti-htools is not installed\n";
  }
  bool held = true;
  for (const std::uint32_t count : {40U, 100U, 200U}) {
    const auto hosts = alike_hosts(count, usable(kHost));
    Series seconds, placed, peer_seconds, ratio;
    std::uint64_t peer_placed = 0;
    for (int round = 0; round < kRounds; ++round) {
      const Filled ours = fill(hosts, round % 2 == 0 ? control::Strategy::pack : control::Strategy::spread);
      seconds.add(ours.seconds);
      placed.add(static_cast<double>(ours.placed));
      if (!ganeti.has_hspace() || count > 100) continue;  // 200 hosts take it minutes
      if (const auto theirs = ganeti.fill(count, kHost, kGuest, kLimitSeconds)) {
        peer_seconds.add(theirs->seconds);
        peer_placed = theirs->placed;
        ratio.add(theirs->seconds / ours.seconds);
      }
    }
    const std::string at = "-at-" + std::to_string(count);
    const std::uint64_t most = bound(hosts, kGuest);
    print_metric("place", ("fill-guests" + at).c_str(), placed, "guests", "exact bound",
                 placed.median() / static_cast<double>(most));
    held = held && placed.min() == static_cast<double>(most);
    if (ratio.values.empty()) {
      print_metric("place", ("fill-time" + at).c_str(), seconds, "s", "", 0);
      continue;
    }
    print_metric("place", ("fill-time" + at).c_str(), seconds, "s", "hspace (its time / ours)", ratio.median());
    print_metric("place", ("fill-hspace-time" + at).c_str(), peer_seconds, "s", "", 0);
    std::cerr << "place: " << count << " hosts: " << placed.median() << " guests, hspace " << peer_placed << '\n';
    held = held && ratio.median() >= 100 && placed.min() >= static_cast<double>(peer_placed);
  }
  return held;
}

}  // namespace dure::bench
