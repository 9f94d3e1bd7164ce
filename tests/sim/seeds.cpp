#include "tests/sim/seeds.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>
#include <thread>

#include "tests/sim/campus.h"
#include "tests/sim/faults.h"
#include "tests/sim/healing.h"
#include "tests/sim/workload.h"

namespace dure::sim {
namespace {

constexpr Duration kHeals = std::chrono::minutes(90);

std::string rage_and_heal(Campus& campus, Duration storm) {
  Faults faults(campus);
  Workload workload(campus);
  Healing healing(campus);
  auto& world = campus.world();
  const auto end = world.now() + storm;
  while (world.now() < end) {
    campus.run_for(world.between(std::chrono::milliseconds(200), std::chrono::seconds(8)));
    workload.step();
    faults.step();
  }
  faults.end();
  campus.run_for(std::chrono::seconds(5));
  workload.ask_again();
  campus.run_for(std::chrono::seconds(5));
  if (!healing.run(kHeals)) return "not healed:" + healing.unfinished();
  return workload.lost_answers();
}

// The story of a run that failed, for who looks into it.
void tell_events(Campus& campus) {
  if (std::getenv("DURE_SIM_EVENTS") == nullptr) return;
  const auto events = campus.control().store().events(0, 100'000);
  if (!events) return;
  for (const auto& event : *events) std::cout << to_rfc3339(event.at) << " " << event.kind << " " << event.message << "\n";
}

}  // namespace

Run run_storm(std::uint64_t seed, Duration storm) {
  Run run;
  try {
    Campus campus(seed, {});
    try {
      run.failure = rage_and_heal(campus, storm);
    } catch (const std::exception& breach) {
      run.failure = std::string(breach.what()) + " (after " + std::to_string((campus.world().now().us - 1'700'000'000'000'000) / 1'000'000) + " s)";
    }
    if (!run.failure.empty()) tell_events(campus);
    run.trace = campus.world().trace_hash();
    run.notes = campus.world().notes();
  } catch (const std::exception& fault) {
    run.failure = fault.what();
  }
  return run;
}

Failures failing_seeds(std::uint64_t first, std::uint64_t count, std::size_t enough) {
  Failures failures;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{first};
  std::atomic<bool> done{false};
  const auto work = [&] {
    while (!done) {
      const auto seed = next++;
      if (seed >= first + count) return;
      auto run = run_storm(seed, kStorm);
      if (run.failure.empty()) continue;
      const std::lock_guard lock(mutex);
      failures.emplace_back(seed, std::move(run.failure));
      done = failures.size() >= enough;
    }
  };
  std::vector<std::thread> threads;
  const auto workers = std::min<std::uint64_t>(std::max(1U, std::thread::hardware_concurrency()), count);
  for (std::uint64_t i = 0; i < workers; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  std::sort(failures.begin(), failures.end());
  return failures;
}

}  // namespace dure::sim
