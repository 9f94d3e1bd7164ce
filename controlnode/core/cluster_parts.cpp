#include "controlnode/core/cluster_parts.h"

#include <algorithm>
#include <set>

#include "common/planted.h"
#include "common/text.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/network_plan.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/placement/chain.h"
#include "controlnode/core/removals.h"
#include "controlnode/core/silence.h"

namespace dure::control {
namespace {

constexpr std::size_t kMaxIdempotencyKey = 128;

Result<Cluster> find_among(const Model& model, std::span<const ClusterId> named, const std::string& name_or_id) {
  if (const auto id = ClusterId::parse(name_or_id)) {
    const auto found = model.clusters.find(*id);
    if (found != model.clusters.end()) return found->second;
  }
  if (named.size() > 1) {
    return Error{Errc::conflict, "cluster '" + name_or_id + "' exists in several projects: give its id"};
  }
  if (named.empty()) {
    return Error{Errc::not_found, "there is no cluster '" + printable(name_or_id, 64) + "'"};
  }
  return model.clusters.at(named.front());
}

}  // namespace

Reply refuse(Errc code, std::string message) {
  return Refused{Error{code, std::move(message)}, {}};
}

Reply bad_name() {
  return refuse(Errc::invalid_argument,
                "name: a-z, 0-9 and '-', beginning with a letter and not ending with '-'");
}

Accepted accepted(const Uuid& id, const std::string& name) {
  Accepted reply;
  reply.object = id;
  reply.name = name;
  return reply;
}

Result<Cluster> find_cluster(const Deciding& deciding, const std::string& name_or_id) {
  return find_among(deciding.model, deciding.index().clusters_named(name_or_id), name_or_id);
}

Result<Cluster> find_cluster(const Model& model, const std::string& name_or_id) {
  std::vector<ClusterId> named;
  for (const auto& [id, cluster] : model.clusters) {
    if (cluster.name == name_or_id) named.push_back(id);
  }
  return find_among(model, named, name_or_id);
}

std::optional<Reply> replay(const Deciding& deciding, const Idempotency& idempotency) {
  const Model& model = deciding.model;
  if (idempotency.key.empty()) return std::nullopt;
  if (!printable_ascii(idempotency.key, kMaxIdempotencyKey)) {
    return refuse(Errc::invalid_argument,
                  "idempotency key: must be 1 to 128 printable ASCII characters");
  }
  const auto found = model.idempotency.find(idempotency.key);
  if (found == model.idempotency.end()) return std::nullopt;
  const IdempotencyRecord& record = found->second;
  if (record.request != idempotency.request) {
    return refuse(Errc::conflict, "idempotency key '" + idempotency.key +
                                      "' was used for another request: take a new one");
  }
  Accepted accepted;
  accepted.object = record.cluster.uuid;
  accepted.operation = record.operation;
  accepted.plan = plan_of(deciding, record.cluster);
  const auto operation = model.operations.find(record.operation);
  if (operation != model.operations.end()) accepted.name = operation->second.cluster_name;
  return accepted;
}

void remember(Deciding& deciding, const Idempotency& idempotency, const OperationId& operation,
              const ClusterId& cluster) {
  if (idempotency.key.empty() || planted(Bug::keys_forgotten)) return;
  deciding.put(IdempotencyRecord{idempotency.key, idempotency.request, operation, cluster,
                                 deciding.steady});
}

PlannedNode planned(const Model& model, const std::string& name, Role role, const HostId& host) {
  PlannedNode node{name, host_name(model, host), {}, role};
  const auto row = model.hosts.find(host);
  if (row == model.hosts.end()) return node;
  const auto site = model.sites.find(row->second.site);
  if (site != model.sites.end()) node.site = site->second.name;
  return node;
}

std::vector<PlannedNode> plan_of(const Deciding& deciding, const ClusterId& cluster) {
  std::vector<PlannedNode> plan;
  for (const Node* node : deciding.index().members_of(cluster)) {
    plan.push_back(planned(deciding.model, node->name, node->role, node->host));
  }
  return plan;
}

Resources amount_of(const Flavor& flavor) {
  return {flavor.vcpus, flavor.memory_mib, flavor.disk_gib};
}

FleetQuestion question_for(const Deciding& deciding, std::uint16_t mtu, std::vector<NodeRequest> wanted,
                           PlacementPolicy policy) {
  const int needed = mtu + kVxlanOverhead;
  for (const auto& [id, site] : deciding.model.sites) {
    if (site.underlay_mtu >= needed) continue;
    policy.closed.push_back({id, "is at site " + site.name + ", whose underlay MTU of " +
                                     std::to_string(site.underlay_mtu) + " is below the " + std::to_string(needed) +
                                     " that the cluster's network needs"});
  }
  HostView& view = deciding.hosts();
  return {view.fleet(), view.hosts(), std::move(wanted), std::move(policy)};
}

namespace {

// Hosts that may well be there: they have not had the time to say so since this control node leads.
bool some_yet_to_be_heard(const Deciding& deciding) {
  return std::any_of(deciding.model.hosts.begin(), deciding.model.hosts.end(), [&](const auto& entry) {
    const HostId& id = entry.first;
    return !entry.second.lost_at && !heard(deciding.model, id) && !silent(deciding.model, id, deciding.steady) &&
           deciding.model.observations.contains(id);
  });
}

}  // namespace

Refused no_room(const Deciding& deciding, const FleetQuestion& question, PlacementOutcome outcome, std::span<const FlavorOffer> offers,
                const std::function<bool(const Remedy&)>& offered) {
  if (some_yet_to_be_heard(deciding)) {
    return Refused{Error{Errc::unavailable, "this control node has just started and has not heard all hosts yet: try again in a few seconds"},
                   std::move(outcome.refusals)};
  }
  Refused refused{Error{Errc::no_capacity, outcome.summary}, std::move(outcome.refusals)};
  for (Remedy& remedy : remedies(question, offers)) {
    if (offered(remedy)) refused.remedies.push_back(std::move(remedy));
  }
  return refused;
}

void record_placement(Deciding& deciding, PlacementRecord record, std::span<const Remedy> remedies) {
  record.at = deciding.now;
  for (const Remedy& remedy : remedies) record.remedies.push_back({std::string(to_string(remedy.kind)), remedy.text});
  const HostView& view = deciding.hosts();
  link(record, own(deciding.model.placements), view.hosts(), view.changed());
  deciding.put(PutPlacementRecord{std::move(record)});
  if (const auto kept = first_kept(*deciding.model.placements)) deciding.put(DropPlacementRecords{*kept});
}

namespace {

std::set<Ipv4> taken_addresses(const Deciding& deciding, const Cluster& cluster) {
  std::set<Ipv4> taken;
  for (const Node* node : deciding.index().nodes_of(cluster.id)) taken.insert(node->address);
  if (planted(Bug::addresses_at_once)) return taken;
  for (const Departing& node : cluster.departing) taken.insert(node.address);
  return taken;
}

// Offsets of nodes end below this one: the last address of a prefix is for broadcasts.
std::uint32_t end_of_addresses(const Ipv4Prefix& prefix) { return (std::uint32_t{1} << (32 - prefix.length)) - 1; }

Ipv4 take_address(const Deciding& deciding, Cluster& cluster, const Ipv4Prefix& prefix) {
  const auto taken = taken_addresses(deciding, cluster);
  const std::uint32_t end = end_of_addresses(prefix);
  Ipv4 address;
  do {
    if (cluster.next_address < kFirstNodeAddress || cluster.next_address >= end) cluster.next_address = kFirstNodeAddress;
    address = Ipv4{prefix.base.value + cluster.next_address++};
  } while (taken.contains(address));
  return address;
}

}  // namespace

std::size_t free_addresses(const Deciding& deciding, const Cluster& cluster) {
  const Ipv4Prefix& prefix = deciding.model.networks.at(cluster.network).prefix;
  const std::uint32_t end = end_of_addresses(prefix);
  const std::size_t all = end > kFirstNodeAddress ? end - kFirstNodeAddress : 0;
  return all - std::min(all, taken_addresses(deciding, cluster).size());
}

void add_node(Deciding& deciding, Cluster& cluster, const NodeRequest& request, const HostId& host) {
  const Network& network = deciding.model.networks.at(cluster.network);
  Node node;
  node.id = request.node;
  node.cluster = cluster.id;
  node.name = request.name;
  node.role = request.role;
  node.host = host;
  node.address = take_address(deciding, cluster, network.prefix);
  node.mac = node_mac(network.vni, node.address);
  node.created_at = deciding.now;
  if (!cluster.kubernetes.version.empty()) node.pods = pod_prefix(deciding.model, cluster, node.address);
  advance(deciding, node, NodeEvent::ordered);
  store_node(deciding, node);
  deciding.put(Claim{node.id, host, request.amount, cluster.project});
  keep_network(deciding, host, network.id);
}

void take_out(Deciding& deciding, Node node) {
  advance(deciding, node, NodeEvent::remove);
  store_node(deciding, node);
  order_removal(deciding, node);
  touch_members(deciding, node.cluster);
}

void let_go(Deciding& deciding, Node node) {
  if (!node.joined) return take_out(deciding, std::move(node));
  advance(deciding, node, NodeEvent::drain);
  store_node(deciding, node);
  touch_members(deciding, node.cluster);
}

void touch_members(Deciding& deciding, const ClusterId& cluster) {
  for (const Node* node : deciding.index().members_of(cluster)) deciding.touch(node->host);
}

void touch_control_planes(Deciding& deciding, const ClusterId& cluster) {
  for (const Node* node : deciding.index().members_of(cluster)) {
    if (node->role == Role::control_plane) deciding.touch(node->host);
  }
}

void note_departing(Deciding& deciding, const Node& node) {
  const auto found = deciding.model.clusters.find(node.cluster);
  if (found == deciding.model.clusters.end() || planted(Bug::not_departing)) return;
  Cluster cluster = found->second;
  if (cluster.kubernetes.version.empty() || cluster.state == ClusterState::deleting) return;
  const auto at = std::lower_bound(cluster.departing.begin(), cluster.departing.end(), node.name,
                                   [](const Departing& each, const std::string& name) { return each.name < name; });
  if (cluster.departing.size() >= kMaxDeparting || (at != cluster.departing.end() && at->name == node.name)) return;
  cluster.departing.insert(at, {node.name, node.address});
  deciding.put(cluster);
  touch_control_planes(deciding, cluster.id);
}

}  // namespace dure::control
