#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <queue>
#include <vector>

#include "controlnode/core/placement/gang.h"
#include "tests/bench/bench_output.h"
#include "tests/bench/place_fleets.h"
#include "tests/bench/place_parts.h"
#include "tests/bench/place_trace.h"

namespace dure::bench {
namespace {

using control::Amounts;
using Clock = std::chrono::steady_clock;
constexpr std::size_t kSampleEvery = 200;

double share(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(whole, 1));
}

// How little a host is liked, as other schedulers have it; the least wins, then the first.
using Score = std::function<double(const Amounts& free, const Amounts& total, const Amounts& wanted)>;

std::vector<std::pair<std::string, Score>> others() {
  const auto allocated = [](const Amounts& free, const Amounts& total, const Amounts& wanted) {
    return share(total[0] - free[0] + wanted[0], total[0]) + share(total[1] - free[1] + wanted[1], total[1]);
  };
  return {
      {"first-fit", [](const Amounts&, const Amounts&, const Amounts&) { return 0.0; }},
      {"best-fit", [](const Amounts& free, const Amounts&, const Amounts& w) { return static_cast<double>(free[1] - w[1]); }},
      {"worst-fit", [](const Amounts& free, const Amounts&, const Amounts& w) { return static_cast<double>(w[1] - free[1]); }},
      {"least-allocated", allocated},
      {"most-allocated", [=](const Amounts& f, const Amounts& t, const Amounts& w) { return -allocated(f, t, w); }},
      {"dot-product", [](const Amounts& f, const Amounts& t, const Amounts& w) {
         return -(share(f[0], t[0]) * share(w[0], t[0]) + share(f[1], t[1]) * share(w[1], t[1]));
       }},
  };
}

// A fleet under one strategy.
class Floor {
 public:
  Floor(const std::vector<control::Candidate>& hosts, Score score) : fleet_(hosts), score_(std::move(score)) {}

  std::optional<control::Rank> place(const Amounts& wanted) {
    if (!score_) {
      control::NodeRequest node;
      node.amount = {wanted[0], wanted[1], wanted[2]};
      control::PlacementPolicy policy;
      policy.strategy = control::Strategy::pack;
      const auto answer = control::place_gang(fleet_, std::span(&node, 1), policy, true);
      if (answer.hosts.empty()) return std::nullopt;
      return answer.hosts.front();
    }
    std::optional<control::Rank> best;
    double least = 0;
    for (control::Rank rank = 0; rank < fleet_.size(); ++rank) {
      if (!fleet_.usable(rank) || !control::covers(fleet_.free(rank), wanted)) continue;
      const double score = score_(fleet_.free(rank), fleet_.total(rank), wanted);
      if (best && score >= least) continue;
      best = rank;
      least = score;
    }
    if (best) fleet_.take(*best, wanted);
    return best;
  }
  void leave(control::Rank rank, const Amounts& amount) { fleet_.give_back(rank, amount); }
  const control::Fleet& fleet() const { return fleet_; }

