#include "tests/support/fake_store_rules.h"

#include <initializer_list>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace dure::control {
namespace {

class Rules {
 public:
  Rules(const Model& before, const Model& after) : before_(before), after_(after) {}

  Result<void> run() {
    inventory();
    clusters();
    nodes();
    hosts_of();
    capacity();
    quotas();
    if (broken_.empty()) return {};
    return Error{Errc::conflict, broken_};
  }

 private:
  void require(bool holds, const std::string& rule) {
    if (!holds && broken_.empty()) broken_ = rule;
  }
  template <class Map, class Key>
  void refers(const Map& map, const Key& key, const char* from) {
    require(map.contains(key), std::string(from) + " refers to a row that is not there");
  }
  // No two rows give the same key.
  template <class Map, class Key>
  void unique(const Map& map, const char* what, const Key& key) {
    std::set<decltype(key(map.begin()->second))> seen;
    for (const auto& [id, row] : map) {
      require(seen.insert(key(row)).second, std::string(what) + " is taken");
    }
  }
  template <class Map>
  void named(const Map& map, const char* what) {
    for (const auto& [id, row] : map) {
      require(!row.name.empty() && row.name.size() <= 253, std::string(what) + " has no good name");
    }
  }

  void inventory() {
    const Model& m = after_;
    const auto by_name = [](const auto& row) { return row.name; };
    named(m.sites, "site"), named(m.hosts, "host"), named(m.images, "image");
    named(m.flavors, "flavor"), named(m.projects, "project"), named(m.key_pairs, "key pair");
    unique(m.sites, "site name", by_name);
    unique(m.hosts, "host name", by_name);
    unique(m.hosts, "host address", [](const Host& host) { return host.address; });
    unique(m.hosts, "host curve key", [](const Host& host) { return host.curve_key; });
    unique(m.images, "image name", by_name);
    unique(m.flavors, "flavor name", by_name);
    unique(m.projects, "project name", by_name);
    unique(m.key_pairs, "key pair name",
           [](const KeyPair& pair) { return std::tuple(pair.project, pair.name); });
    for (const auto& [id, host] : m.hosts) {
      refers(m.sites, host.site, "host.site");
      require(host.curve_key.size() == 40, "a host's curve key has 40 characters");
      require(host.busy.size() <= 64, "a host has at most 64 busy windows");
      const auto percent = host.vcpu_overcommit_percent.value_or(100);
      require(percent >= 100 && percent <= 6400, "a host has 1 to 64 vCPUs for a CPU");
      for (const Resources& r : {host.capacity, host.reserve}) {
        require(r.vcpus >= 0 && r.memory_mib >= 0 && r.disk_gib >= 0, "a capacity is negative");
      }
    }
    for (const auto& [id, flavor] : m.flavors) {
      require(flavor.vcpus > 0 && flavor.memory_mib > 0 && flavor.disk_gib > 0,
              "a flavor's size is zero");
    }
    for (const auto& [id, pair] : m.key_pairs) refers(m.projects, pair.project, "key_pair.project");
  }

  void clusters() {
    const Model& m = after_;
    named(m.clusters, "cluster");
    unique(m.clusters, "cluster name",
           [](const Cluster& cluster) { return std::tuple(cluster.project, cluster.name); });
    unique(m.networks, "vni", [](const Network& network) { return network.vni; });
    unique(m.networks, "prefix", [](const Network& network) { return network.prefix; });
    for (const auto& [id, cluster] : m.clusters) {
      refers(m.projects, cluster.project, "cluster.project");
      refers(m.flavors, cluster.flavor, "cluster.flavor");
      refers(m.images, cluster.image, "cluster.image");
      refers(m.key_pairs, cluster.key_pair, "cluster.key_pair");
      refers(m.networks, cluster.network, "cluster.network");
      const auto network = m.networks.find(cluster.network);
      require(network == m.networks.end() || network->second.cluster == id, "a cluster has its own network");
      for (const NodePool* pool : {&cluster.control_planes, &cluster.workers}) {
        require(pool->rules.rooms.size() <= 64 && pool->rules.labels.size() <= 16, "a pool's rules are few");
      }
    }
    for (const auto& [id, network] : m.networks) {
      require(network.vni >= 1 && network.vni <= 0xffffff, "a vni is outside of 1..16777215");
    }
  }

  void nodes() {
    const Model& m = after_;
    named(m.nodes, "node");
    unique(m.nodes, "node mac", [](const Node& node) { return node.mac; });
    unique(m.nodes, "node name", [](const Node& n) { return std::tuple(n.cluster, n.name); });
    unique(m.nodes, "node address", [](const Node& n) { return std::tuple(n.cluster, n.address); });
    for (const auto& [id, sealed] : m.identities) refers(m.clusters, id, "cluster_identity.cluster");
    for (const auto& [id, access] : m.accesses) refers(m.clusters, access.cluster, "cluster_access.cluster");
    unique(m.accesses, "a cluster's user",
           [](const ClusterAccess& access) { return std::tuple(access.cluster, access.user); });
    for (const auto& [id, node] : m.nodes) {
      refers(m.clusters, node.cluster, "node.cluster");
      refers(m.hosts, node.host, "node.host");
    }
  }

  void hosts_of() {
    const Model& m = after_;
    for (const auto& [node, claim] : m.claims) {
      refers(m.hosts, claim.host, "claim.host");
      refers(m.projects, claim.project, "claim.project");
    }
    for (const auto& [host, row] : m.observations) refers(m.hosts, host, "observation.host");
    for (const auto& [host, list] : m.removals) {
      refers(m.hosts, host, "removal.host");
      std::set<std::pair<ObjectKind, Uuid>> seen;
      for (const Removal& removal : list) {
        require(removal.kind == ObjectKind::vm || removal.kind == ObjectKind::network,
                "a removal is of a vm or a network");
        require(seen.emplace(removal.kind, removal.object).second, "a removal is listed twice");
      }
    }
  }

