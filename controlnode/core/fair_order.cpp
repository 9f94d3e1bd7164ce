#include "controlnode/core/fair_order.h"

#include <algorithm>
#include <string>

namespace dure::control {
namespace {

template <class Kind>
const Kind* as(const Event& event) {
  const auto* request = std::get_if<RequestEvent>(&event);
  return request == nullptr ? nullptr : std::get_if<Kind>(&request->request);
}

bool wants_nodes(const Event& event) {
  return as<CreateCluster>(event) != nullptr || as<ScaleCluster>(event) != nullptr;
}

bool other_request(const Event& event) {
  return std::holds_alternative<RequestEvent>(event) && !wants_nodes(event);
}

}  // namespace

std::int64_t dominant_share(const Resources& held, const Amounts& fleet) {
  const Amounts parts = amounts(held);
  std::int64_t most = 0;
  for (std::size_t d = 0; d < kAmounts; ++d) {
    // Both are far below 2^43: amounts of a host times the number of hosts.
    if (fleet[d] > 0) most = std::max(most, std::max<std::int64_t>(parts[d], 0) * (1 << 20) / fleet[d]);
  }
  return most;
}

// All up to the next request of another kind: they are there at the same time.
void FairOrder::gather(const Deciding& deciding, std::size_t first) {
  std::map<std::string, ProjectId> projects, made;
  for (const auto& [id, project] : deciding.model.projects) projects.emplace(project.name, id);
  const auto project_of = [&](const Event& event) {
    if (const auto* create = as<CreateCluster>(event)) {
      const auto named = projects.find(create->project);
      const ProjectId project = named == projects.end() ? ProjectId{} : named->second;
      made.emplace(create->name, project);
      return project;
    }
    const std::string& name = as<ScaleCluster>(event)->cluster;
    const auto id = ClusterId::parse(name);
    const auto known = id ? deciding.model.clusters.find(*id) : deciding.model.clusters.end();
    if (known != deciding.model.clusters.end()) return known->second.project;
    const auto clusters = deciding.index().clusters_named(name);
    if (!clusters.empty()) return deciding.model.clusters.at(clusters.front()).project;
    const auto earlier = made.find(name);
    return earlier == made.end() ? ProjectId{} : earlier->second;
  };
  for (std::size_t i = first; i < events_.size() && !other_request(events_[i]); ++i) {
    if (wants_nodes(events_[i])) waiting_[project_of(events_[i])].push_back(i);
  }
  for (auto& [project, numbers] : waiting_) std::reverse(numbers.begin(), numbers.end());
}

const Event& FairOrder::at(const Deciding& deciding, std::size_t number) {
  if (!wants_nodes(events_[number])) return events_[number];
  if (waiting_.empty()) gather(deciding, number);
  auto next = waiting_.begin();
  if (waiting_.size() > 1) {
    const Amounts fleet = deciding.hosts().fleet().total();
    const auto rank = [&](const auto& entry) {
      return std::pair{dominant_share(deciding.index().usage_of(entry.first).amount, fleet), entry.second.back()};
    };
    next = std::min_element(waiting_.begin(), waiting_.end(),
                            [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  }
  const std::size_t chosen = next->second.back();
  next->second.pop_back();
  if (next->second.empty()) waiting_.erase(next);
  return events_[chosen];
}

}  // namespace dure::control
