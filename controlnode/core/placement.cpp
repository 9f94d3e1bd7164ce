#include "controlnode/core/placement.h"

#include <algorithm>
#include <unordered_map>

#include "controlnode/core/busy_windows.h"
#include "controlnode/core/placement_explain.h"

namespace dure::control {

PlacementOutcome place_all(const FleetQuestion& question) {
  PlacementOutcome outcome;
  const auto order = placing_order(question.wanted);
  const GangAnswer answer = place_gang(question.fleet, order, question.policy, false);
  for (std::size_t i = 0; i < answer.hosts.size(); ++i) {
    outcome.placed.push_back({order[i].node, question.fleet.id(answer.hosts[i])});
  }
  if (answer.hosts.empty() && !order.empty()) explain_refusal(question, order, outcome);
  return outcome;
}

PlacementOutcome place_all(std::span<const Candidate> hosts, std::span<const NodeRequest> wanted,
                           const PlacementPolicy& policy) {
  const auto sorted = sorted_by_id(hosts);
  Fleet fleet(sorted);
  return place_all(FleetQuestion{fleet, sorted, {wanted.begin(), wanted.end()}, policy});
}

std::vector<Candidate> sorted_by_id(std::span<const Candidate> hosts) {
  std::vector<Candidate> sorted(hosts.begin(), hosts.end());
  std::sort(sorted.begin(), sorted.end(), [](const Candidate& a, const Candidate& b) { return a.host < b.host; });
  return sorted;
}

std::int64_t vcpus_of(const Host& host, const Settings& settings) {
  if (host.vcpu_overcommit_percent) return host.capacity.vcpus * *host.vcpu_overcommit_percent / 100;
  return static_cast<std::int64_t>(static_cast<double>(host.capacity.vcpus) * settings.vcpu_overcommit);
}

Resources allocatable(const Host& host, const Settings& settings) {
  return {vcpus_of(host, settings) - host.reserve.vcpus, host.capacity.memory_mib - host.reserve.memory_mib,
          host.capacity.disk_gib - host.reserve.disk_gib};
}

Candidate candidate_of(const Model& model, const Host& host, const Resources& claimed, std::uint32_t nodes,
                       TimePoint now) {
  Candidate candidate;
  candidate.host = host.id;
  candidate.name = host.name;
  candidate.site = host.site;
  candidate.host_class = host.host_class;
  candidate.room = host.room;
  for (const auto& [key, value] : host.labels) candidate.labels.push_back(key + "=" + value);
  candidate.busy = not_over(host.busy, now);
  candidate.total = allocatable(host, model.settings);
  candidate.free = {candidate.total.vcpus - claimed.vcpus, candidate.total.memory_mib - claimed.memory_mib,
                    candidate.total.disk_gib - claimed.disk_gib};
  candidate.nodes = nodes;
  auto why = why_unusable(model, host.id, nodes, now);
  candidate.reason = why.code;
  candidate.why_not = std::move(why.text);
  candidate.usable = why.code == Unusable::no;
  return candidate;
}

std::vector<Candidate> candidates(const Model& model, TimePoint now) {
  struct Held {
    Resources claimed;
    std::uint32_t nodes = 0;
  };
  std::unordered_map<HostId, Held, IdHash> held;
  for (const auto& [node, claim] : model.claims) {
    Held& host = held[claim.host];
    host.claimed.vcpus += claim.amount.vcpus;
    host.claimed.memory_mib += claim.amount.memory_mib;
    host.claimed.disk_gib += claim.amount.disk_gib;
    ++host.nodes;
  }
  std::vector<Candidate> result;
  result.reserve(model.hosts.size());
  for (const auto& [id, host] : model.hosts) {
    const Held& here = held[id];
    result.push_back(candidate_of(model, host, here.claimed, here.nodes, now));
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
