#include "controlnode/core/model_index.h"

#include <algorithm>

namespace dure::control {
namespace {

const NodeId& id_of(const Node* node) { return node->id; }
template <class Value>
const Value& id_of(const Value& value) {
  return value;
}

// Lists stay sorted and without holes, and a list that is empty is none, so that equal models have equal
// indexes.
template <class Lists, class Key, class Value>
void enlist(Lists& lists, const Key& key, const Value& value) {
  auto& list = lists[key];
  const auto at = std::lower_bound(list.begin(), list.end(), value,
                                   [](const Value& a, const Value& b) { return id_of(a) < id_of(b); });
  if (at == list.end() || id_of(*at) != id_of(value)) list.insert(at, value);
}

template <class Lists, class Key, class Value>
void strike(Lists& lists, const Key& key, const Value& value) {
  const auto found = lists.find(key);
  if (found == lists.end()) return;
  std::erase_if(found->second, [&](const auto& entry) { return id_of(entry) == id_of(value); });
  if (found->second.empty()) lists.erase(found);
}

template <class Counts, class Key>
void discount(Counts& counts, const Key& key) {
  const auto found = counts.find(key);
  if (found != counts.end() && --found->second == 0) counts.erase(found);
}

template <class Lists, class Key>
auto listed(const Lists& lists, const Key& key) -> std::span<const typename Lists::mapped_type::value_type> {
  const auto found = lists.find(key);
  if (found == lists.end()) return {};
  return found->second;
}

std::uint32_t mask_of(std::uint8_t length) { return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length); }

}  // namespace

ModelIndex::ModelIndex(const Model& model) {
  for (const auto& [id, node] : model.nodes) after(model, node);
  for (const auto& [id, cluster] : model.clusters) after(model, cluster);
  for (const auto& [id, network] : model.networks) after(model, network);
  for (const auto& [node, claim] : model.claims) after(model, claim);
  for (const auto& [host, removals] : model.removals) list_removals(host, removals);
}

ModelIndex ModelIndex::around(const Model& model, const HostId& host) {
  std::set<ClusterId> clusters;
  for (const auto& [id, node] : model.nodes) {
    if (node.host == host) clusters.insert(node.cluster);
  }
  ModelIndex index;
  for (const auto& [id, node] : model.nodes) {
    if (clusters.contains(node.cluster)) index.after(model, node);
  }
  return index;
}

std::span<const Node* const> ModelIndex::nodes_of(const ClusterId& cluster) const {
  return listed(nodes_of_, cluster);
}
std::span<const Node* const> ModelIndex::nodes_on(const HostId& host) const { return listed(nodes_on_, host); }
std::span<const ClusterId> ModelIndex::clusters_named(const std::string& name) const { return listed(named_, name); }

std::vector<const Node*> ModelIndex::members_of(const ClusterId& cluster) const {
  std::vector<const Node*> members;
  for (const Node* node : nodes_of(cluster)) {
    if (node->state != NodeState::deleting) members.push_back(node);
  }
  std::sort(members.begin(), members.end(), [](const Node* a, const Node* b) { return a->address < b->address; });
  return members;
}

std::set<HostId> ModelIndex::hosts_removing(const Cluster& cluster) const {
  const auto network = listed(removing_network_, cluster.network);
  std::set<HostId> hosts(network.begin(), network.end());
  if (removing_node_.empty()) return hosts;
  for (const Node* node : nodes_of(cluster.id)) {
    const auto removing = listed(removing_node_, node->id);
    hosts.insert(removing.begin(), removing.end());
  }
  return hosts;
}

// Two prefixes meet only when one contains the other's base. They can be of unequal length after the
// settings were changed.
bool ModelIndex::prefix_in_use(const Ipv4Prefix& prefix) const {
  for (const auto& [length, bases] : prefixes_) {
    const Ipv4 first{prefix.base.value & mask_of(std::min(length, prefix.length))};
    const Ipv4 last{first.value | ~mask_of(prefix.length)};
    const auto found = bases.lower_bound(first);
    if (found == bases.end()) continue;
    if (length <= prefix.length ? found->first == first : found->first <= last) return true;
  }
  return false;
}

void ModelIndex::leave(const Model& model, const NodeId& id) {
  const auto found = model.nodes.find(id);
  if (found == model.nodes.end()) return;
  const Node* node = &found->second;
  strike(nodes_of_, node->cluster, node);
  strike(nodes_on_, node->host, node);
}

void ModelIndex::after(const Model& model, const Node& row) {
  const Node* node = &model.nodes.at(row.id);
  enlist(nodes_of_, node->cluster, node);
  enlist(nodes_on_, node->host, node);
}

void ModelIndex::leave(const Model& model, const ClusterId& id) {
  const auto found = model.clusters.find(id);
  if (found == model.clusters.end()) return;
  strike(named_, found->second.name, id);
  hold(found->second.project, {}, 0, -1);
}

void ModelIndex::after(const Model&, const Cluster& row) {
  enlist(named_, row.name, row.id);
  hold(row.project, {}, 0, 1);
}

void ModelIndex::release(const Model& model, const NodeId& node) {
  const auto claim = model.claims.find(node);
  if (claim != model.claims.end() && !claim->second.replaced) hold(claim->second.project, claim->second.amount, -1, 0);
}

void ModelIndex::hold(const ProjectId& project, const Resources& amount, std::int64_t nodes, std::int64_t clusters) {
  Usage& usage = usage_[project];
  count_in(usage, amount, nodes);
  usage.clusters += clusters;
  if (usage == Usage{}) usage_.erase(project);
}

const Usage& ModelIndex::usage_of(const ProjectId& project) const {
  static const Usage kNothing;
  const auto found = usage_.find(project);
  return found == usage_.end() ? kNothing : found->second;
}

void ModelIndex::leave(const Model& model, const NetworkId& id) {
  const auto found = model.networks.find(id);
  if (found == model.networks.end()) return;
  const Network& network = found->second;
  discount(vnis_, network.vni);
  auto& bases = prefixes_[network.prefix.length];
  discount(bases, network.prefix.base);
  if (bases.empty()) prefixes_.erase(network.prefix.length);
}

void ModelIndex::after(const Model&, const Network& row) {
  ++vnis_[row.vni];
  ++prefixes_[row.prefix.length][row.prefix.base];
}

void ModelIndex::leave(const Model& model, const HostId& host) {
  const auto found = model.removals.find(host);
  if (found == model.removals.end()) return;
  for (const Removal& removal : found->second) {
    const bool network = removal.kind == ObjectKind::network;
    if (network) discount(vnis_, static_cast<std::uint32_t>(removal.number));
    if (removal.owed) continue;
    if (network) {
      strike(removing_network_, NetworkId{removal.object}, host);
    } else {
      strike(removing_node_, NodeId{removal.object}, host);
    }
  }
}

void ModelIndex::list_removals(const HostId& host, const std::vector<Removal>& removals) {
  for (const Removal& removal : removals) {
    const bool network = removal.kind == ObjectKind::network;
    if (network) ++vnis_[static_cast<std::uint32_t>(removal.number)];
    if (removal.owed) continue;
    if (network) {
      enlist(removing_network_, NetworkId{removal.object}, host);
    } else {
      enlist(removing_node_, NodeId{removal.object}, host);
    }
  }
}

void ModelIndex::after(const Model&, const PutRemovals& put) { list_removals(put.host, put.removals); }

}  // namespace dure::control
