#pragma once

#include <optional>

#include "controlnode/core/change.h"
#include "controlnode/core/model_index.h"
#include "controlnode/core/now.h"

namespace dure::control {

// What a tick looks for, and so what it is due for.
inline constexpr Duration kIdempotencyKept{std::int64_t{24} * 3600 * 1'000'000};
// The node has a deadline that means something in its state.
bool waits(const Node& node);
// The node becomes unknown when its host is silent.
bool watched(const Node& node);
// A key of an operation that still runs is kept: its client may well ask again.
bool expires(const Model& model, const IdempotencyRecord& record);

// The next instant at which a tick will find something to do. Looked up over all rows by look(), and from then on in step
// with what changes, at the cost of that: it is never later than it would be if it were looked up anew, and may be
// earlier, as what is no longer waited for stays counted until the next look.
class NextWake {
 public:
  void look(const Model& model, const ModelIndex& index, const Now& now);
  // None while nothing is under way. Precondition: look() was called.
  std::optional<SteadyPoint> at() const { return at_; }

  // Told of every change after it is applied to the model.
  template <class Row>
  void after(const Model&, const Row&) {}
  void after(const Model& model, const Node& row);
  void after(const Model& model, const Cluster& row);
  void after(const Model& model, const PutRemovals& row);
  void after(const Model& model, const PutObservation& row);
  void after(const Model&, const ClusterAccess& row) { due(row.expires_at); }
  void after(const Model&, const IdempotencyRecord& row) { due(row.made_at + kIdempotencyKept); }

 private:
  void due(SteadyPoint when);
  void due(TimePoint date);

  Now now_{};        // of the look
  std::optional<SteadyPoint> at_;
};

}  // namespace dure::control
