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
    case Dimension::unusable:
    case Dimension::room:
    case Dimension::label:
    case Dimension::host_class:
    case Dimension::apart:
    case Dimension::busy:
    case Dimension::survive:
    case Dimension::round_trip: return "";
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

std::string survive_text(const Gang& gang) {
  const std::uint32_t planes = gang.control_planes_wanted(), most = most_together(planes);
  const char* domain = gang.policy().survive == Survive::site ? "site"
                       : gang.policy().survive == Survive::room ? "room" : "host";
  if (most == 0) {
    return std::to_string(planes) + (planes == 1 ? " control-plane node" : " control-plane nodes") +
           " cannot survive the loss of one " + domain + ": at least 3 are needed";
  }
  return std::string("is in a ") + domain + " that holds " + std::to_string(most) + " of " +
         std::to_string(planes) + " control-plane nodes already: with more, its loss would leave no majority";
}

std::string rule_text(const Gang& gang, Rank rank, const Candidate& host, Dimension dimension) {
  switch (dimension) {
    case Dimension::site: return "is at a site that the request does not allow";
    case Dimension::distinct_host: return "holds another control-plane node of the cluster";
    case Dimension::unusable:
      // Uncordoning it would not help: the site is the reason.
      if (host.usable || host.reason == Unusable::cordoned) {
        for (const ClosedSite& closed : gang.policy().closed) {
          if (closed.site == host.site) return closed.why;
        }
      }
      // Made crowded by this very request, if it was usable before.
      return host.usable ? "would hold more than " + std::to_string(kMaxNodesPerHost) + " nodes"
             : host.why_not.empty() ? std::string(to_string(host.reason)) : host.why_not;
    case Dimension::room: return "is not in a room that the request allows";
    case Dimension::label: return "lacks a label that the request asks for";
    case Dimension::host_class: return "is not of a class that the request allows";
    case Dimension::apart: return "holds another node of the cluster";
    case Dimension::survive: return survive_text(gang);
    case Dimension::round_trip: return "is too far from the other control-plane nodes, or that is not measured";
    case Dimension::busy: {
      const BusyWindow* window = gang.busy_window(rank);
      if (window == nullptr) return "is needed by its owner";
      const TimePoint now = gang.policy().now;
      return window->from <= now ? "is needed by its owner until " + to_rfc3339(window->until)
                                 : "is needed by its owner from " + to_rfc3339(window->from);
    }
    case Dimension::vcpus:
    case Dimension::memory:
    case Dimension::disk: return {};
  }
  return {};
}

// One sentence for people: the host that lacks least, and what it lacks.
std::string summarise(std::span<const std::vector<Refusal>> by_host, const NodeRequest& wanted,
                      std::size_t unplaced, std::size_t total) {
  std::string text = std::to_string(unplaced) + " of " + std::to_string(total) +
                     (total == 1 ? " node does" : " nodes do") + " not fit: ";
  if (by_host.empty()) return text + "there are no hosts";
  const auto nearest = std::min_element(by_host.begin(), by_host.end(), [](const auto& a, const auto& b) {
    return distance(a) < distance(b);
  });
  text += "for " + wanted.name;
  if (nearest->empty()) return text + " no combination of hosts suffices";
  text += " the nearest host is " + nearest->front().host_name;
  const char* joint = ": ";
  for (const Refusal& refusal : *nearest) {
    text += joint + describe(refusal);
    joint = "; ";
  }
  return text;
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
    case Dimension::room: return "room";
    case Dimension::label: return "label";
    case Dimension::host_class: return "class";
    case Dimension::apart: return "apart";
    case Dimension::busy: return "busy";
    case Dimension::survive: return "survive";
    case Dimension::round_trip: return "round-trip";
  }
  return "unusable";
}

std::vector<Refusal> refusals_of(const Gang& gang, Rank rank, const Candidate& host, const NodeRequest& wanted) {
  std::vector<Refusal> rules, numbers;
  for (const Dimension dimension : gang.lacks(rank, wanted)) {
    const auto d = static_cast<std::size_t>(dimension);
    if (d >= kAmounts) {
      rules.push_back({host.host, host.name, dimension, 0, 0, 0, rule_text(gang, rank, host, dimension)});
    } else {
      numbers.push_back({host.host, host.name, dimension, amounts(wanted.amount)[d],
                         std::max<std::int64_t>(gang.fleet().free(rank)[d], 0),
                         std::max<std::int64_t>(gang.fleet().total(rank)[d], 0), {}});
    }
  }
  rules.insert(rules.end(), numbers.begin(), numbers.end());
  return rules;
}

void explain_refusal(const FleetQuestion& question, std::span<const NodeRequest> order, PlacementOutcome& outcome) {
  const Strategy strategy = question.policy.strategy;
  Gang gang(question.fleet, order, question.policy);
  const NodeRequest* first_unplaced = nullptr;
  for (const NodeRequest& node : order) {
    if (const auto rank = gang.best(node, strategy)) {
      gang.take(*rank, node);
      continue;
    }
    outcome.unplaced.push_back(node.node);
    if (first_unplaced == nullptr) first_unplaced = &node;
  }
  if (first_unplaced == nullptr) return;
  std::vector<std::vector<Refusal>> by_host;
  for (Rank rank = 0; rank < question.hosts.size(); ++rank) {
    by_host.push_back(refusals_of(gang, rank, question.hosts[rank], *first_unplaced));
    outcome.refusals.insert(outcome.refusals.end(), by_host.back().begin(), by_host.back().end());
  }
  outcome.summary = summarise(by_host, *first_unplaced, outcome.unplaced.size(), order.size());
}

}  // namespace dure::control
