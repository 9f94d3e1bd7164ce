#include <algorithm>

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_catalog.h"
#include "controlnode/core/grammar.h"

namespace dure::control {
namespace {

// Who uses the object, for people; empty: nobody.
std::string user_of(const Model& model, const Site& site) {
  for (const auto& [id, host] : model.hosts) {
    if (host.site == site.id) return "host '" + host.name + "'";
  }
  for (const auto& [id, cluster] : model.clusters) {
    for (const SiteId& allowed : cluster.sites) {
      if (allowed == site.id) return "cluster '" + cluster.name + "'";
    }
  }
  return {};
}

std::string user_of(const Model& model, const Host& host) {
  for (const auto& [id, node] : model.nodes) {
    if (node.host == host.id) return "node '" + node.name + "'";
  }
  // Of a PC that was given up nobody waits for a word.
  if (host.lost_at || !model.removals.contains(host.id)) return {};
  return "a removal that it has not confirmed: 'dure host lost " + host.name + "' gives it up";
}

template <class Pick>
std::string cluster_that(const Model& model, Pick uses) {
  for (const auto& [id, cluster] : model.clusters) {
    if (uses(cluster)) return "cluster '" + cluster.name + "'";
  }
  return {};
}

std::string user_of(const Model& model, const Flavor& flavor) {
  return cluster_that(model, [&](const Cluster& cluster) { return cluster.flavor == flavor.id; });
}
std::string user_of(const Model& model, const Image& image) {
  return cluster_that(model, [&](const Cluster& cluster) { return cluster.image == image.id; });
}
std::string user_of(const Model& model, const KeyPair& pair) {
  return cluster_that(model, [&](const Cluster& cluster) { return cluster.key_pair == pair.id; });
}

// A claim stays until its host has confirmed that the VM is gone, which may be long after its cluster.
std::string user_of(const Model& model, const Project& project) {
  const auto cluster = cluster_that(model, [&](const Cluster& each) { return each.project == project.id; });
  if (!cluster.empty()) return cluster;
  for (const auto& [id, pair] : model.key_pairs) {
    if (pair.project == project.id) return "key pair '" + pair.name + "'";
  }
  for (const auto& [id, claim] : model.claims) {
    if (claim.project == project.id) return "a node that its host has not confirmed to be gone";
  }
  return {};
}

// What goes on without anybody who knows of it, for people; empty: nothing.
template <class Row>
std::string left_behind(const Model&, const Row&) {
  return {};
}
std::string left_behind(const Model& model, const Host& host) {
  const auto found = model.removals.find(host.id);
  std::string names;
  for (const Removal& removal : found == model.removals.end() ? std::vector<Removal>{} : found->second) {
    if (removal.kind == ObjectKind::vm) names += (names.empty() ? "" : ", ") + removal.name;
  }
  return names.empty() ? names : "; its PC was not seen to remove " + names + ", and is not told any more if it comes back";
}

template <class Drop, class Rows>
Reply drop(Deciding& deciding, const Rows& rows, const DeleteObject& request) {
  const auto* found = find_by_name(rows, request.name);
  const auto named = std::count_if(rows.begin(), rows.end(), [&](const auto& entry) { return entry.second.name == request.name; });
  if (named > 1) {
    return refuse(Errc::conflict, request.kind + " '" + printable(request.name, 64) + "' exists in several projects: give its id");
  }
  for (const auto& [id, row] : rows) {
    if (found == nullptr && id.str() == request.name) found = &row;
  }
  if (found == nullptr) {
    return refuse(Errc::not_found,
                  "there is no " + request.kind + " '" + printable(request.name, 64) + "'");
  }
  const auto row = *found;
  const std::string user = user_of(deciding.model, row);
  if (!user.empty()) {
    return refuse(Errc::conflict, request.kind + " '" + row.name + "' is used by " + user);
  }
  const std::string left = left_behind(deciding.model, row);
  deciding.put(Drop{row.id});
  deciding.event(request.kind + ".deleted", row.id.uuid, row.name,
                 request.kind + " " + row.name + " is deleted" + left);
  Accepted accepted;
  accepted.object = row.id.uuid;
  accepted.name = row.name;
  return accepted;
}

}  // namespace

Reply delete_object(Deciding& deciding, const DeleteObject& request) {
  const Model& model = deciding.model;
  if (request.kind == "site") return drop<DropSite>(deciding, model.sites, request);
  if (request.kind == "host") return drop<DropHost>(deciding, model.hosts, request);
  if (request.kind == "flavor") return drop<DropFlavor>(deciding, model.flavors, request);
  if (request.kind == "image") return drop<DropImage>(deciding, model.images, request);
  if (request.kind == "keypair") return drop<DropKeyPair>(deciding, model.key_pairs, request);
  if (request.kind == "project") return drop<DropProject>(deciding, model.projects, request);
  return refuse(Errc::invalid_argument, "kind: site, host, flavor, image, keypair or project");
}

}  // namespace dure::control
