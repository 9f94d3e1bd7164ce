#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlnode/core/placement/types.h"

namespace dure::bench {

// A guest that comes and goes. Time has no unit here.
struct Guest {
  double from = 0, until = 0;
  control::Resources amount;
};

struct Trace {
  std::string name;
  std::vector<Guest> guests;                // by arrival
  std::vector<control::Candidate> hosts;
};

// Arrivals at random moments of lab_shapes() on PCs of four generations: seven of ten guests stay for an
// afternoon, three for ten times as long. `load` is about the share of the memory that is wanted on average.
Trace lab_trace(std::uint64_t seed, double load, std::int64_t overcommit);

// Azure's packing trace in the form of CoSpot's repository (vmId,tenantId,cores,ram,vmTypeId,starttime,endtime), as
// gzipped CSV, on four kinds of hosts that hold a little more than its peak.
Trace azure_trace(const std::string& path);

}  // namespace dure::bench
