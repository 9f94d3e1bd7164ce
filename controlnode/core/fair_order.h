#pragma once

#include <map>
#include <span>
#include <vector>

#include "controlnode/core/deciding.h"

namespace dure::control {

// In which order the requests for nodes of one batch are decided: always the next of the project that
// holds the least, by dominant resource fairness (Ghodsi et al., NSDI 2011): what counts is the largest
// fraction that a project holds of the fleet's vCPUs, memory or disk. Requests of one project keep their
// order; projects that hold alike take turns by arrival. Everything else keeps its place, and requests
// for nodes do not pass another kind of request.
class FairOrder {
 public:
  explicit FairOrder(std::span<const Event> events) : events_(events) {}

  // What to decide in the place of the event with this number; called for each, in turn.
  const Event& at(const Deciding& deciding, std::size_t number);

 private:
  void gather(const Deciding& deciding, std::size_t first);

  std::span<const Event> events_;
  std::map<ProjectId, std::vector<std::size_t>> waiting_;  // newest first
};

// The largest fraction of the fleet that is held, in 1/2^20.
std::int64_t dominant_share(const Resources& held, const Amounts& fleet);

}  // namespace dure::control
