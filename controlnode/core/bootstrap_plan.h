#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/ip.h"
#include "controlnode/core/model.h"

namespace dure::control {

// How a node comes into its Kubernetes cluster: the first control-plane member starts it, the others
// join. All of them may boot at once, in any order: who joins retries until there is something to join.
enum class BootstrapRole : std::uint8_t { init, control_plane, worker };
std::string_view to_string(BootstrapRole role);

struct PodRoute {
  Ipv4Prefix pods;
  Ipv4 via;      // the node that has them
  friend bool operator==(const PodRoute&, const PodRoute&) = default;
};

// All that a node's documents say, apart from keys and certificates. A function of the model: equal
// states give equal documents.
struct BootstrapPlan {
  std::string cluster_name, node_name;
  BootstrapRole role = BootstrapRole::worker;
  std::string version;                  // "v1.32.13"
  Cni cni = Cni::native;
  Ipv4 address;                         // of this node
  std::string api_name;                 // of the API server, in every member's hosts file
  std::vector<Ipv4> control_planes;     // this node first if it is one, then by address
  std::vector<HostsEntry> hosts;        // all members, by address; without the API's name
  Ipv4Prefix pod_network, own_pods, services;
  Ipv4 dns;                             // the cluster's name service: tenth address of `services`
  std::vector<PodRoute> routes;         // to the other members' pods, by prefix
  std::uint16_t mtu = 0;
  std::vector<std::pair<std::string, std::string>> labels;  // of the Node object, sorted
  bool scavenged = false;               // its host may go at any time
  bool joined = false;                  // needs no credential any more
  std::vector<std::string> departing;   // nodes to be drained and taken out; only for control-plane members
  std::vector<std::string> admins;      // users that may do everything; only for control-plane members
  double patience = 1.0;                // factor on every timeout: slow machines are slow, not failed
  friend bool operator==(const BootstrapPlan&, const BootstrapPlan&) = default;
};

// Only for a node of a cluster with Kubernetes.
BootstrapPlan bootstrap_plan(const Model& model, const Node& node);

// Who may do everything in the cluster: the users of its credentials, sorted.
std::vector<std::string> admins_of(const Model& model, const ClusterId& cluster);
// What a control-plane member says when it has let in exactly these: the first 48 bits of the SHA-256 of their names, each
// with a line feed behind it. Not 0, in practice.
std::uint64_t access_fingerprint(const std::vector<std::string>& admins);

// The name under which the members of a cluster know its API server.
std::string api_name(std::string_view cluster_name);

}  // namespace dure::control
