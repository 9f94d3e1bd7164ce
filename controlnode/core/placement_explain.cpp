#include "controlnode/core/placement_explain.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace dure::control {
namespace {

std::string_view unit(Dimension dimension) {
  switch (dimension) {
    case Dimension::vcpus: return "vCPU";
    case Dimension::memory: return "MiB memory";
    case Dimension::disk: return "GiB disk";
    case Dimension::site:
    case Dimension::distinct_host:
    case Dimension::unusable: return "";
  }
  return "";
}

// How far a host is from fitting: rules it breaks first, then the worst shortage in 1/1000 of what
// is wanted.
std::tuple<std::size_t, std::int64_t> distance(const std::vector<Refusal>& refusals) {
  std::size_t rules = 0;
  std::int64_t shortage = 0;
  for (const Refusal& refusal : refusals) {
    if (!refusal.detail.empty()) {
      ++rules;
    } else {
      shortage = std::max(shortage, (refusal.wanted - refusal.free) * 1000 /
                                        std::max<std::int64_t>(refusal.wanted, 1));
    }
  }
  return {rules, shortage};
}

std::string describe(const Refusal& refusal) {
  if (!refusal.detail.empty()) return refusal.detail;
  return std::to_string(refusal.free) + " of " + std::to_string(refusal.total) + " " +
         std::string(unit(refusal.dimension)) + " free, " + std::to_string(refusal.wanted) +
         " wanted";
}

}  // namespace

std::string_view to_string(Dimension dimension) {
  switch (dimension) {
    case Dimension::vcpus: return "vcpus";
    case Dimension::memory: return "memory";
    case Dimension::disk: return "disk";
    case Dimension::site: return "site";
    case Dimension::distinct_host: return "distinct-host";
    case Dimension::unusable: return "unusable";
  }
  return "unusable";
}

bool fits(const HostRoom& room, const NodeRequest& wanted) {
  return room.candidate->usable && room.site_allowed &&
         (wanted.role != Role::control_plane || room.control_planes == 0) &&
         wanted.amount.vcpus <= room.free.vcpus &&
         wanted.amount.memory_mib <= room.free.memory_mib &&
         wanted.amount.disk_gib <= room.free.disk_gib;
}

std::vector<Refusal> refusals_of(const HostRoom& room, const NodeRequest& wanted) {
  std::vector<Refusal> refusals;
  const Candidate& host = *room.candidate;
  const auto rule = [&](Dimension dimension, std::string detail) {
    refusals.push_back({host.host, host.name, dimension, 0, 0, 0, std::move(detail)});
  };
  const auto amount = [&](Dimension dimension, std::int64_t want, std::int64_t free,
                          std::int64_t total) {
    if (want <= free) return;
    refusals.push_back({host.host, host.name, dimension, want, std::max<std::int64_t>(free, 0),
                        std::max<std::int64_t>(total, 0), {}});
  };
  if (!host.usable) rule(Dimension::unusable, host.why_not);
  if (!room.site_allowed) rule(Dimension::site, "is at a site that the request does not allow");
  if (wanted.role == Role::control_plane && room.control_planes > 0) {
    rule(Dimension::distinct_host, "holds another control-plane node of the cluster");
  }
  amount(Dimension::vcpus, wanted.amount.vcpus, room.free.vcpus, host.total.vcpus);
  amount(Dimension::memory, wanted.amount.memory_mib, room.free.memory_mib, host.total.memory_mib);
  amount(Dimension::disk, wanted.amount.disk_gib, room.free.disk_gib, host.total.disk_gib);
  return refusals;
}

std::string summarise(std::span<const HostRoom> rooms, const NodeRequest& wanted,
                      std::size_t unplaced, std::size_t total) {
  std::string text = std::to_string(unplaced) + " of " + std::to_string(total) +
                     (total == 1 ? " node does" : " nodes do") + " not fit: ";
  if (rooms.empty()) return text + "there are no hosts";
  std::optional<std::tuple<std::size_t, std::int64_t, HostId>> best;
  std::vector<Refusal> nearest;
  for (const HostRoom& room : rooms) {
    auto refusals = refusals_of(room, wanted);
    const auto [rules, shortage] = distance(refusals);
    const std::tuple key{rules, shortage, room.candidate->host};
    if (best && *best <= key) continue;
    best = key;
    nearest = std::move(refusals);
  }
  text += "for " + wanted.name;
  if (nearest.empty()) return text + " no combination of hosts suffices";
  text += " the nearest host is " + nearest.front().host_name;
  const char* joint = ": ";
  for (const Refusal& refusal : nearest) {
    text += joint + describe(refusal);
    joint = "; ";
  }
  return text;
}

}  // namespace dure::control
