#include "controlnode/core/placement/verdicts.h"

#include <algorithm>
#include <map>

#include "controlnode/core/placement_explain.h"

namespace dure::control {
namespace {

// Above it, how many hosts each node fitted on is not counted: that looks at every host for every node.
constexpr std::size_t kCountedLooks = 100'000;

std::string counted(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Places the nodes once more where they were placed, and looks around at every turn.
class Walk {
 public:
  Walk(const PlacementRecord& record, const Question& question)
      : question_(question),
        order_(placing_order(question.wanted)),
        fleet_(question.hosts),
        gang_(fleet_, order_, question.policy),
        by_rank_(fleet_.size()),
        counts_(fleet_.size() * order_.size() <= kCountedLooks) {
    for (const Candidate& host : question.hosts) by_rank_[*fleet_.find(host.host)] = &host;
    for (const auto& [host, role] : question.policy.members) join(host);
    for (const Placement& placed : record.placed) host_of_.emplace(placed.node, placed.host);
  }

  Verdicts run() {
    Verdicts result;
    for (const Candidate* host : by_rank_) {
      result.hosts.push_back({host->host, host->name, host->site, host->room, {}, {}});
    }
    for (const NodeRequest& node : order_) {
      const auto placed = host_of_.find(node.node);
      const auto rank = placed == host_of_.end() ? std::nullopt : fleet_.find(placed->second);
      if (!rank) continue;
      const bool first = std::none_of(result.turns.begin(), result.turns.end(),
                                      [&](const Turn& turn) { return turn.role == node.role; });
      if (first) {
        result.turns.push_back({node.name, node.role, node.amount});
        for (Rank at = 0; at < fleet_.size(); ++at) {
          result.hosts[at].lacks.push_back(refusals_of(gang_, at, *by_rank_[at], node));
        }
      }
      result.nodes.push_back(choice(node, *rank));
      result.hosts[*rank].chosen.push_back(node.name);
      gang_.take(*rank, node);
      join(placed->second);
    }
    return result;
  }

 private:
  void join(const HostId& host) {
    ++on_host_[host];
    if (const auto rank = fleet_.find(host)) ++at_site_[by_rank_[*rank]->site];
  }
  template <class Map, class Key>
  static std::uint32_t count(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
  }

  NodeChoice choice(const NodeRequest& node, Rank rank) {
    NodeChoice made{node.name, node.role, fleet_.id(rank), by_rank_[rank]->name, {}, {}};
    const auto liked = gang_.best(node, question_.policy.strategy);
    if (!counts_) {
      made.why = liked == rank ? "liked best of the hosts that it fits on" : "all nodes fit together this way";
      return made;
    }
    std::vector<Rank> fitting;
    for (Rank at = 0; at < fleet_.size(); ++at) {
      if (gang_.fits(at, node)) fitting.push_back(at);
    }
    made.fitting = static_cast<std::uint32_t>(fitting.size());
    if (fitting.size() == 1) {
      made.why = "the only host that it fits on";
    } else if (liked == rank) {
      made.why = "of " + counted(fitting.size(), "host", "hosts") + " that it fits on, " + preference(node, rank, fitting);
    } else {
      made.why = "of " + counted(fitting.size(), "host", "hosts") +
                 " that it fits on, this one leaves room for the other nodes of the request";
    }
    return made;
  }

  // The rules of taste in the order in which they count (Gang::best), each as far as it makes a difference.
  std::string preference(const NodeRequest& node, Rank rank, std::vector<Rank> left) const {
    std::string text;
    const auto keep = [&](const auto& liked, const std::string& words) {
      const std::size_t before = left.size();
      std::erase_if(left, [&](Rank other) { return liked(other) > liked(rank); });
      if (left.size() < before) text += (text.empty() ? "" : ", then ") + words;
    };
    const bool spread = question_.policy.strategy == Strategy::spread;
    if (node.role == Role::control_plane) {
      keep([&](Rank at) { return by_rank_[at]->host_class == HostClass::anchor ? 0 : 1; }, "one that stays on (anchor)");
    }
    if (spread && question_.policy.sites.size() > 1) {
      keep([&](Rank at) { return count(at_site_, by_rank_[at]->site); }, "at the site with fewest nodes of the cluster");
    }
    if (spread) {
      keep([&](Rank at) { return count(on_host_, by_rank_[at]->host); }, "with fewest nodes of the cluster");
    }
    if (left.size() > 1) {
      text += text.empty() ? "" : ", then ";
      text += spread ? "with most room left" : "with least room left over";
      const auto& image = question_.policy.image;
      const auto has = [&](Rank at) {
        const auto& images = by_rank_[at]->images;
        return image && std::find(images.begin(), images.end(), *image) != images.end();
      };
      if (has(rank) && !std::all_of(left.begin(), left.end(), has)) text += " and the image there already";
    }
    return text;
  }

  const Question& question_;
  std::vector<NodeRequest> order_;
  Fleet fleet_;
  Gang gang_;
  std::vector<const Candidate*> by_rank_;
  bool counts_;
  std::map<NodeId, HostId> host_of_;
  std::map<HostId, std::uint32_t> on_host_;
  std::map<SiteId, std::uint32_t> at_site_;
};

// By host each missing dimension, as the refusal said it.
Verdicts refused(const PlacementOutcome& outcome, const Question& question) {
  Verdicts result;
  for (const NodeRequest& node : question.wanted) {
    if (outcome.unplaced.empty() || node.node != outcome.unplaced.front()) continue;
    result.turns.push_back({node.name, node.role, node.amount});
  }
  std::map<HostId, std::vector<Refusal>> by_host;
  for (const Refusal& refusal : outcome.refusals) by_host[refusal.host].push_back(refusal);
  for (const Candidate& host : question.hosts) {
    result.hosts.push_back({host.host, host.name, host.site, host.room, {}, {std::move(by_host[host.host])}});
  }
  return result;
}

}  // namespace

Verdicts verdicts(const PlacementRecord& record, const Replayed& again) {
  if (record.refused()) return refused(again.outcome, again.question);
  return Walk(record, again.question).run();
}

}  // namespace dure::control
