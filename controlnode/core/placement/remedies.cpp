#include "controlnode/core/placement/remedies.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "controlnode/core/placement.h"
#include "controlnode/core/placement/remedy_text.h"

namespace dure::control {
namespace {

// Together they bound what one refusal costs.
constexpr std::size_t kTrials = 200;
constexpr std::size_t kPlacements = 4'000;   // of nodes, over all trials
constexpr std::size_t kLooks = 8'000'000;
constexpr std::size_t kHostsTried = 8;
constexpr std::size_t kRoomTried = 48;
constexpr std::size_t kInstantsTried = 16;
constexpr std::size_t kOffered = 8;

bool smaller(const Resources& a, const Resources& b) {
  return a != b && a.vcpus <= b.vcpus && a.memory_mib <= b.memory_mib && a.disk_gib <= b.disk_gib;
}

// Tries changes on one fleet, and takes each back.
class Adviser {
 public:
  Adviser(const FleetQuestion& question, std::span<const FlavorOffer> offers)
      : question_(question), offers_(offers), fleet_(question.fleet), order_(placing_order(question.wanted)) {
    for (const NodeRequest& node : order_) (node.role == Role::worker ? workers_ : planes_) += 1;
  }

  std::vector<Remedy> all() {
    if (order_.empty() || fits(order_, question_.policy)) return {};
    fewer(Role::worker, workers_);
    flavors();
    rules();
    more_room();
    times();
    uncordon();
    if (workers_ == 0 || !offered(RemedyKind::fewer_workers)) fewer(Role::control_plane, planes_);
    std::stable_sort(found_.begin(), found_.end(), [](const Remedy& a, const Remedy& b) { return a.size < b.size; });
    if (found_.size() > kOffered) found_.resize(kOffered);
    return std::move(found_);
  }

 private:
  bool fits(std::span<const NodeRequest> wanted, const PlacementPolicy& policy) {
    if (trials_ >= kTrials || placements_ >= kPlacements || looks_ >= kLooks || wanted.empty()) return false;
    ++trials_;
    placements_ += wanted.size();
    const GangAnswer answer = place_gang(fleet_, wanted, policy, false);
    looks_ += answer.looked_at;
    return !answer.hosts.empty();
  }

  bool offered(RemedyKind kind) const {
    return std::any_of(found_.begin(), found_.end(), [&](const Remedy& remedy) { return remedy.kind == kind; });
  }

  void offer(Remedy remedy, std::int64_t size, std::string text) {
    remedy.size = size;
    remedy.text = std::move(text);
    found_.push_back(std::move(remedy));
  }

  // The first nodes of the order with only so many of the role.
  std::vector<NodeRequest> only(Role role, std::uint32_t count) const {
    std::vector<NodeRequest> kept;
    for (const NodeRequest& node : order_) {
      if (node.role == role && count == 0) continue;
      if (node.role == role) --count;
      kept.push_back(node);
    }
    return kept;
  }

  // The most that fits, by bisection.
  void fewer(Role role, std::uint32_t wanted) {
    std::uint32_t good = 0, bad = wanted;
    const bool none_is_some = role == Role::worker && planes_ > 0;
    while (bad > good + 1) {
      const std::uint32_t middle = good + (bad - good) / 2;
      (fits(only(role, middle), question_.policy) ? good : bad) = middle;
    }
    if (good == 0 && !(none_is_some && wanted > 0 && fits(only(role, 0), question_.policy))) return;
    Remedy remedy;
    remedy.kind = role == Role::worker ? RemedyKind::fewer_workers : RemedyKind::fewer_control_planes;
    remedy.count = good;
    offer(remedy, std::int64_t{wanted - good} * 1000 / wanted, fewer_text(role, good, wanted));
  }

