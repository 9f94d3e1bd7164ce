#pragma once

#include <map>
#include <set>
#include <string>

#include "tests/sim/campus.h"

namespace dure::sim {

// The operator, once nothing breaks any more: gives up PCs that are gone, and asks for what failed again. A cluster is
// deleted only where nothing else can help: a member of its control plane is lost, or there is no room.
class Healing {
 public:
  explicit Healing(Campus& campus) : campus_(campus) {}

  // True: all is as it should be, within this time.
  bool run(Duration at_most);
  // What is not, for people.
  std::string unfinished() const;

 private:
  void give_up_the_dead();
  void set_up_anew(SimHost& host);
  void ask_for_what_is_wrong();
  void repair(const control::Cluster& cluster);
  void remove(const control::Cluster& cluster);
  bool hopeless(const control::Cluster& cluster) const;
  std::string left_paused() const;

  Campus& campus_;
  std::map<ClusterId, int> asked_;
  std::set<ClusterId> no_room_;
  std::set<NodeId> started_;
  std::string in_vain_;
};

}  // namespace dure::sim
