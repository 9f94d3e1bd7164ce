#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/sim/seeds.h"

namespace dure::sim {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace

// DURE_SIM_SEEDS: how many seeds are tried; DURE_SIM_SEED: only this one.
TEST_CASE("storm: faults of every kind, then peace: everything is as the rows say") {
  const auto only = number_from("DURE_SIM_SEED", 0);
  const auto count = number_from("DURE_SIM_SEEDS", 200);
  const auto failures = only != 0 ? failing_seeds(only, 1, 1) : failing_seeds(1, count, 5);
  for (const auto& [seed, failure] : failures) FAIL_CHECK("DURE_SIM_SEED=" << seed << ": " << failure);
  CHECK(failures.empty());
}

TEST_CASE("storm: the same seed gives the same trace") {
  const auto first = run_storm(11, std::chrono::minutes(2));
  const auto again = run_storm(11, std::chrono::minutes(2));
  CHECK(first.failure == again.failure);
  CHECK(first.trace == again.trace);
  CHECK(first.notes == again.notes);
  CHECK(first.trace != run_storm(12, std::chrono::minutes(2)).trace);
  CHECK(first.notes > 500);
}

}  // namespace dure::sim