 private:
  control::Fleet fleet_;
  Score score_;
};

struct Result {
  double refused = 0;     // share of the guests
  double volume = 0;      // share of what they want
  double stranded = 0;    // share of vCPUs and memory, mean over time
  double per_second = 0;  // arrivals
};

// What stays unused when every host is filled up with guests of the mean shape.
double stranded(const control::Fleet& fleet, const Amounts& mean) {
  double sum = 0;
  for (std::size_t d = 0; d < 2; ++d) {
    std::int64_t left = 0, total = 0;
    for (control::Rank rank = 0; rank < fleet.size(); ++rank) {
      const Amounts& free = fleet.free(rank);
      const std::int64_t fit = std::min(free[0] / mean[0], free[1] / mean[1]);
      left += free[d] - fit * mean[d];
      total += fleet.total(rank)[d];
    }
    sum += share(left, total) / 2;
  }
  return sum;
}

Result replay(const Trace& trace, const Score& score) {
  Amounts mean{};
  for (const Guest& guest : trace.guests) {
    for (std::size_t d = 0; d < 2; ++d) mean[d] += control::amounts(guest.amount)[d];
  }
  for (std::size_t d = 0; d < 2; ++d) mean[d] /= static_cast<std::int64_t>(trace.guests.size());
  Floor floor(trace.hosts, score);
  using Leaving = std::tuple<double, std::size_t, control::Rank>;
  std::priority_queue<Leaving, std::vector<Leaving>, std::greater<>> leaving;
  Result result;
  double all = 0, samples = 0;
  double spent = 0;
  for (std::size_t i = 0; i < trace.guests.size(); ++i) {
    const Guest& guest = trace.guests[i];
    while (!leaving.empty() && std::get<0>(leaving.top()) <= guest.from) {
      floor.leave(std::get<2>(leaving.top()), control::amounts(trace.guests[std::get<1>(leaving.top())].amount));
      leaving.pop();
    }
    const Amounts wanted = control::amounts(guest.amount);
    const double volume = share(wanted[0], mean[0]) + share(wanted[1], mean[1]);
    all += volume;
    const auto begun = Clock::now();
    const auto rank = floor.place(wanted);
    spent += std::chrono::duration<double>(Clock::now() - begun).count();
    if (rank) {
      leaving.emplace(guest.until, i, *rank);
    } else {
      result.refused += 1;
      result.volume += volume;
    }
    if (i % kSampleEvery != 0) continue;
    result.stranded += stranded(floor.fleet(), mean);
    ++samples;
  }
  result.refused /= static_cast<double>(trace.guests.size());
  result.volume /= all;
  result.stranded /= samples;
  result.per_second = static_cast<double>(trace.guests.size()) / spent;
  return result;
}

struct Rows {
  Series refused, volume, stranded, per_second;
  void add(const Result& result) {
    refused.add(100 * result.refused);
    volume.add(100 * result.volume);
    stranded.add(100 * result.stranded);
    per_second.add(result.per_second);
  }
};

void print(const std::string& trace, const std::string& strategy, const Rows& rows, const Rows& ours) {
  const auto line = [&](const char* what, const Series& series, const char* unit, const Series& own) {
    const double value = series.median();
    print_metric("place", ("replay-" + trace + "-" + what + "-" + strategy).c_str(), series, unit,
                 strategy == "ours" || value == 0 ? "" : "ours / it", value == 0 ? 0 : own.median() / value);
  };
  line("refused", rows.refused, "%", ours.refused);
  line("refused-volume", rows.volume, "%", ours.volume);
  line("stranded", rows.stranded, "%", ours.stranded);
}

// One trace per round: the same kind of trace from another seed each time.
bool replay_all(const std::string& name, const std::function<Trace(int)>& trace_of, int rounds) {
  Rows ours;
  std::map<std::string, Rows> theirs;
  for (int round = 0; round < rounds; ++round) {
    const Trace trace = trace_of(round);
    for (const auto& [strategy, score] : others()) theirs[strategy].add(replay(trace, score));
    ours.add(replay(trace, nullptr));
  }
  print(name, "ours", ours, ours);
  print_metric("place", ("replay-" + name + "-decisions").c_str(), ours.per_second, "1/s", "", 0);
  bool best = true;
  for (const auto& [strategy, rows] : theirs) {
    print(name, strategy, rows, ours);
    best = best && ours.refused.median() <= rows.refused.median();
    // What others strand can be compared where they do not refuse far more: an empty host strands nothing.
    if (strategy == "best-fit") best = best && ours.stranded.median() <= rows.stranded.median();
  }
  return best;
}

}  // namespace

bool place_replay() {
  constexpr std::uint64_t kSeed = 4;
  const auto lab = [&](std::int64_t overcommit) {
    return replay_all("lab-" + std::to_string(overcommit) + "x",
                      [&](int round) { return lab_trace(kSeed + static_cast<std::uint64_t>(round), 0.9, overcommit); },
                      kRounds);
  };
  bool best = lab(1);
  // With two vCPUs for each core memory alone is what runs out, and a best fit by memory is hard to better.
  best = lab(2) && best;
  const char* path = std::getenv("DURE_BENCH_PACKING_TRACE");
  if (path == nullptr) {
    std::cerr << "place: skipped azure: DURE_BENCH_PACKING_TRACE names no packing trace\n";
    return best;
  }
  return replay_all("azure", [&](int) { return azure_trace(path); }, 1) && best;
}

}  // namespace dure::bench
