#include "controlnode/core/placement/record.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "common/sha256.h"

namespace dure::control {
namespace {

bool by_id(const Candidate& a, const Candidate& b) { return a.host < b.host; }

// Null: it is not there.
const Candidate* find(std::span<const Candidate> fleet, const HostId& id) {
  const auto found = std::lower_bound(fleet.begin(), fleet.end(), id,
                                      [](const Candidate& host, const HostId& sought) { return host.host < sought; });
  return found == fleet.end() || found->host != id ? nullptr : &*found;
}

// A digest over values that cannot run into each other.
class Summing {
 public:
  void number(std::uint64_t value) {
    std::array<std::byte, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
    hash_.update(bytes);
  }
  void text(std::string_view value) {
    number(value.size());
    hash_.update(std::as_bytes(std::span(value.data(), value.size())));
  }
  Digest finish() { return hash_.finish(); }

 private:
  Sha256 hash_;
};

Digest digest_of(std::span<const Refusal> refusals) {
  if (refusals.empty()) return {};
  Summing sum;
  for (const Refusal& refusal : refusals) {
    sum.text(refusal.host.str());
    sum.text(refusal.host_name);
    sum.text(to_string(refusal.dimension));
    for (const std::int64_t value : {refusal.wanted, refusal.free, refusal.total}) {
      sum.number(static_cast<std::uint64_t>(value));
    }
    sum.text(refusal.detail);
  }
  return sum.finish();
}

std::uint64_t weight_of(const Candidate& host) {
  std::uint64_t bytes = 120 + host.name.size() + host.why_not.size() + host.room.size() +
                        16 * (host.busy.size() + host.images.size());
  for (const std::string& label : host.labels) bytes += 4 + label.size();
  return bytes;
}

}  // namespace

std::string_view to_string(PlacementKind kind) {
  switch (kind) {
    case PlacementKind::create: return "create";
    case PlacementKind::scale: return "scale";
    case PlacementKind::replace: return "replace";
    case PlacementKind::repair: return "repair";
  }
  return "create";
}

FleetDelta difference(std::span<const Candidate> before, std::span<const Candidate> after) {
  FleetDelta delta;
  auto old = before.begin();
  for (const Candidate& host : after) {
    for (; old != before.end() && old->host < host.host; ++old) delta.removed.push_back(old->host);
    const bool known = old != before.end() && old->host == host.host;
    if (!known || !(*old == host)) delta.changed.push_back(host);
    if (known) ++old;
  }
  for (; old != before.end(); ++old) delta.removed.push_back(old->host);
  return delta;
}

FleetDelta difference(std::span<const Candidate> before, std::span<const Candidate> after,
                      const std::set<HostId>& changed) {
  FleetDelta delta;
  for (const HostId& id : changed) {
    const Candidate* now = find(after, id);
    const Candidate* then = find(before, id);
    if (now == nullptr && then != nullptr) delta.removed.push_back(id);
    if (now != nullptr && (then == nullptr || !(*then == *now))) delta.changed.push_back(*now);
  }
  return delta;
}

void apply_delta(std::vector<Candidate>& fleet, const FleetDelta& delta) {
  if (!delta.removed.empty()) {
    std::erase_if(fleet, [&](const Candidate& host) {
      return std::binary_search(delta.removed.begin(), delta.removed.end(), host.host);
    });
  }
  // Mostly a few hosts of many are other than before: those are replaced where they are.
  const auto known = static_cast<std::ptrdiff_t>(fleet.size());
  for (const Candidate& host : delta.changed) {
    const auto end = fleet.begin() + known;
    const auto found = std::lower_bound(fleet.begin(), end, host, &by_id);
    if (found != end && found->host == host.host) {
      *found = host;
    } else {
      fleet.push_back(host);
    }
  }
  std::inplace_merge(fleet.begin(), fleet.begin() + known, fleet.end(), &by_id);
}

std::vector<Candidate> fleet_of(std::span<const FleetDelta> deltas) {
  std::vector<Candidate> fleet;
  for (const FleetDelta& delta : deltas) apply_delta(fleet, delta);
  return fleet;
}

PlacementRecord record_of(PlacementKind kind, const ClusterId& cluster, std::string cluster_name,
                          const std::vector<NodeRequest>& wanted, const PlacementPolicy& policy, NearRule near) {
  PlacementRecord record;
  record.kind = kind;
  record.cluster = cluster;
  record.cluster_name = std::move(cluster_name);
  record.wanted = wanted;
  record.policy = policy;
  record.near = std::move(near);
  return record;
}

void set_answer(PlacementRecord& record, const PlacementOutcome& outcome) {
  record.placed = outcome.placed;
  record.unplaced = outcome.unplaced;
  record.summary = outcome.summary;
  record.refusals = outcome.refusals.size();
  record.refusals_digest = digest_of(outcome.refusals);
}

std::uint64_t weight_of(const PlacementRecord& record) {
  const PlacementPolicy& policy = record.policy;
  std::uint64_t bytes = 200 + record.cluster_name.size() + record.summary.size();
  for (const NodeRequest& node : record.wanted) bytes += 40 + node.name.size();
  bytes += 20 * (policy.sites.size() + policy.members.size() + record.unplaced.size() + record.fleet.removed.size());
  bytes += 40 * (policy.round_trips.size() + record.near.distances.size() + record.placed.size());
  for (const PoolRules& rules : policy.pools) {
    bytes += 20 * (rules.sites.size() + rules.classes.size());
    for (const std::string& room : rules.rooms) bytes += 4 + room.size();
    for (const std::string& label : rules.labels) bytes += 4 + label.size();
  }
  for (const ClosedSite& closed : policy.closed) bytes += 20 + closed.why.size();
  for (const auto& [site, name] : record.near.names) bytes += 20 + name.size();
  for (const RecordedRemedy& remedy : record.remedies) bytes += 8 + remedy.code.size() + remedy.text.size();
  for (const Candidate& host : record.fleet.changed) bytes += weight_of(host);
  return bytes;
}

Replayed replay(const PlacementRecord& record, std::vector<Candidate> fleet) {
  Replayed again;
  again.question = {std::move(fleet), record.wanted, record.policy};
  again.outcome = place_near(record.near, again.question);
  again.placements = again.outcome.placed == record.placed;
  again.unplaced = again.outcome.unplaced == record.unplaced;
  again.summary = again.outcome.summary == record.summary;
  again.refusals = again.outcome.refusals.size() == record.refusals &&
                   digest_of(again.outcome.refusals) == record.refusals_digest;
  return again;
}

}  // namespace dure::control
