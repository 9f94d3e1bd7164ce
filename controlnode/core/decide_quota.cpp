#include "controlnode/core/decide_quota.h"

#include <algorithm>

#include "controlnode/core/near_sites.h"
#include "controlnode/core/placement/remedy_text.h"

namespace dure::control {
namespace {

Usage wanted_by(std::span<const NodeRequest> nodes, Growth growth) {
  Usage usage;
  for (const NodeRequest& node : nodes) count_in(usage, node.amount, 1);
  usage.clusters = growth == Growth::new_cluster ? 1 : 0;
  return usage;
}

std::uint32_t workers_in(std::span<const NodeRequest> nodes) {
  return static_cast<std::uint32_t>(
      std::count_if(nodes.begin(), nodes.end(), [](const NodeRequest& node) { return node.role == Role::worker; }));
}

// The most workers with which the cluster is within the quota and has a place.
std::optional<Remedy> fewer_workers(const Deciding& deciding, const Project& project, const Usage& used,
                                    FleetQuestion question) {
  const std::uint32_t asked = workers_in(question.wanted);
  while (beyond(project, used, wanted_by(question.wanted, Growth::new_cluster))) {
    if (question.wanted.empty() || question.wanted.back().role != Role::worker) return std::nullopt;
    question.wanted.pop_back();
  }
  if (question.wanted.empty()) return std::nullopt;
  Remedy remedy;
  remedy.kind = RemedyKind::fewer_workers;
  remedy.count = workers_in(question.wanted);
  const NearRule near = near_rule(deciding.model, question.wanted, deciding.steady);
  if (!place_near(near, question).unplaced.empty()) {
    // Within the quota, and still too many for the hosts.
    const auto offered = remedies(question, {});
    const auto fewer = std::find_if(offered.begin(), offered.end(),
                                    [](const Remedy& one) { return one.kind == RemedyKind::fewer_workers; });
    if (fewer == offered.end()) return std::nullopt;
    remedy.count = fewer->count;
  }
  remedy.size = std::int64_t{asked - remedy.count} * 1000 / std::max<std::uint32_t>(asked, 1);
  remedy.text = fewer_text(Role::worker, remedy.count, asked);
  return remedy;
}

}  // namespace

std::optional<Refused> beyond_quota(const Deciding& deciding, const std::optional<ProjectId>& id,
                                    const FleetQuestion& question, Growth growth, std::span<const Node> replaced) {
  if (!id) return std::nullopt;
  const Project& project = deciding.model.projects.at(*id);
  if (project.quota == Quota{}) return std::nullopt;
  Usage used = deciding.index().usage_of(*id);
  for (const Node& node : replaced) {
    const auto claim = deciding.model.claims.find(node.id);
    if (claim != deciding.model.claims.end() && !claim->second.replaced) count_in(used, claim->second.amount, -1);
  }
  const auto error = beyond(project, used, wanted_by(question.wanted, growth));
  if (!error) return std::nullopt;
  Refused refused{*error, {}};
  if (growth == Growth::more_nodes) return refused;
  if (auto remedy = fewer_workers(deciding, project, used, question)) refused.remedies.push_back(std::move(*remedy));
  return refused;
}

}  // namespace dure::control
