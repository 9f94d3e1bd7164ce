#include "controlnode/core/placement.h"

#include <algorithm>
#include <map>

#include "controlnode/core/busy_windows.h"
#include "controlnode/core/placement/gang.h"
#include "controlnode/core/placement_explain.h"

namespace dure::control {

PlacementOutcome place_all(std::span<const Candidate> hosts, std::span<const NodeRequest> wanted,
                           const PlacementPolicy& policy) {
  PlacementOutcome outcome;
  const auto order = placing_order(wanted);
  Fleet fleet(hosts);
  const GangAnswer answer = place_gang(fleet, order, policy, false);
  for (std::size_t i = 0; i < answer.hosts.size(); ++i) {
    outcome.placed.push_back({order[i].node, fleet.id(answer.hosts[i])});
  }
  if (answer.hosts.empty() && !order.empty()) explain_refusal(fleet, hosts, order, policy, outcome);
  return outcome;
}

std::vector<Candidate> candidates(const Model& model, TimePoint now) {
  std::map<HostId, Candidate> by_host;
  for (const auto& [id, host] : model.hosts) {
    Candidate& candidate = by_host[id];
    candidate.host = id;
    candidate.name = host.name;
    candidate.site = host.site;
    candidate.host_class = host.host_class;
    candidate.room = host.room;
    for (const auto& [key, value] : host.labels) candidate.labels.push_back(key + "=" + value);
    candidate.busy = not_over(host.busy, now);
    candidate.total = {static_cast<std::int64_t>(static_cast<double>(host.capacity.vcpus) *
                                                 model.settings.vcpu_overcommit) -
                           host.reserve.vcpus,
                       host.capacity.memory_mib - host.reserve.memory_mib,
                       host.capacity.disk_gib - host.reserve.disk_gib};
    candidate.free = candidate.total;
  }
  for (const auto& [node, claim] : model.claims) {
    const auto found = by_host.find(claim.host);
    if (found == by_host.end()) continue;
    Candidate& candidate = found->second;
    candidate.free.vcpus -= claim.amount.vcpus;
    candidate.free.memory_mib -= claim.amount.memory_mib;
    candidate.free.disk_gib -= claim.amount.disk_gib;
    ++candidate.nodes;
  }
  std::vector<Candidate> result;
  for (auto& [id, candidate] : by_host) {
    auto why = why_unusable(model, id, candidate.nodes, now);
    candidate.reason = why.code;
    candidate.why_not = std::move(why.text);
    candidate.usable = why.code == Unusable::no;
    result.push_back(std::move(candidate));
  }
  return result;
}

WhyUnusable why_unusable(const Model& model, const HostId& id, std::uint32_t nodes, TimePoint now) {
  const Host& host = model.hosts.at(id);
  const auto found = model.observations.find(id);
  if (found == model.observations.end()) return {Unusable::not_reported, "has not reported yet"};
  const HostObservation& seen = found->second;
  if (now - seen.seen_at >= Duration{model.settings.silent_after_s * 1'000'000}) {
    return {Unusable::silent, "has been silent since " + to_rfc3339(seen.seen_at)};
  }
  if (seen.accepted_generation > host.generation) {
    return {Unusable::restored, "knows a newer order than the database: was it restored from a backup?"};
  }
  if (nodes >= kMaxNodesPerHost) {
    return {Unusable::crowded, "holds " + std::to_string(nodes) + " nodes, the most that one host may hold"};
  }
  // Last, so that a host of which this is said is usable once it is uncordoned.
  if (host.cordoned) return {Unusable::cordoned, "is cordoned"};
  return {};
}

}  // namespace dure::control
