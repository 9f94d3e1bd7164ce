#pragma once

#include <vector>

#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

// What came of one measurement of one site, over all targets there.
struct MeasuredRoundTrip {
  SiteId site;
  std::uint32_t sent = 0, answered = 0;       // at most kMaxEchoes
  std::uint32_t least_us = 0, median_us = 0;  // 0 without an answer
  friend bool operator==(const MeasuredRoundTrip&, const MeasuredRoundTrip&) = default;
};

class RoundTripListener {
 public:
  virtual ~RoundTripListener() = default;
  // One measurement: each site of the targets once, sorted. From any thread.
  virtual void on_round_trips(std::vector<MeasuredRoundTrip> measured) = 0;
};

// Measures how far other sites are, by asking hosts there. Nobody is asked at first.
class RoundTrips {
 public:
  virtual ~RoundTrips() = default;
  // Replaces the list (at most kMaxRoundTripTargets). A new one is measured soon, and every list again
  // and again; the listener is told each time. Who does not answer is not an error. Never blocks.
  virtual void measure(std::vector<RoundTripTarget> targets) = 0;
};

}  // namespace dure::host
