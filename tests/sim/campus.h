#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/network.h"
#include "tests/sim/sim_control.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_kubernetes.h"
#include "tests/sim/watch.h"
#include "tests/sim/world.h"

namespace dure::sim {

struct CampusShape {
  std::uint32_t hosts = 6, sites = 2;
  std::uint32_t round_trip_us = 2000;  // between any two hosts
};

// A whole installation in one process: the real loops of control node and agents over fakes with
// behaviour, on simulated time. What must hold at every instant is looked at after every few steps, and a breach thrown.
class Campus {
 public:
  Campus(std::uint64_t seed, CampusShape shape);

  World& world() { return world_; }
  Network& network() { return network_; }
  SimControl& control() { return control_; }
  SimKubernetes& kubernetes() { return kubernetes_; }
  Watch& watch() { return watch_; }
  std::vector<std::unique_ptr<SimHost>>& hosts() { return hosts_; }
  const std::vector<std::unique_ptr<SimHost>>& hosts() const { return hosts_; }
  const control::Model& stored() const { return control_.store().stored(); }
  const SimControl& control() const { return control_; }
  const Network& network() const { return network_; }
  const SimKubernetes& kubernetes() const { return kubernetes_; }
  const World& world() const { return world_; }
  SimHost* find(const HostId& id);
  // A key that no host has had.
  std::string fresh_key();

  void run_for(Duration time);
  // Fails (throws) when a request is refused.
  void submit(control::Request request);
  // The answer arrives later, or never when the control node dies.
  void submit(control::Request request, std::function<void(Result<control::Reply>)> done);

  // Nothing is left to do: every operation has ended, every host is as its rows say.
  bool converged() const;
  // I9: what exists on hosts is exactly what the rows say, and what Kubernetes clusters know as well. Empty: equal.
  std::string difference() const;

 private:
  World world_;
  Network network_;
  SimKubernetes kubernetes_;
  SystemId system_;
  wire::SigningKey key_;
  wire::VerifyingKey public_key_;
  SimControl control_;
  std::vector<std::unique_ptr<SimHost>> hosts_;
  Watch watch_;
  std::uint32_t keys_ = 0;
};

}  // namespace dure::sim
