#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/ip.h"
#include "tests/sim/world.h"

namespace dure::sim {

// The Kubernetes clusters that simulated guests make up: their Node objects and the members of their etcd, which outlive
// every one guest. By the name of the cluster: no run gives a name twice.
class SimKubernetes {
 public:
  explicit SimKubernetes(World& world) : world_(world) {}

  static std::string cluster_of(const std::string& node);  // "demo-w2": "demo"

  // The node begins a cluster. One that has begun already and is not at its end is torn apart by that (`broken`).
  void init(const std::string& node, Ipv4 address);
  // False: there is no API server that answers just now.
  bool join(const std::string& node, Ipv4 address, bool control_plane);
  // Its kubelet, and on a member its etcd, are there now.
  void lives(const std::string& node);
  // The API server answers: a majority of etcd is there.
  bool answers(const std::string& cluster) const;
  // Drained and taken out, if it was there.
  void take_out(const std::string& node);
  bool has(const std::string& node) const;
  // Those of these members whom the cluster calls NotReady, or does not know.
  std::vector<std::string> not_ready(const std::string& cluster, const std::vector<std::string>& members) const;
  std::set<std::string> nodes(const std::string& cluster) const;

  // What no cluster may come to. Empty: nothing.
  const std::string& broken() const { return broken_; }

 private:
  struct Object {
    Ipv4 address;
    TimePoint heard;
  };
  struct Cluster {
    std::map<std::string, Object> nodes;
    std::map<std::string, TimePoint> etcd;  // when each member was there last
  };

  void add(Cluster& cluster, const std::string& node, Ipv4 address);

  World& world_;
  std::map<std::string, Cluster> clusters_;
  std::string broken_;
};

}  // namespace dure::sim
