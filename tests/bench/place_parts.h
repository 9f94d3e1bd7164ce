#pragma once

#include <string>

// The parts of the benchmark `place`; each prints its metrics and says whether its goals are held.
namespace dure::bench {

inline constexpr int kRounds = 5;

// One decision on fleets of many sizes, beside a raw scan of the same fleet and Ganeti's hail.
bool place_one(const std::string& folder);

// Guests of one size until nothing fits, beside Ganeti's hspace and the exact bound.
bool place_fill(const std::string& folder);

// 50,000 small requests on 5,000 hosts, beside a raw scan.
bool place_many();

// Clusters of one, 8 and 64 nodes on 5,000 hosts, decided and committed in batches, beside the insertion
// of as many claims alone. Needs the database that DURE_TEST_PG names.
bool place_durable();

// What a refusal of 64 nodes costs the deciding thread on 5,000 hosts, with all that it tries.
bool place_refuse();

// Arrivals and departures on a heterogeneous fleet, beside other strategies.
bool place_replay();

}  // namespace dure::bench
