#pragma once

#include <optional>
#include <set>
#include <span>
#include <vector>

#include "controlnode/core/change.h"
#include "controlnode/core/placement.h"

namespace dure::control {

// The hosts as placement sees them, and the fleet that finds places on them, in step with the model:
// equal to candidates() of the model at any time, at the cost of what has changed.
class HostView {
 public:
  // What is true of the model at this instant.
  void bring_up(const Model& model, const Now& now);

  // After bring_up, until the next change.
  std::span<const Candidate> hosts() const { return hosts_; }
  Fleet& fleet() { return fleet_; }
  // No other host is other than it was when the newest decision was recorded; null: any may be.
  const std::set<HostId>* changed() const { return changed_ ? &*changed_ : nullptr; }

  // Told of every change before it is applied to the model and after.
  template <class Row>
  void before(const Model&, const Row&) {}
  template <class Row>
  void after(const Model&, const Row&) {}
  void before(const Model& model, const Claim& row) { release(model, row.node); }
  void before(const Model& model, const DropClaim& drop) { release(model, drop.node); }
  void after(const Model& model, const Claim& row);
  void before(const Model& model, const Host& row);
  void before(const Model& model, const DropHost& drop);
  void after(const Model&, const PutOrder& put);
  void after(const Model&, const PutObservation& put) { seen(put.observation.host); }
  void after(const Model&, const PutRemovals& put) { seen(put.host); }
  void after(const Model&, const PutPlacementRecord&) { changed_.emplace(); }
  // What is known of the host has changed without a change of a row: it has been heard of.
  void seen(const HostId& host) { stale_.insert(host); }

 private:
  void release(const Model& model, const NodeId& node);
  void rebuild(const Model& model);
  void refresh(const Model& model, const HostId& host);
  void hold(const HostId& host, const Resources& amount, int nodes);
  void has_changed(const HostId& host);

  bool built_ = false;
  Now now_{};
  std::size_t sizes_ = 0;          // of hosts, in the fleet when it was made
  std::vector<Candidate> hosts_;   // sorted by id: a rank of the fleet is a place here
  Fleet fleet_;
  std::set<HostId> stale_;         // heard of, or more or less crowded
  std::optional<std::set<HostId>> changed_;
};

}  // namespace dure::control
