#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "tests/sim/campus.h"

namespace dure::sim {

// Everything that can break. Each run breaks in a few ways only, chosen by its seed, so that some are seen alone, and what
// one fault does is not always hidden behind another.
class Faults {
 public:
  explicit Faults(Campus& campus);

  // Perhaps something breaks, or works again.
  void step();
  // Nothing is broken any more but PCs that are dead for ever.
  void end();

 private:
  using Break = void (Faults::*)();
  struct Kind {
    Break how;
    unsigned percent;     // of the steps in which it happens
    bool delays_words;    // what is told may come late, or not at all
  };
  static const std::vector<Kind>& kinds();

  SimHost* some_host();   // one that lives; null: none
  NodeId some_vm(SimHost& host);
  void later(Duration at_most, std::function<void()> what);

  void weather();
  void cut_one_way();
  void cut_site();
  void commit_fails();
  void database_away();
  void kill_control();
  void reboot_control();
  void set_control_date();
  void set_host_date();
  void kill_agent();
  void switch_off();
  void die();
  void hang();
  void call_fails();
  void call_always_fails();
  void disk_fills();
  void crash_vm();
  void pause_vm();
  void lie();
  void reboot_guest();
  void mute_guest();
  void guest_powers_off();
  void kubelet_dies();

  Campus& campus_;
  std::vector<Kind> chosen_;
  std::size_t dead_ = 0;
  std::uint64_t round_ = 0;  // what was to be mended later is mended by end()
};

}  // namespace dure::sim
