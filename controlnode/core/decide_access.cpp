#include <algorithm>

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/operations.h"

namespace dure::control {
namespace {

constexpr std::int64_t kLeastSeconds = 600;
constexpr std::int64_t kMostSeconds = std::int64_t{30} * 24 * 3600;
constexpr std::size_t kMostAccesses = 100;

// The control-plane members hold the list of who may come in. The revision of the list as it is then.
std::uint64_t tell_control_planes(Deciding& deciding, const ClusterId& id) {
  touch_control_planes(deciding, id);
  const auto found = deciding.model.clusters.find(id);
  if (found == deciding.model.clusters.end()) return 0;
  Cluster cluster = found->second;
  ++cluster.access_revision;
  deciding.put(cluster);
  return cluster.access_revision;
}

// Of at most 40 characters, as any name here: certificates have 64 for it.
std::string user_of(const AccessId& id) { return "dure:" + id.str(); }

std::optional<Refused> not_open(const Cluster& cluster) {
  if (cluster.kubernetes.version.empty()) {
    return Refused{Error{Errc::invalid_argument,
                         "cluster '" + cluster.name +
                             "' has plain nodes: its image carries no Kubernetes. 'dure image list -o wide' "
                             "shows which images do"},
                   {}};
  }
  if (cluster.state != ClusterState::deleting) return std::nullopt;
  return Refused{Error{Errc::conflict, "cluster '" + cluster.name + "' is being deleted"}, {}};
}

}  // namespace

Reply give_access(Deciding& deciding, const GiveAccess& request) {
  const auto found = find_cluster(deciding, request.cluster);
  if (!found) return Refused{found.error(), {}};
  if (auto refused = not_open(*found)) return *refused;
  if (request.seconds < kLeastSeconds || request.seconds > kMostSeconds) {
    return refuse(Errc::invalid_argument, "seconds: 600 (ten minutes) to 2592000 (thirty days)");
  }
  const auto& accesses = deciding.model.accesses;
  const auto count = static_cast<std::size_t>(std::count_if(
      accesses.begin(), accesses.end(), [&](const auto& entry) { return entry.second.cluster == found->id; }));
  if (count >= kMostAccesses) {
    return refuse(Errc::conflict, "cluster '" + found->name + "' has " + std::to_string(count) +
                                      " credentials already: wait until some have run out");
  }
  ClusterAccess access;
  access.id = deciding.ids.make<AccessId>();
  access.cluster = found->id;
  access.user = user_of(access.id);
  access.issued_at = deciding.now;
  access.expires_at = deciding.now + Duration{request.seconds * 1'000'000};
  access.revision = tell_control_planes(deciding, found->id);
  deciding.put(access);
  deciding.event("cluster.access-given", found->id.uuid, found->name,
                 access.user + " may use " + found->name + " until " + to_rfc3339(access.expires_at));
  Accepted accepted;
  accepted.object = access.id.uuid;
  accepted.name = found->name;
  accepted.access = access;
  return accepted;
}

Reply revoke_access(Deciding& deciding, const RevokeAccess& request) {
  const auto found = find_cluster(deciding, request.cluster);
  if (!found) return Refused{found.error(), {}};
  for (const auto& [id, row] : deciding.model.accesses) {
    if (row.cluster != found->id || row.user != request.user) continue;
    ClusterAccess access = row;
    if (!access.revoked_at) {
      access.revoked_at = deciding.now;
      access.revision = tell_control_planes(deciding, found->id);
      deciding.put(access);
      deciding.event("cluster.access-revoked", found->id.uuid, found->name,
                     access.user + " may not use " + found->name + " any more");
    }
    Accepted accepted;
    accepted.object = access.id.uuid;
    accepted.name = found->name;
    return accepted;
  }
  return refuse(Errc::not_found, "cluster '" + found->name + "' has no credential of user '" +
                                     printable(request.user, 64) + "'");
}

void expire_accesses(Deciding& deciding) {
  if (!deciding.at.dates_hold) return;
  std::vector<ClusterAccess> expired;
  for (const auto& [id, access] : deciding.model.accesses) {
    if (access.expires_at <= deciding.now) expired.push_back(access);
  }
  for (const ClusterAccess& access : expired) {
    deciding.put(DropAccess{access.id});
    tell_control_planes(deciding, access.cluster);
  }
}

}  // namespace dure::control
