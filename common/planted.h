#pragma once

#include <array>
#include <cstdint>
#include <string_view>

// Faults that a build for tests can be told to have, one at a time, so that what is to find such a fault is seen to find
// it. In every other build they are not there: planted() is false and known to be so when it is compiled.
namespace dure {

enum class Bug : std::uint8_t {
  none,
  past_wake,           // the agent asks to be called at an instant that has passed
  in_flight_untold,    // its report does not say what is under way
  paused_stays,        // a paused VM is left alone
  filter_opens,        // the packet filter goes although VMs are there
  generation_ignored,  // an older VM is taken for the one that is ordered
  removal_by_applied,  // a removal counts only when everything else is done as well
  nothing_owed,        // removals are waited for without an end
  debts_forgotten,     // the PC that takes a host's place is not told what that had to remove
  owing_is_usable,     // a host that owes removals is given new nodes
  lost_is_admitted,    // the key of a host that was given up is still admitted
  fence_believed,      // what a host says of a fence counts without a signature
  dates_followed,      // a date that was set is followed at once
  lapse_deletes,       // the end of a lease deletes its cluster at once
  boots_ignored,       // what a guest said of an earlier boot goes on counting
  off_not_ordered,     // the order does not say that a VM is to be off
  addresses_at_once,   // the address of a node that its cluster has not let go is given to another
  not_departing,       // a cluster is not told to let go a node that went undrained
  keys_forgotten,      // the answer to a request is not kept with its idempotency key
};

// In the order of the enumerators, as they are given to test programs.
inline constexpr std::array<std::string_view, 19> kBugNames{
    "none",           "past-wake",        "in-flight-untold", "paused-stays",      "filter-opens",  "generation-ignored", "removal-by-applied",
    "nothing-owed",   "debts-forgotten",  "owing-is-usable",  "lost-is-admitted",  "fence-believed", "dates-followed",    "lapse-deletes",
    "boots-ignored",  "off-not-ordered",  "addresses-at-once", "not-departing",    "keys-forgotten"};

#ifdef DURE_PLANTED
// Defined by the test program that plants, and set by it before anything runs that asks; the others have none.
[[gnu::weak]] extern Bug planted_bug;
inline bool planted(Bug bug) { return &planted_bug != nullptr && planted_bug == bug; }
#else
constexpr bool planted(Bug) { return false; }
#endif

}  // namespace dure
