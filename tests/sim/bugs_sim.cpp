#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <iostream>

#include "common/planted.h"
#include "tests/sim/seeds.h"

#ifndef DURE_PLANTED
#error "the faults to be found are in builds for tests only"
#endif

namespace dure {

Bug planted_bug = Bug::none;

namespace sim {
namespace {

// Where a fault is looked for first. Whatever else changes may move it to another seed: the next ones are tried as well.
struct Known {
  Bug bug;
  std::uint64_t seed;
};
constexpr Known kKnown[] = {
    {Bug::past_wake, 1}, {Bug::in_flight_untold, 13}, {Bug::paused_stays, 1}, {Bug::filter_opens, 8},
    {Bug::generation_ignored, 17}, {Bug::removal_by_applied, 11}, {Bug::nothing_owed, 3}, {Bug::debts_forgotten, 5},
    {Bug::owing_is_usable, 27}, {Bug::lost_is_admitted, 8}, {Bug::fence_believed, 1}, {Bug::dates_followed, 5},
    {Bug::lapse_deletes, 1}, {Bug::boots_ignored, 1}, {Bug::off_not_ordered, 1}, {Bug::addresses_at_once, 46},
    {Bug::not_departing, 1}, {Bug::keys_forgotten, 8}};
constexpr std::uint64_t kFurtherSeeds = 200;

}  // namespace

// DURE_SIM_BUG: only this one.
TEST_CASE("bugs: each planted fault of the product is found") {
  CHECK(std::size(kKnown) + 1 == kBugNames.size());
  const char* only = std::getenv("DURE_SIM_BUG");
  bool any = false;
  for (const auto& [bug, seed] : kKnown) {
    const std::string name(kBugNames.at(static_cast<std::size_t>(bug)));
    if (only != nullptr && name != only) continue;
    any = true;
    planted_bug = bug;
    auto found = failing_seeds(seed, 1, 1);
    if (found.empty()) found = failing_seeds(seed + 1, kFurtherSeeds, 1);
    planted_bug = Bug::none;
    if (found.empty()) {
      FAIL_CHECK(name << " is not found from seed " << seed << " on");
    } else {
      std::cout << name << ": seed " << found.front().first << ": " << found.front().second << "\n" << std::flush;
    }
  }
  CHECK_MESSAGE(any, "DURE_SIM_BUG names none of them: " << (only == nullptr ? "" : only));
}

}  // namespace sim
}  // namespace dure