  void flavors() {
    const Resources largest = order_.front().amount;
    std::vector<const FlavorOffer*> below;
    for (const FlavorOffer& flavor : offers_) {
      if (std::all_of(order_.begin(), order_.end(),
                      [&](const NodeRequest& node) { return smaller(flavor.amount, node.amount); })) {
        below.push_back(&flavor);
      }
    }
    std::sort(below.begin(), below.end(), [](const FlavorOffer* a, const FlavorOffer* b) {
      const auto key = [](const FlavorOffer* of) {
        return std::tuple{-of->amount.memory_mib, -of->amount.vcpus, -of->amount.disk_gib, of->name};
      };
      return key(a) < key(b);
    });
    for (const FlavorOffer* flavor : below) {
      auto wanted = order_;
      for (NodeRequest& node : wanted) node.amount = flavor->amount;
      if (!fits(wanted, question_.policy)) continue;
      Remedy remedy;
      remedy.kind = RemedyKind::smaller_flavor;
      remedy.flavor = flavor->name;
      remedy.amount = flavor->amount;
      const std::int64_t kept = flavor->amount.memory_mib * 1000 / std::max<std::int64_t>(largest.memory_mib, 1);
      return offer(remedy, 1000 - kept, flavor_text(*flavor));
    }
  }

  void without(RemedyKind kind, std::int64_t size) {
    Remedy remedy;
    remedy.kind = kind;
    const Question other = changed(Question{{}, question_.wanted, question_.policy}, remedy);
    if (fits(order_, other.policy)) offer(remedy, size, without_text(kind));
  }

  void rules() {
    const PlacementPolicy& policy = question_.policy;
    if (policy.apart) without(RemedyKind::without_apart, 300);
    if (policy.survive != Survive::nothing) without(RemedyKind::without_survival, 400);
    if (!policy.sites.empty()) without(RemedyKind::other_sites, 350);
    const bool rules = std::any_of(policy.pools.begin(), policy.pools.end(), [](const PoolRules& pool) {
      return (!pool.sites.empty() && !pool.sites_stay) || !pool.rooms.empty() || !pool.labels.empty() || !pool.classes.empty();
    });
    if (rules) without(RemedyKind::without_pool_rules, 350);
  }

  bool fits_with(Rank rank, Dimension dimension, std::int64_t more) {
    Amounts by{};
    by[static_cast<std::size_t>(dimension)] = more;
    fleet_.grow(rank, by);
    const bool good = fits(order_, question_.policy);
    for (std::int64_t& amount : by) amount = -amount;
    fleet_.grow(rank, by);
    return good;
  }

  struct Miss {
    std::int64_t part = 0;   // of the host's total, in 1/1000
    Rank rank = 0;
    Dimension dimension = Dimension::memory;
    std::int64_t lacking = 0;
    friend auto operator<=>(const Miss&, const Miss&) = default;
  };

  // Hosts on which the first node without a place lacks one amount and nothing else.
  std::vector<Miss> misses(std::size_t& unplaced) {
    Gang gang(fleet_, order_, question_.policy);
    const NodeRequest* first = nullptr;
    for (const NodeRequest& node : order_) {
      const auto rank = gang.best(node, question_.policy.strategy);
      if (rank) gang.take(*rank, node);
      if (!rank) ++unplaced;
      if (!rank && first == nullptr) first = &node;
    }
    std::vector<Miss> misses;
    for (Rank rank = 0; first != nullptr && rank < fleet_.size(); ++rank) {
      const auto lacks = gang.lacks(rank, *first);
      if (lacks.size() != 1 || static_cast<std::size_t>(lacks.front()) >= kAmounts) continue;
      const auto d = static_cast<std::size_t>(lacks.front());
      std::int64_t lacking = amounts(first->amount)[d] - fleet_.free(rank)[d];
      if (lacks.front() == Dimension::memory && lacking > 1024) lacking = (lacking + 1023) / 1024 * 1024;
      const std::int64_t total = std::max<std::int64_t>(fleet_.total(rank)[d], 1);
      misses.push_back({lacking * 1000 / total, rank, lacks.front(), lacking});
    }
    std::sort(misses.begin(), misses.end());
    return misses;
  }

