#include "controlnode/core/bootstrap_plan.h"

#include <algorithm>
#include <span>

#include "common/sha256.h"
#include "controlnode/core/deciding.h"
#include "controlnode/core/operations.h"

namespace dure::control {
namespace {

constexpr std::uint32_t kDnsAddress = 10;  // as kubeadm counts it

// The member that starts the cluster: the first one that was made. A later one never takes its place while there is a
// cluster, which one that has joined proves: the first one may have started it and be gone with its host since.
bool starts_cluster(const std::vector<Node>& members, const Node& node) {
  const auto first = std::find_if(members.begin(), members.end(), [](const Node& member) {
    return member.role == Role::control_plane;
  });
  if (first == members.end() || first->id != node.id) return false;
  return node.joined || std::none_of(members.begin(), members.end(), [](const Node& member) { return member.joined; });
}

BootstrapRole role_of(const std::vector<Node>& members, const Node& node) {
  if (node.role == Role::worker) return BootstrapRole::worker;
  return starts_cluster(members, node) ? BootstrapRole::init : BootstrapRole::control_plane;
}

void add_members(const std::vector<Node>& members, const Node& node, BootstrapPlan& plan) {
  for (const Node& member : members) {
    plan.hosts.push_back({member.address, member.name});
    if (member.role == Role::control_plane && member.id != node.id) {
      plan.control_planes.push_back(member.address);
    }
    if (member.id != node.id && member.pods.length > 0 && plan.cni == Cni::native) {
      plan.routes.push_back({member.pods, member.address});
    }
  }
  if (node.role == Role::control_plane) {
    plan.control_planes.insert(plan.control_planes.begin(), node.address);
  }
  std::sort(plan.routes.begin(), plan.routes.end(),
            [](const PodRoute& a, const PodRoute& b) { return a.pods < b.pods; });
}

void add_place(const Model& model, const Node& node, BootstrapPlan& plan) {
  const auto host = model.hosts.find(node.host);
  if (host == model.hosts.end()) return;
  plan.scavenged = host->second.host_class == HostClass::scavenged;
  plan.labels.emplace_back("dure.io/class", to_string(host->second.host_class));
  plan.labels.emplace_back("dure.io/host", host->second.name);
  if (!host->second.room.empty()) plan.labels.emplace_back("dure.io/room", host->second.room);
  const auto site = model.sites.find(host->second.site);
  if (site != model.sites.end()) {
    plan.labels.emplace_back("topology.kubernetes.io/zone", site->second.name);
  }
  const auto seen = model.observations.find(node.host);
  if (seen != model.observations.end() && !seen->second.capacity.hardware_virtualisation) {
    plan.patience = model.settings.software_virtualisation_factor;
  }
}

void add_duties(const Model& model, const std::vector<Node>& members, BootstrapPlan& plan) {
  const Cluster& cluster = model.clusters.at(members.front().cluster);
  for (const Departing& node : cluster.departing) plan.departing.push_back(node.name);
  for (const Node& member : members) {
    if (member.state == NodeState::draining && plan.departing.size() < kMaxDeparting) {
      plan.departing.push_back(member.name);
    }
  }
  std::sort(plan.departing.begin(), plan.departing.end());
  plan.admins = admins_of(model, cluster.id);
}

}  // namespace

std::string_view to_string(BootstrapRole role) {
  switch (role) {
    case BootstrapRole::init: return "init";
    case BootstrapRole::control_plane: return "control-plane";
    case BootstrapRole::worker: return "worker";
  }
  return {};
}

std::vector<std::string> admins_of(const Model& model, const ClusterId& cluster) {
  std::vector<std::string> admins;
  for (const auto& [id, access] : model.accesses) {
    if (access.cluster == cluster && !access.revoked_at) admins.push_back(access.user);
  }
  std::sort(admins.begin(), admins.end());
  return admins;
}

std::uint64_t access_fingerprint(const std::vector<std::string>& admins) {
  constexpr std::size_t kBytes = 6;  // a whole number in every JSON
  std::string names;
  for (const std::string& user : admins) names += user + "\n";
  Sha256 sum;
  sum.update(std::as_bytes(std::span(names)));
  const Digest digest = sum.finish();
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kBytes; ++i) number = number << 8 | digest.bytes[i];
  return number;
}

std::string api_name(std::string_view cluster_name) {
  return "api." + std::string(cluster_name) + ".dure.internal";
}

BootstrapPlan bootstrap_plan(const Model& model, const Node& node) {
  const Cluster& cluster = model.clusters.at(node.cluster);
  const auto members = members_of(model, cluster.id);
  BootstrapPlan plan;
  plan.cluster_name = cluster.name;
  plan.node_name = node.name;
  plan.role = role_of(members, node);
  plan.version = cluster.kubernetes.version;
  plan.cni = cluster.kubernetes.cni;
  plan.address = node.address;
  plan.api_name = api_name(cluster.name);
  plan.pod_network = cluster.kubernetes.pods;
  plan.own_pods = node.pods;
  plan.services = cluster.kubernetes.services;
  plan.dns = plan.services.at(kDnsAddress).value_or(Ipv4{});
  if (const auto network = model.networks.find(cluster.network); network != model.networks.end()) {
    plan.mtu = network->second.mtu;
  }
  plan.joined = node.joined;
  add_members(members, node, plan);
  add_place(model, node, plan);
  if (node.role == Role::control_plane) add_duties(model, members, plan);
  return plan;
}

}  // namespace dure::control
