#include "controlnode/core/placement/remedy_text.h"

#include <algorithm>
#include <map>

#include "controlnode/core/placement.h"

namespace dure::control {
namespace {

constexpr std::size_t kNamesShown = 3;
constexpr std::size_t kReasonsShown = 6;

std::string quantity(Dimension dimension, std::int64_t amount) {
  switch (dimension) {
    case Dimension::vcpus: return std::to_string(amount) + " more vCPU";
    case Dimension::memory:
      return amount % 1024 == 0 ? std::to_string(amount / 1024) + " more GiB of memory"
                                : std::to_string(amount) + " more MiB of memory";
    case Dimension::disk: return std::to_string(amount) + " more GiB of disk";
    case Dimension::site:
    case Dimension::distinct_host:
    case Dimension::unusable:
    case Dimension::room:
    case Dimension::label:
    case Dimension::host_class:
    case Dimension::apart:
    case Dimension::busy:
    case Dimension::survive:
    case Dimension::round_trip: return {};
  }
  return {};
}

// What hosts with this reason are or lack, after their number.
std::string reason_text(Dimension dimension) {
  switch (dimension) {
    case Dimension::vcpus: return "have too few vCPUs free";
    case Dimension::memory: return "have too little memory free";
    case Dimension::disk: return "have too little disk free";
    case Dimension::site: return "are at a site that the request does not allow";
    case Dimension::distinct_host: return "hold a control-plane node of the cluster already";
    case Dimension::unusable: return "take no new nodes now";
    case Dimension::room: return "are not in a room that the request allows";
    case Dimension::label: return "lack a label that the request asks for";
    case Dimension::host_class: return "are not of a class that the request allows";
    case Dimension::apart: return "hold a node of the cluster already, and its nodes are to be apart";
    case Dimension::busy: return "are needed by their owner in that time";
    case Dimension::survive: return "would hold too many control-plane nodes in one place";
    case Dimension::round_trip: return "are too far from the other control-plane nodes";
  }
  return {};
}

std::string joined(std::span<const std::string> names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most ? text + ", ..." : text;
}

}  // namespace

std::string_view to_string(RemedyKind kind) {
  switch (kind) {
    case RemedyKind::fewer_workers: return "fewer-workers";
    case RemedyKind::fewer_control_planes: return "fewer-control-planes";
    case RemedyKind::smaller_flavor: return "smaller-flavor";
    case RemedyKind::more_room: return "more-room";
    case RemedyKind::later: return "later";
    case RemedyKind::shorter_lease: return "shorter-lease";
    case RemedyKind::without_apart: return "without-apart";
    case RemedyKind::without_survival: return "without-survival";
    case RemedyKind::other_sites: return "other-sites";
    case RemedyKind::without_pool_rules: return "without-pool-rules";
    case RemedyKind::uncordon: return "uncordon";
  }
  return "fewer-workers";
}

std::string fewer_text(Role role, std::uint32_t left, std::uint32_t wanted) {
  const std::string what = role == Role::worker ? "worker" : "control-plane node";
  return "with " + std::to_string(left) + " " + what + (left == 1 ? "" : "s") + " instead of " + std::to_string(wanted);
}

std::string flavor_text(const FlavorOffer& flavor) {
  return "with flavor " + flavor.name + " (" + std::to_string(flavor.amount.vcpus) + " vCPU, " +
         std::to_string(flavor.amount.memory_mib) + " MiB memory, " + std::to_string(flavor.amount.disk_gib) +
         " GiB disk) for all nodes";
}

std::string without_text(RemedyKind kind) {
  if (kind == RemedyKind::without_apart) return "if nodes of the cluster may share a host";
  if (kind == RemedyKind::without_survival) return "if it need not survive the loss of a host, room or site";
  if (kind == RemedyKind::other_sites) return "if all sites are allowed";
  return "without the rules for its pools (sites, rooms, labels, classes)";
}

std::string more_text(const Remedy& remedy, std::span<const std::string> names, const std::string& whole_room) {
  const std::string what = "with " + quantity(remedy.dimension, remedy.more) + " on ";
  if (!whole_room.empty()) return what + "any PC of room " + whole_room;
  return what + (names.size() > 1 ? "one of " : "") + joined(names, 5);
}

std::string later_text(TimePoint begin, const std::string& freed) {
  return "at " + to_rfc3339(begin) + (freed.empty() ? "" : ", when " + freed + " is free") +
         ", if nothing else changes";
}

std::vector<ReasonCount> tally(std::span<const Refusal> refusals) {
  std::map<HostId, std::pair<std::string, std::vector<Dimension>>> by_host;
  for (const Refusal& refusal : refusals) {
    by_host[refusal.host].first = refusal.host_name;
    by_host[refusal.host].second.push_back(refusal.dimension);
  }
  std::map<std::vector<Dimension>, ReasonCount> counts;
  for (auto& [host, entry] : by_host) {
    std::sort(entry.second.begin(), entry.second.end());
    ReasonCount& count = counts[entry.second];
    count.reasons = entry.second;
    ++count.hosts;
    if (count.names.size() <= kNamesShown) count.names.push_back(entry.first);
  }
  std::vector<ReasonCount> sorted;
  for (auto& [reasons, count] : counts) sorted.push_back(std::move(count));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ReasonCount& a, const ReasonCount& b) { return a.hosts > b.hosts; });
  return sorted;
}

std::string explain(const Question& question, std::span<const FlavorOffer> offers) {
  const PlacementOutcome outcome = place_all(question.hosts, question.wanted, question.policy);
  if (outcome.unplaced.empty()) return "It fits.\n";
  std::string text = "It does not fit: " + outcome.summary + ".\n";
  const auto counts = tally(outcome.refusals);
  if (!counts.empty()) text += "Why, by host:\n";
  for (std::size_t i = 0; i < std::min(counts.size(), kReasonsShown); ++i) {
    text += "  " + std::to_string(counts[i].hosts) + (counts[i].hosts == 1 ? " host (" : " hosts (") +
            joined(counts[i].names, kNamesShown) + "): ";
    for (std::size_t r = 0; r < counts[i].reasons.size(); ++r) {
      text += (r == 0 ? "" : "; ") + reason_text(counts[i].reasons[r]);
    }
    text += "\n";
  }
  const auto found = remedies(question, offers);
  text += found.empty() ? "No small change was found that makes it fit.\n" : "It would fit\n";
  for (const Remedy& remedy : found) text += "  " + remedy.text + "\n";
  return text;
}

}  // namespace dure::control