  void more_room() {
    std::size_t unplaced = 0;
    std::set<std::uint32_t> rooms;
    std::size_t tried = 0;
    for (const Miss& miss : misses(unplaced)) {
      if (unplaced > 1 || tried == kHostsTried || rooms.size() == 2) return;
      const std::uint32_t room = fleet_.room(miss.rank);
      if (rooms.contains(room)) continue;
      ++tried;
      if (!fits_with(miss.rank, miss.dimension, miss.lacking)) continue;
      rooms.insert(room);
      Remedy remedy;
      remedy.kind = RemedyKind::more_room;
      remedy.dimension = miss.dimension;
      remedy.more = miss.lacking;
      remedy.hosts.push_back(fleet_.id(miss.rank));
      std::vector<std::string> names{question_.hosts[miss.rank].name};
      const auto others = fleet_.hosts_in(room);
      const bool named = !fleet_.rooms()[room].second.empty() && others.size() <= kRoomTried;
      for (const Rank other : others) {
        if (!named || other == miss.rank || !fits_with(other, miss.dimension, miss.lacking)) continue;
        remedy.hosts.push_back(fleet_.id(other));
        names.push_back(question_.hosts[other].name);
      }
      const bool whole_room = named && remedy.hosts.size() == others.size() && others.size() > 1;
      std::sort(names.begin(), names.end());
      offer(remedy, miss.part, more_text(remedy, names, whole_room ? fleet_.rooms()[room].second : ""));
    }
  }

  void times() {
    const PlacementPolicy& policy = question_.policy;
    std::set<TimePoint> begins, ends;
    for (Rank rank = 0; rank < fleet_.size(); ++rank) {
      for (const BusyWindow& window : fleet_.groups()[fleet_.group(rank)].busy) {
        if (window.until > policy.now) begins.insert(window.until);
        if (window.from > policy.now && (!policy.until || window.from < *policy.until)) ends.insert(window.from);
      }
    }
    later(begins);
    std::size_t tried = 0;
    for (auto end = ends.rbegin(); end != ends.rend() && tried < kInstantsTried; ++end, ++tried) {
      Remedy remedy;
      remedy.kind = RemedyKind::shorter_lease;
      remedy.at = *end;
      PlacementPolicy other = policy;
      other.until = *end;
      if (fits(order_, other)) return offer(remedy, 450, "if it ends by " + to_rfc3339(*end));
    }
  }

  void later(const std::set<TimePoint>& begins) {
    const PlacementPolicy& policy = question_.policy;
    std::size_t tried = 0;
    for (const TimePoint begin : begins) {
      if (++tried > kInstantsTried) return;
      PlacementPolicy other = policy;
      other.now = begin;
      if (policy.until) other.until = begin + (*policy.until - policy.now);
      if (!fits(order_, other)) continue;
      Remedy remedy;
      remedy.kind = RemedyKind::later;
      remedy.at = begin;
      const std::int64_t hours = (begin - policy.now).count() / 3'600'000'000;
      return offer(remedy, 100 + std::min<std::int64_t>(hours * 20, 800), later_text(begin, freed_at(begin)));
    }
  }

  // What is free from then on: a room, or a host.
  std::string freed_at(TimePoint at) const {
    for (Rank rank = 0; rank < fleet_.size(); ++rank) {
      for (const BusyWindow& window : fleet_.groups()[fleet_.group(rank)].busy) {
        if (window.until != at) continue;
        const std::string& room = fleet_.rooms()[fleet_.room(rank)].second;
        return room.empty() ? question_.hosts[rank].name : "room " + room;
      }
    }
    return {};
  }

