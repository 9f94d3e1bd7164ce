#include "tests/sim/sim_kubernetes.h"

#include <algorithm>

namespace dure::sim {
namespace {

constexpr Duration kThere = std::chrono::seconds(12);     // since the last word of a member of etcd
constexpr Duration kNotReady = std::chrono::seconds(40);  // since the last word of a kubelet, as Kubernetes counts it

}  // namespace

std::string SimKubernetes::cluster_of(const std::string& node) { return node.substr(0, node.rfind('-')); }

void SimKubernetes::init(const std::string& node, Ipv4 address) {
  auto& cluster = clusters_[cluster_of(node)];
  if (answers(cluster_of(node))) broken_ += " " + node + " has begun a second cluster;";
  cluster.etcd = {{node, world_.now()}};
  cluster.nodes.clear();
  add(cluster, node, address);
}

bool SimKubernetes::join(const std::string& node, Ipv4 address, bool control_plane) {
  if (!answers(cluster_of(node))) return false;
  auto& cluster = clusters_[cluster_of(node)];
  if (control_plane) cluster.etcd[node] = world_.now();
  add(cluster, node, address);
  return true;
}

void SimKubernetes::add(Cluster& cluster, const std::string& node, Ipv4 address) {
  for (const auto& [other, object] : cluster.nodes) {
    if (other != node && object.address == address) broken_ += " " + node + " has the address of " + other + ";";
  }
  cluster.nodes[node] = {address, world_.now()};
}

void SimKubernetes::lives(const std::string& node) {
  const auto found = clusters_.find(cluster_of(node));
  if (found == clusters_.end()) return;
  if (const auto object = found->second.nodes.find(node); object != found->second.nodes.end()) object->second.heard = world_.now();
  if (const auto member = found->second.etcd.find(node); member != found->second.etcd.end()) member->second = world_.now();
}

bool SimKubernetes::answers(const std::string& cluster) const {
  const auto found = clusters_.find(cluster);
  if (found == clusters_.end()) return false;
  const auto& etcd = found->second.etcd;
  const auto there = std::count_if(etcd.begin(), etcd.end(),
                                   [&](const auto& member) { return world_.now() - member.second < kThere; });
  return static_cast<std::size_t>(there) > etcd.size() / 2;
}

void SimKubernetes::take_out(const std::string& node) {
  if (const auto found = clusters_.find(cluster_of(node)); found != clusters_.end()) found->second.nodes.erase(node);
}

bool SimKubernetes::has(const std::string& node) const {
  const auto found = clusters_.find(cluster_of(node));
  return found != clusters_.end() && found->second.nodes.contains(node);
}

std::vector<std::string> SimKubernetes::not_ready(const std::string& cluster, const std::vector<std::string>& members) const {
  std::vector<std::string> names;
  const auto found = clusters_.find(cluster);
  if (found == clusters_.end()) return names;
  for (const auto& name : members) {
    const auto object = found->second.nodes.find(name);
    if (object == found->second.nodes.end() || world_.now() - object->second.heard > kNotReady) names.push_back(name);
  }
  return names;
}

std::set<std::string> SimKubernetes::nodes(const std::string& cluster) const {
  std::set<std::string> names;
  if (const auto found = clusters_.find(cluster); found != clusters_.end()) {
    for (const auto& [name, object] : found->second.nodes) names.insert(name);
  }
  return names;
}

}  // namespace dure::sim