  bool grew(const Claim& claim) const {
    const auto old = before_.claims.find(claim.node);
    return old == before_.claims.end() || old->second.host != claim.host ||
           claim.amount.memory_mib > old->second.amount.memory_mib ||
           claim.amount.disk_gib > old->second.amount.disk_gib;
  }

  void capacity() {
    std::set<HostId> grown;
    std::map<HostId, Resources> sums;
    for (const auto& [node, claim] : after_.claims) {
      sums[claim.host].memory_mib += claim.amount.memory_mib;
      sums[claim.host].disk_gib += claim.amount.disk_gib;
      if (grew(claim)) grown.insert(claim.host);
    }
    for (const HostId& id : grown) {
      const auto host = after_.hosts.find(id);
      if (host == after_.hosts.end()) continue;
      const Resources& has = host->second.capacity;
      const Resources& keeps = host->second.reserve;
      require(sums[id].memory_mib <= has.memory_mib - keeps.memory_mib &&
                  sums[id].disk_gib <= has.disk_gib - keeps.disk_gib,
              "host " + host->second.name + " would carry more than it has");
    }
  }

  // Only projects that got more are looked at, and a limit on clusters only where there is a new one.
  void quotas() {
    std::set<ProjectId> grown, founding;
    for (const auto& [node, claim] : after_.claims) {
      const auto old = before_.claims.find(node);
      const bool more = old == before_.claims.end() || old->second.project != claim.project ||
                        (old->second.replaced && !claim.replaced) || claim.amount.vcpus > old->second.amount.vcpus || grew(claim);
      if (more) grown.insert(claim.project);
    }
    for (const auto& [id, cluster] : after_.clusters) {
      if (!before_.clusters.contains(id)) founding.insert(cluster.project);
    }
    for (const auto& [id, project] : after_.projects) {
      const Quota& quota = project.quota;
      std::int64_t vcpus = 0, memory_mib = 0, disk_gib = 0, nodes = 0, clusters = 0;
      for (const auto& [node, claim] : after_.claims) {
        if (claim.project != id || claim.replaced) continue;
        vcpus += claim.amount.vcpus, memory_mib += claim.amount.memory_mib, disk_gib += claim.amount.disk_gib, ++nodes;
      }
      for (const auto& [cluster_id, cluster] : after_.clusters) clusters += cluster.project == id ? 1 : 0;
      const auto within = [](std::int64_t sum, const std::optional<std::int64_t>& limit) { return !limit || sum <= *limit; };
      const bool fits = within(vcpus, quota.vcpus) && within(memory_mib, quota.memory_mib) &&
                        within(disk_gib, quota.disk_gib) && within(nodes, quota.nodes);
      require(!grown.contains(id) || fits, "project " + project.name + " would hold more than its quota");
      require(!founding.contains(id) || within(clusters, quota.clusters),
              "project " + project.name + " would hold more clusters than its quota");
    }
  }

  const Model& before_;
  const Model& after_;
  std::string broken_;
};

// Deliberately not the code of the real store: by code points, through a decoder.
bool storable(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : 3;
    if (lead == 0 || (more == 3 && lead >> 3 != 30) || i + more >= text.size()) return false;
    char32_t point = more == 0 ? lead : lead & (0x3fU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return false;
      point = (point << 6) | (next & 0x3fU);
    }
    const char32_t least[] = {1, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
    i += more + 1;
  }
  return true;
}

struct Texts {
  bool good = true;

  void check(std::initializer_list<std::string_view> texts) {
    for (const std::string_view text : texts) good = good && storable(text);
  }
  void operator()(const Site& row) { check({row.name}); }
  void operator()(const Host& row) { check({row.name, row.curve_key}); }
  void operator()(const Image& row) { check({row.name, row.cmdline}); }
  void operator()(const Flavor& row) { check({row.name}); }
  void operator()(const Project& row) { check({row.name}); }
  void operator()(const KeyPair& row) { check({row.name, row.public_key}); }
  void operator()(const Cluster& row) { check({row.name, row.reason}); }
  void operator()(const Node& row) {
    check({row.name, row.reason});
    for (const GuestStage& stage : row.stages) check({stage.name});
  }
  void operator()(const Operation& row) {
    check({row.cluster_name, row.error});
    for (const OperationStep& step : row.steps) check({step.name, step.detail});
  }
  void operator()(const IdempotencyRecord& row) { check({row.key}); }
  void operator()(const EventRow& row) { check({row.kind, row.subject_name, row.message}); }
  void operator()(const PutObservation& put) {
    check({put.observation.agent_version});
    for (const ObjectFailure& failure : put.observation.failures) check({failure.message});
  }
  void operator()(const DropIdempotency& drop) { check({drop.key}); }
  void operator()(const PutPlacementRecord& put) { check({put.record.cluster_name, put.record.summary}); }
  template <class Other>
  void operator()(const Other&) {}
};

}  // namespace

Result<void> check_rules(const Model& before, const Model& after) {
  return Rules(before, after).run();
}

Result<void> check_text(const Change& change) {
  Texts texts;
  std::visit(texts, change);
  if (texts.good) return {};
  return Error{Errc::invalid_argument, "a text is not UTF-8 without NUL"};
}

}  // namespace dure::control