  void uncordon() {
    std::vector<std::pair<std::int64_t, Rank>> cordoned;
    for (Rank rank = 0; rank < fleet_.size(); ++rank) {
      if (fleet_.reason(rank) == Unusable::cordoned) cordoned.emplace_back(-fleet_.free(rank)[1], rank);
    }
    std::sort(cordoned.begin(), cordoned.end());
    if (cordoned.size() > kHostsTried) cordoned.resize(kHostsTried);
    for (const auto& [free, rank] : cordoned) {
      fleet_.set_reason(rank, Unusable::no);
      const bool good = fits(order_, question_.policy);
      fleet_.set_reason(rank, Unusable::cordoned);
      if (!good) continue;
      Remedy remedy;
      remedy.kind = RemedyKind::uncordon;
      remedy.hosts = {fleet_.id(rank)};
      return offer(remedy, 250, "if " + question_.hosts[rank].name + " is uncordoned");
    }
  }

  const FleetQuestion& question_;
  std::span<const FlavorOffer> offers_;
  Fleet& fleet_;
  std::vector<NodeRequest> order_;
  std::uint32_t workers_ = 0, planes_ = 0;
  std::size_t trials_ = 0, placements_ = 0, looks_ = 0;
  std::vector<Remedy> found_;
};

void keep_only(std::vector<NodeRequest>& wanted, Role role, std::uint32_t count) {
  const auto order = placing_order(wanted);
  std::set<NodeId> kept;
  for (const NodeRequest& node : order) {
    if (node.role == role && kept.size() < count) kept.insert(node.node);
  }
  std::erase_if(wanted, [&](const NodeRequest& node) { return node.role == role && !kept.contains(node.node); });
}

void add(Resources& to, Dimension dimension, std::int64_t more) {
  if (dimension == Dimension::vcpus) to.vcpus += more;
  if (dimension == Dimension::memory) to.memory_mib += more;
  if (dimension == Dimension::disk) to.disk_gib += more;
}

}  // namespace

std::vector<Remedy> remedies(const FleetQuestion& question, std::span<const FlavorOffer> offers) {
  return Adviser(question, offers).all();
}

std::vector<Remedy> remedies(const Question& question, std::span<const FlavorOffer> offers) {
  const auto hosts = sorted_by_id(question.hosts);
  Fleet fleet(hosts);
  return remedies(FleetQuestion{fleet, hosts, question.wanted, question.policy}, offers);
}

Question changed(Question question, const Remedy& remedy, std::size_t choice) {
  PlacementPolicy& policy = question.policy;
  switch (remedy.kind) {
    case RemedyKind::fewer_workers: keep_only(question.wanted, Role::worker, remedy.count); break;
    case RemedyKind::fewer_control_planes: keep_only(question.wanted, Role::control_plane, remedy.count); break;
    case RemedyKind::smaller_flavor:
      for (NodeRequest& node : question.wanted) node.amount = remedy.amount;
      break;
    case RemedyKind::later:
      if (policy.until) policy.until = *remedy.at + (*policy.until - policy.now);
      policy.now = *remedy.at;
      break;
    case RemedyKind::shorter_lease: policy.until = remedy.at; break;
    case RemedyKind::without_apart: policy.apart = false; break;
    case RemedyKind::without_survival: policy.survive = Survive::nothing; break;
    case RemedyKind::other_sites: policy.sites.clear(); break;
    case RemedyKind::without_pool_rules:
      for (PoolRules& pool : policy.pools) {
        pool = pool.sites_stay ? PoolRules{pool.sites, {}, {}, {}, true} : PoolRules{};
      }
      break;
    case RemedyKind::more_room:
    case RemedyKind::uncordon: break;
  }
  for (Candidate& host : question.hosts) {
    if (remedy.hosts.empty() || host.host != remedy.hosts[choice % remedy.hosts.size()]) continue;
    if (remedy.kind == RemedyKind::more_room) {
      add(host.total, remedy.dimension, remedy.more);
      add(host.free, remedy.dimension, remedy.more);
    } else {
      host.usable = true;
      host.reason = Unusable::no;
      host.why_not.clear();
    }
  }
  return question;
}

}  // namespace dure::control
