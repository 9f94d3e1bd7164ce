#include <algorithm>

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/decide_quota.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/near_sites.h"
#include "controlnode/core/network_plan.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/placement_policy.h"

namespace dure::control {
namespace {

constexpr std::string_view kDefaultProject = "default";

// The rows that a request names.
struct Named {
  std::optional<ProjectId> project;  // none: "default", to be made
  Flavor flavor;
  Image image;
  KeyPair key_pair;
  std::vector<SiteId> sites;
};

Error missing(const std::string& kind, const std::string& name) {
  return {Errc::not_found, "there is no " + kind + " '" + printable(name, 64) + "'"};
}

Result<void> check_counts(const Model& model, const CreateCluster& request) {
  if (request.control_planes != 1 && request.control_planes != 3) {
    return Error{Errc::invalid_argument, "control planes: 1 or 3, not " +
                                             std::to_string(request.control_planes)};
  }
  const std::uint64_t total = std::uint64_t{request.control_planes} + request.workers;
  if (total > model.settings.max_nodes_per_cluster) {
    return Error{Errc::invalid_argument,
                 std::to_string(total) + " nodes are more than the " +
                     std::to_string(model.settings.max_nodes_per_cluster) +
                     " that one cluster may have"};
  }
  if (request.layout.survive != Survive::nothing && request.control_planes == 1) {
    return Error{Errc::invalid_argument, "survive: 1 control plane does not survive the loss of its " +
                                             std::string(to_string(request.layout.survive)) +
                                             "; ask for 3 control planes"};
  }
  return {};
}

constexpr std::size_t kMaxRooms = 64;

// "worker_rules: ..." as the pool is called.
Result<void> check_rules(const std::string& pool, const HostRules& rules) {
  const auto wrong = [&](const std::string& what) {
    return Error{Errc::invalid_argument, pool + ": " + what};
  };
  if (rules.rooms.size() > kMaxRooms) return wrong("at most " + std::to_string(kMaxRooms) + " rooms");
  if (rules.labels.size() > kMaxLabels) return wrong("at most " + std::to_string(kMaxLabels) + " labels");
  for (const std::string& room : rules.rooms) {
    if (!valid_room(room)) return wrong("'" + printable(room, 64) + "' is no room");
  }
  for (const std::string& label : rules.labels) {
    const auto equals = std::min(label.find('='), label.size());
    const bool whole = equals < label.size() && valid_label_value(std::string_view(label).substr(equals + 1));
    if (!whole || !valid_label_key(label.substr(0, equals))) {
      return wrong("'" + printable(label, 128) + "' is no label: KEY=VALUE is wanted");
    }
  }
  return {};
}

Result<void> check_request(const Model& model, const CreateCluster& request, TimePoint now) {
  if (const auto counts = check_counts(model, request); !counts) return counts;
  if (const auto fault = lease_fault(request.until, now)) return *fault;
  if (const auto rules = check_rules("control_plane_rules", request.control_plane_rules); !rules) return rules;
  return check_rules("worker_rules", request.worker_rules);
}

// Sorted, each once: what asks for the same is the same.
HostRules ordered(HostRules rules) {
  const auto tidy = [](auto& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  };
  tidy(rules.rooms);
  tidy(rules.labels);
  tidy(rules.classes);
  return rules;
}

Result<std::vector<SiteId>> resolve_sites(const Model& model,
                                          const std::vector<std::string>& names) {
  std::vector<SiteId> sites;
  for (const std::string& name : names) {
    const Site* site = find_by_name(model.sites, name);
    if (site == nullptr) return missing("site", name);
    sites.push_back(site->id);
  }
  std::sort(sites.begin(), sites.end());
  sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
  return sites;
}

// The numbers for Kubernetes are those of kubeadm's own checks before an installation.
std::optional<Error> too_small_for_image(const Flavor& flavor, const Image& image) {
  constexpr std::uint32_t kVcpus = 2;
  constexpr std::uint32_t kMemoryMib = 1700;
  if (flavor.disk_gib < image.min_disk_gib) {
    return Error{Errc::invalid_argument, "image '" + image.name + "' needs a disk of " +
                                             std::to_string(image.min_disk_gib) + " GiB; flavor '" + flavor.name +
                                             "' has " + std::to_string(flavor.disk_gib)};
  }
  if (image.kubernetes.empty()) return std::nullopt;
  if (flavor.vcpus >= kVcpus && flavor.memory_mib >= kMemoryMib) return std::nullopt;
  return Error{Errc::invalid_argument,
               "image '" + image.name + "' runs Kubernetes, which needs 2 vCPUs and 1700 MiB; flavor '" +
                   flavor.name + "' has " + std::to_string(flavor.vcpus) + " and " +
                   std::to_string(flavor.memory_mib) + " MiB: take a larger flavor"};
}

Result<Named> resolve(const Model& model, const CreateCluster& request) {
  Named named;
  const Project* project = find_by_name(model.projects, request.project);
  if (project != nullptr) {
    named.project = project->id;
  } else if (request.project != kDefaultProject) {
    return missing("project", request.project);
  }
  const Flavor* flavor = find_by_name(model.flavors, request.flavor);
  if (flavor == nullptr) return missing("flavor", request.flavor);
  const Image* image = find_by_name(model.images, request.image);
  if (image == nullptr) return missing("image", request.image);
  if (const auto fault = too_small_for_image(*flavor, *image)) return *fault;
  const KeyPair* key_pair = nullptr;
  for (const auto& [id, row] : model.key_pairs) {
    if (row.name == request.key_pair && named.project == row.project) key_pair = &row;
  }
  if (key_pair == nullptr) return missing("key pair", request.key_pair);
  auto sites = resolve_sites(model, request.sites);
  if (!sites) return sites.error();
  named.flavor = *flavor;
  named.image = *image;
  named.key_pair = *key_pair;
  named.sites = std::move(*sites);
  return named;
}

std::optional<Error> name_taken(const Deciding& deciding, const Named& named, const std::string& name) {
  for (const ClusterId& id : deciding.index().clusters_named(name)) {
    const Cluster& cluster = deciding.model.clusters.at(id);
    if (named.project != cluster.project) continue;
    const bool leaving = cluster.state == ClusterState::deleting;
    return Error{Errc::already_exists,
                 "cluster '" + name + (leaving ? "' is still being deleted" : "' exists already")};
  }
  return std::nullopt;
}

std::vector<NodeRequest> wanted_nodes(Deciding& deciding, const CreateCluster& request,
                                      const Flavor& flavor) {
  std::vector<NodeRequest> wanted;
  const auto add = [&](Role role, const char* infix, std::uint32_t count) {
    for (std::uint32_t i = 1; i <= count; ++i) {
      wanted.push_back({deciding.ids.make<NodeId>(), request.name + infix + std::to_string(i), role,
                        amount_of(flavor), pool_of(role)});
    }
  };
  add(Role::control_plane, "-cp", request.control_planes);
  add(Role::worker, "-w", request.workers);
  return wanted;
}

ProjectId default_project(Deciding& deciding) {
  const Project project{deciding.ids.make<ProjectId>(), std::string(kDefaultProject)};
  deciding.put(project);
  return project.id;
}

// Without its project, which may have to be made.
Cluster make_cluster(const Deciding& deciding, const CreateCluster& request, const Named& named,
                     const Network& network) {
  Cluster cluster;
  cluster.id = network.cluster;
  cluster.name = request.name;
  cluster.flavor = named.flavor.id;
  cluster.image = named.image.id;
  cluster.key_pair = named.key_pair.id;
  cluster.network = network.id;
  cluster.sites = named.sites;
  cluster.next_worker = request.workers + 1;
  cluster.next_address = kFirstNodeAddress;
  cluster.created_at = deciding.now;
  cluster.layout = request.layout;
  cluster.until = request.until;
  cluster.control_planes = {request.control_planes, ordered(request.control_plane_rules)};
  cluster.workers = {request.workers, ordered(request.worker_rules)};
  if (!named.image.kubernetes.empty()) {
    const Settings& settings = deciding.model.settings;
    cluster.kubernetes = {named.image.kubernetes, request.cni, settings.pod_network,
                          settings.service_network};
  }
  return cluster;
}

// Everything that the placed request means, as changes.
OperationId commit(Deciding& deciding, const CreateCluster& request, const Named& named,
                   Cluster cluster, const Network& network, const std::vector<NodeRequest>& wanted,
                   const std::map<NodeId, HostId>& hosts) {
  cluster.project = named.project ? *named.project : default_project(deciding);
  deciding.put(cluster);
  deciding.put(network);
  deciding.put(PutNextVni{network.vni + 1});
  deciding.event("cluster.creating", cluster.id.uuid, cluster.name,
                 cluster.name + " is creating, with " + std::to_string(wanted.size()) + " nodes");
  for (const NodeRequest& node : wanted) {
    add_node(deciding, cluster, node, hosts.at(node.node));
  }
  const OperationId operation = start_operation(deciding, cluster, OperationKind::cluster_create);
  deciding.put(cluster);
  touch_members(deciding, cluster.id);
  remember(deciding, request.idempotency, operation, cluster.id);
  return operation;
}

// The flavors that the image can be run with.
std::vector<FlavorOffer> flavor_offers(const Model& model, const Image& image) {
  std::vector<FlavorOffer> offers;
  for (const auto& [id, flavor] : model.flavors) {
    if (!too_small_for_image(flavor, image)) offers.push_back({flavor.name, amount_of(flavor)});
  }
  return offers;
}

// A cluster has one control-plane member or three.
bool may_be_created(const Remedy& remedy) {
  return remedy.kind != RemedyKind::fewer_control_planes || remedy.count == 1;
}

}  // namespace

Reply create_cluster(Deciding& deciding, const CreateCluster& request) {
  const Model& model = deciding.model;
  if (!request.dry_run) {
    if (auto earlier = replay(deciding, request.idempotency)) return *earlier;
  }
  if (!valid_name(request.name)) {
    return refuse(Errc::invalid_argument,
                  "name: 1 to 40 of a-z, 0-9 and '-', beginning with a letter and not ending with '-'");
  }
  if (const auto checked = check_request(model, request, deciding.now); !checked) return Refused{checked.error(), {}};
  const auto named = resolve(model, request);
  if (!named) return Refused{named.error(), {}};
  if (const auto taken = name_taken(deciding, *named, request.name)) return Refused{*taken, {}};
  const auto network =
      allocate_network(model, deciding.index(), deciding.ids.make<NetworkId>(), deciding.ids.make<ClusterId>(),
                       guest_mtu(model, named->sites));
  if (!network) return Refused{network.error(), {}};
  if (!network->prefix.at(kFirstNodeAddress + request.control_planes + request.workers)) {
    return refuse(Errc::no_capacity, "a cluster network is too small for so many nodes");
  }
  const auto wanted = wanted_nodes(deciding, request, named->flavor);
  const Cluster cluster = make_cluster(deciding, request, *named, *network);
  FleetQuestion question =
      question_for(deciding, network->mtu, wanted, placement_policy(cluster, deciding.now));
  if (auto refused = beyond_quota(deciding, named->project, question, Growth::new_cluster)) return *refused;
  const NearRule near = near_rule(model, wanted, deciding.steady);
  auto record = record_of(PlacementKind::create, network->cluster, request.name, question.wanted, question.policy, near);
  auto outcome = place_near(near, question);
  set_answer(record, outcome);
  if (!outcome.unplaced.empty()) {
    auto refused = no_room(deciding, question, std::move(outcome), flavor_offers(model, named->image), &may_be_created);
    if (!request.dry_run) record_placement(deciding, std::move(record), refused.remedies);
    return refused;
  }
  if (!request.dry_run) record_placement(deciding, std::move(record));

  std::map<NodeId, HostId> hosts;
  for (const Placement& placement : outcome.placed) hosts.emplace(placement.node, placement.host);
  Accepted accepted;
  accepted.object = network->cluster.uuid;
  accepted.name = request.name;
  accepted.dry_run = request.dry_run;
  for (const NodeRequest& node : wanted) {
    accepted.plan.push_back(planned(model, node.name, node.role, hosts.at(node.node)));
  }
  if (!request.dry_run) {
    accepted.operation = commit(deciding, request, *named, cluster, *network, wanted, hosts);
  }
  return accepted;
}

}  // namespace dure::control
