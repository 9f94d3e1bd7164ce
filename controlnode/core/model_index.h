#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "controlnode/core/change.h"
#include "controlnode/core/quota.h"

namespace dure::control {

// What rows of a model are referred to by, so that a decision costs what it touches and not what there
// is. In step with the model: equal at any time to an index made anew. Points into the model, whose
// maps keep their rows in place.
class ModelIndex {
 public:
  explicit ModelIndex(const Model& model);
  // Of the nodes on one host, and of their clusters, alone: enough for its order.
  static ModelIndex around(const Model& model, const HostId& host);

  // Sorted by id; those being deleted as well.
  std::span<const Node* const> nodes_of(const ClusterId& cluster) const;
  std::span<const Node* const> nodes_on(const HostId& host) const;
  // Not those being deleted, by address: in the order in which they were made.
  std::vector<const Node*> members_of(const ClusterId& cluster) const;

  std::span<const ClusterId> clusters_named(const std::string& name) const;   // of all projects

  // Hosts that are waited for to drop a node or the network of the cluster: what a host owes is not waited for.
  std::set<HostId> hosts_removing(const Cluster& cluster) const;

  // What the project holds: counted from its claims.
  const Usage& usage_of(const ProjectId& project) const;

  // By a network, or by one that a host has not confirmed to have dropped.
  bool vni_in_use(std::uint32_t vni) const { return vnis_.contains(vni); }
  bool prefix_in_use(const Ipv4Prefix& prefix) const;

  // Told of every change before it is applied to the model and after.
  template <class Row>
  void before(const Model&, const Row&) {}
  template <class Row>
  void after(const Model&, const Row&) {}
  void before(const Model& model, const Node& row) { leave(model, row.id); }
  void before(const Model& model, const DropNode& drop) { leave(model, drop.id); }
  void after(const Model& model, const Node& row);
  void before(const Model& model, const Cluster& row) { leave(model, row.id); }
  void before(const Model& model, const DropCluster& drop) { leave(model, drop.id); }
  void after(const Model& model, const Cluster& row);
  void before(const Model& model, const Network& row) { leave(model, row.id); }
  void before(const Model& model, const DropNetwork& drop) { leave(model, drop.id); }
  void after(const Model& model, const Network& row);
  void before(const Model& model, const Claim& row) { release(model, row.node); }
  void before(const Model& model, const DropClaim& drop) { release(model, drop.node); }
  void after(const Model&, const Claim& row) { hold(row.project, row.amount, row.replaced ? 0 : 1, 0); }
  void before(const Model& model, const PutRemovals& put) { leave(model, put.host); }
  void before(const Model& model, const DropHost& drop) { leave(model, drop.id); }
  void after(const Model& model, const PutRemovals& put);

  friend bool operator==(const ModelIndex&, const ModelIndex&) = default;

 private:
  ModelIndex() = default;

  void leave(const Model& model, const NodeId& id);
  void leave(const Model& model, const ClusterId& id);
  void leave(const Model& model, const NetworkId& id);
  void leave(const Model& model, const HostId& id);    // its removals
  void release(const Model& model, const NodeId& node);
  void hold(const ProjectId& project, const Resources& amount, std::int64_t nodes, std::int64_t clusters);
  void list_removals(const HostId& host, const std::vector<Removal>& removals);

  template <class Key, class Value>
  using ById = std::unordered_map<Key, std::vector<Value>, IdHash>;

  ById<ClusterId, const Node*> nodes_of_;
  ById<HostId, const Node*> nodes_on_;
  std::unordered_map<std::string, std::vector<ClusterId>> named_;
  ById<NodeId, HostId> removing_node_;
  ById<NetworkId, HostId> removing_network_;
  std::unordered_map<ProjectId, Usage, IdHash> usage_;                  // of those that hold something
  std::unordered_map<std::uint32_t, std::uint32_t> vnis_;               // by how many
  std::map<std::uint8_t, std::map<Ipv4, std::uint32_t>> prefixes_;      // by length and base: by how many
};

}  // namespace dure::control
