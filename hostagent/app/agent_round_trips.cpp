#include <algorithm>

#include "hostagent/app/agent_loop.h"

namespace dure::host {

// What was measured of a site that is asked for no more says nothing about any order.
void AgentLoop::follow_sites() {
  if (order_->round_trip_targets == round_trip_targets_) return;
  round_trip_targets_ = order_->round_trip_targets;
  std::erase_if(round_trips_, [&](const auto& known) {
    return std::none_of(round_trip_targets_.begin(), round_trip_targets_.end(),
                        [&](const auto& target) { return target.site == known.first; });
  });
  if (parts_.round_trips != nullptr) parts_.round_trips->measure(round_trip_targets_);
}

void AgentLoop::on(RoundTripsMeasured&& event) {
  ++round_;
  for (const auto& one : event.measured) {
    // Of a list that has been replaced since.
    const bool asked = std::any_of(round_trip_targets_.begin(), round_trip_targets_.end(),
                                   [&](const auto& target) { return target.site == one.site; });
    if (asked) round_trips_[one.site] = {one.site, round_, one.sent, one.answered, one.least_us, one.median_us};
  }
}

}  // namespace dure::host
