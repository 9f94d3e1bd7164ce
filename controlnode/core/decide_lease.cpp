#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/planted.h"
#include "controlnode/core/busy_windows.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/decide_power.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/placement/fleet.h"

namespace dure::control {
namespace {

std::string end_of(const std::optional<TimePoint>& until) {
  return until ? "ends at " + to_rfc3339(*until) : std::string("has no end");
}

// A window of a member's host that the longer time would meet.
struct Conflict {
  const Host* host = nullptr;
  std::string nodes;      // of the cluster, that are on it
  BusyWindow window;
};

// By the window's beginning, the earliest first. What the lease meets already is no matter of its longer time.
std::vector<Conflict> conflicts(const Deciding& deciding, const Cluster& cluster, TimePoint from,
                                const std::optional<TimePoint>& until) {
  std::map<HostId, std::string> nodes_on;
  for (const Node* node : deciding.index().members_of(cluster.id)) {
    if (node->state == NodeState::draining) continue;
    std::string& names = nodes_on[node->host];
    names += (names.empty() ? "" : ", ") + node->name;
  }
  std::vector<Conflict> found;
  for (const auto& [id, names] : nodes_on) {
    const auto host = deciding.model.hosts.find(id);
    if (host == deciding.model.hosts.end()) continue;
    const BusyWindow* window = meets(host->second.busy, from, until);
    if (window != nullptr) found.push_back({&host->second, names, *window});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Conflict& a, const Conflict& b) { return a.window.from < b.window.from; });
  return found;
}

Refused refuse_extension(const Cluster& cluster, const std::vector<Conflict>& found, TimePoint from) {
  const Conflict& first = found.front();
  std::string message = "cluster '" + cluster.name + "' cannot stay so long: host " + first.host->name + ", which has " +
                        first.nodes + ", is needed by its owner from " + to_rfc3339(first.window.from) + " until " +
                        to_rfc3339(first.window.until);
  if (found.size() > 1) message += ", and " + std::to_string(found.size() - 1) + " more of its hosts later";
  Refused refused{Error{Errc::no_capacity, std::move(message)}, {}};
  for (const Conflict& conflict : found) {
    refused.refusals.push_back({conflict.host->id, conflict.host->name, Dimension::busy, 0, 0, 0,
                                "is needed by its owner from " + to_rfc3339(conflict.window.from) + " until " +
                                    to_rfc3339(conflict.window.until)});
  }
  if (first.window.from > from) {
    Remedy remedy;
    remedy.kind = RemedyKind::shorter_lease;
    remedy.at = first.window.from;
    remedy.text = "if it ends by " + to_rfc3339(first.window.from);
    refused.remedies.push_back(std::move(remedy));
  }
  return refused;
}

}  // namespace

std::optional<Error> lease_fault(const std::optional<TimePoint>& until, TimePoint now) {
  if (!until) return std::nullopt;
  if (*until > now + kFarthestTime) return Error{Errc::invalid_argument, "until: is more than 100 years from now"};
  if (*until > now) return std::nullopt;
  return Error{Errc::invalid_argument, "until: " + to_rfc3339(*until) + " is in the past; it is " + to_rfc3339(now) +
                                           " now"};
}

Reply extend_cluster(Deciding& deciding, const ExtendCluster& request) {
  const auto found = find_cluster(deciding, request.cluster);
  if (!found) return Refused{found.error(), {}};
  Cluster cluster = *found;
  if (cluster.state == ClusterState::deleting) {
    return refuse(Errc::conflict, "cluster '" + cluster.name + "' is being deleted");
  }
  if (const auto fault = lease_fault(request.until, deciding.now)) return Refused{*fault, {}};
  const bool longer = cluster.until && (!request.until || *request.until > *cluster.until);
  if (longer) {
    const TimePoint from = std::max(*cluster.until, deciding.now);
    const auto met = conflicts(deciding, cluster, from, request.until);
    if (!met.empty()) return refuse_extension(cluster, met, from);
  }
  if (cluster.until != request.until) {
    cluster.until = request.until;
    cluster.delete_at.reset();
    deciding.put(cluster);
    deciding.event("cluster.extended", cluster.id.uuid, cluster.name, cluster.name + " " + end_of(cluster.until));
    for (const Node& node : members_of(deciding, cluster.id)) {
      if (node.power == Power::lapsed) switch_on(deciding, node);
    }
  }
  Accepted accepted;
  accepted.object = cluster.id.uuid;
  accepted.name = cluster.name;
  return accepted;
}

namespace {

// Switched off first: what is on its disks is lost only when nobody has said a word for a while after that.
void lapse(Deciding& deciding, Cluster& cluster) {
  cluster.delete_at = deciding.now + Duration{deciding.model.settings.lease_grace_s * 1'000'000};
  deciding.put(cluster);
  deciding.event("cluster.expired", cluster.id.uuid, cluster.name,
                 "the lease of " + cluster.name + " ended at " + to_rfc3339(*cluster.until) + ": it is switched off, and deleted at " +
                     to_rfc3339(*cluster.delete_at) + " unless it is extended before");
  for (const Node& node : members_of(deciding, cluster.id)) {
    if (node.power == Power::on) switch_off(deciding, node, Power::lapsed);
  }
}

}  // namespace

void expire_leases(Deciding& deciding) {
  if (!deciding.at.dates_hold) return;
  std::vector<Cluster> ended;
  for (const auto& [id, cluster] : deciding.model.clusters) {
    const bool over = cluster.until && *cluster.until <= deciding.now;
    if (over && cluster.state != ClusterState::deleting) ended.push_back(cluster);
  }
  for (Cluster& cluster : ended) {
    if (!cluster.delete_at) lapse(deciding, cluster);
    if (*cluster.delete_at > deciding.now && !planted(Bug::lapse_deletes)) continue;
    deciding.event("cluster.lease-over", cluster.id.uuid, cluster.name,
                   "the lease of " + cluster.name + " ended at " + to_rfc3339(*cluster.until) + " and was not extended");
    start_deletion(deciding, cluster);
  }
}

}  // namespace dure::control
