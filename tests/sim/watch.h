#pragma once

#include <map>
#include <set>
#include <string>

#include "common/ids.h"
#include "common/time.h"

namespace dure::sim {

class Campus;

// What must hold at every instant of a run, whatever breaks meanwhile. A breach is thrown as std::runtime_error.
class Watch {
 public:
  explicit Watch(const Campus& campus) : campus_(campus) {}

  // Every step would be thorough and slow; every fourth catches what lasts longer than that.
  void step();
  void check();

  // The cluster may go from now on: a user has asked for it.
  void may_go(const ClusterId& cluster) { asked_to_go_.insert(cluster); }
  // Words and orders may be held up from now on, or were until now.
  void trouble();

 private:
  void claims_fit() const;
  void identities_run_once() const;
  void every_vm_is_accounted_for() const;
  void nobody_spins() const;
  void filters_stand() const;
  void ready_was_reported() const;
  void addresses_are_unique() const;
  void what_is_shown_is_fresh();
  void who_is_off_does_not_run();
  void leases_last();
  void lost_hosts_are_not_heard();
  void who_owes_gets_nothing();
  void what_is_gone_is_not_owed();
  void dead_ends_are_none();
  void epochs_are_ours() const;

  const Campus& campus_;
  std::uint64_t steps_ = 0;
  std::set<ClusterId> asked_to_go_;
  std::map<ClusterId, TimePoint> ends_;      // of leases, as they were stored last
  std::map<HostId, TimePoint> lost_since_;
  std::map<NodeId, TimePoint> on_since_;     // is to be off, and runs
  std::map<NodeId, TimePoint> green_since_;  // is shown as ready, and is not
  std::set<HostId> owing_;
  std::set<NodeId> nodes_;
  std::set<std::pair<HostId, Uuid>> owed_;
  TimePoint trouble_{};
};

}  // namespace dure::sim
