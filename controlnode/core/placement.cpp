#include "controlnode/core/placement.h"

#include <algorithm>
#include <unordered_map>

#include "common/planted.h"
#include "controlnode/core/busy_windows.h"
#include "controlnode/core/placement_explain.h"
#include "controlnode/core/silence.h"

namespace dure::control {
namespace {

// What the host's images take of its disk: overlays grow beside them.
std::int64_t image_gib(const Model& model, const HostObservation* seen) {
  if (seen == nullptr) return 0;
  std::uint64_t bytes = 0;
  for (const ImageReport& image : seen->images) {
    const auto row = model.images.find(image.id);
    if (row == model.images.end()) continue;
    for (const BlobRef& blob : {row->second.disk, row->second.kernel, row->second.initrd}) bytes += blob.size_bytes;
  }
  constexpr std::uint64_t kGib = std::uint64_t{1} << 30;
  return static_cast<std::int64_t>((bytes + kGib - 1) / kGib);
}

// With it a VM would not start, or would have no network.
bool keeps_guests_away(ConditionCode code) {
  switch (code) {
    case ConditionCode::hypervisor_away:
    case ConditionCode::storage:
    case ConditionCode::no_space:
    case ConditionCode::network:
    case ConditionCode::address:
    case ConditionCode::uplink:
    case ConditionCode::order_refused: return true;
    case ConditionCode::capacity:  // what there is less of is not given away
    case ConditionCode::clock: return false;
  }
  return true;
}

std::string owed(const std::vector<Removal>& removals) {
  std::string first;
  std::size_t more = 0;
  // VMs are behind networks, and tell more.
  for (auto removal = removals.rbegin(); removal != removals.rend(); ++removal) {
    if (!removal->owed) continue;
    if (first.empty()) {
      first = "has not removed " + removal->name + " yet";
    } else {
      ++more;
    }
  }
  return more == 0 ? first : first + ", and " + std::to_string(more) + " more";
}

}  // namespace

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

Resources present(const Host& host, const HostObservation* seen) {
  Resources there = host.capacity;
  if (seen == nullptr) return there;
  const auto least = [](std::int64_t typed, std::uint64_t reported) {
    return reported == 0 ? typed : static_cast<std::int64_t>(std::min<std::uint64_t>(reported, static_cast<std::uint64_t>(typed)));
  };
  there.vcpus = least(there.vcpus, seen->capacity.vcpus);
  there.memory_mib = least(there.memory_mib, seen->capacity.memory_mib);
  there.disk_gib = least(there.disk_gib, seen->capacity.disk_gib);
  return there;
}

std::int64_t vcpus_of(const Host& host, std::int64_t cpus, const Settings& settings) {
  if (host.vcpu_overcommit_percent) return cpus * *host.vcpu_overcommit_percent / 100;
  return static_cast<std::int64_t>(static_cast<double>(cpus) * settings.vcpu_overcommit);
}

Resources allocatable(const Model& model, const Host& host) {
  const auto found = model.observations.find(host.id);
  const auto* seen = found == model.observations.end() ? nullptr : &found->second;
  const Resources there = present(host, seen);
  return {vcpus_of(host, there.vcpus, model.settings) - host.reserve.vcpus, there.memory_mib - host.reserve.memory_mib,
          there.disk_gib - host.reserve.disk_gib - image_gib(model, seen)};
}

Candidate candidate_of(const Model& model, const Host& host, const Resources& claimed, std::uint32_t nodes,
                       const Now& now) {
  Candidate candidate;
  candidate.host = host.id;
  candidate.name = host.name;
  candidate.site = host.site;
  candidate.host_class = host.host_class;
  candidate.room = host.room;
  for (const auto& [key, value] : host.labels) candidate.labels.push_back(key + "=" + value);
  candidate.busy = not_over(host.busy, now.date);
  candidate.total = allocatable(model, host);
  candidate.free = {candidate.total.vcpus - claimed.vcpus, candidate.total.memory_mib - claimed.memory_mib,
                    candidate.total.disk_gib - claimed.disk_gib};
  candidate.nodes = nodes;
  auto why = why_unusable(model, host.id, nodes, now);
  candidate.reason = why.code;
  candidate.why_not = std::move(why.text);
  candidate.usable = why.code == Unusable::no;
  return candidate;
}

std::vector<Candidate> candidates(const Model& model, const Now& now) {
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

WhyUnusable why_unusable(const Model& model, const HostId& id, std::uint32_t nodes, const Now& now) {
  const Host& host = model.hosts.at(id);
  if (host.lost_at) {
    return {Unusable::lost, "was given up at " + to_rfc3339(*host.lost_at) + ": 'dure host replace' puts another PC in its place"};
  }
  const auto found = model.observations.find(id);
  if (found == model.observations.end()) return {Unusable::not_reported, "has not reported yet"};
  const HostObservation& seen = found->second;
  if (silent(model, id, now.steady)) return {Unusable::silent, "has been silent since " + to_rfc3339(seen.seen_at)};
  if (!heard(model, id)) return {Unusable::silent, "has not reported since the control node started"};
  if (seen.accepted_generation > host.generation) {
    return {Unusable::restored, "knows a newer order than the database: was it restored from a backup?"};
  }
  for (const SeenCondition& each : seen.conditions) {
    if (keeps_guests_away(each.condition.code)) return {Unusable::not_ready, each.condition.message};
  }
  if (const auto removals = model.removals.find(id); removals != model.removals.end() && !planted(Bug::owing_is_usable)) {
    if (std::string text = owed(removals->second); !text.empty()) return {Unusable::owes, std::move(text)};
  }
  if (nodes >= kMaxNodesPerHost) {
    return {Unusable::crowded, "holds " + std::to_string(nodes) + " nodes, the most that one host may hold"};
  }
  // Last, so that a host of which this is said is usable once it is uncordoned.
  if (host.cordoned) return {Unusable::cordoned, "is cordoned"};
  return {};
}

}  // namespace dure::control
