#include "controlnode/core/placement/fleet.h"

#include <algorithm>
#include <numeric>

#include "controlnode/core/placement.h"

namespace dure::control {

std::string_view to_string(Unusable why) {
  switch (why) {
    case Unusable::no: return "usable";
    case Unusable::cordoned: return "cordoned";
    case Unusable::not_reported: return "not-reported";
    case Unusable::silent: return "silent";
    case Unusable::restored: return "restored";
    case Unusable::crowded: return "crowded";
    case Unusable::lost: return "lost";
    case Unusable::owes: return "owes";
    case Unusable::not_ready: return "not-ready";
  }
  return "usable";
}

Fleet::Fleet(std::span<const Candidate> hosts) {
  std::vector<const Candidate*> sorted;
  for (const Candidate& host : hosts) sorted.push_back(&host);
  std::sort(sorted.begin(), sorted.end(),
            [](const Candidate* a, const Candidate* b) { return a->host < b->host; });
  for (const Candidate* host : sorted) {
    ids_.push_back(host->host);
    const Amounts total = amounts(host->total);
    Amounts left = amounts(host->free);
    for (std::size_t d = 0; d < kAmounts; ++d) left[d] = std::min(left[d], total[d]);
    free_.push_back(left);
    for (std::size_t d = 0; d < kAmounts; ++d) {
      all_[d] += total[d];
      all_free_[d] += left[d];
    }
    guests_ += host->nodes;
    proportions_.see(total);
    size_.push_back(index_.size_of(total));
    HostGroup group{sites_.add(host->site), host->host_class, {}, host->busy, host->images};
    for (const std::string& label : host->labels) group.labels.push_back(labels_.add(label));
    std::sort(group.labels.begin(), group.labels.end());
    std::sort(group.busy.begin(), group.busy.end());
    std::sort(group.images.begin(), group.images.end());
    room_.push_back(rooms_.add({group.site, host->room}));
    group_.push_back(groups_.add(group));
    nodes_.push_back(host->nodes);
    booting_.push_back(host->booting);
    const bool unnamed = !host->usable && host->reason == Unusable::no;
    reason_.push_back(unnamed ? Unusable::cordoned : host->reason);
  }
  state_.assign(ids_.size(), HostIndex::kNowhere);
  lifted_.assign(ids_.size(), 0);
  in_room_.resize(rooms_.size());
  for (Rank rank = 0; rank < ids_.size(); ++rank) {
    in_room_[room_[rank]].push_back(rank);
    file(rank);
  }
}

std::optional<Rank> Fleet::find(const HostId& id) const {
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (found == ids_.end() || *found != id) return std::nullopt;
  return static_cast<Rank>(found - ids_.begin());
}

bool Fleet::usable(Rank rank) const {
  return reason_[rank] == Unusable::no && nodes_[rank] < kMaxNodesPerHost;
}

void Fleet::file(Rank rank) {
  if (lifted_[rank] != 0 || !usable(rank)) return;
  state_[rank] = index_.insert(rank, group_[rank], size_[rank], free_[rank], booting_[rank]);
}

void Fleet::unfile(Rank rank) {
  if (state_[rank] == HostIndex::kNowhere) return;
  index_.erase(rank, state_[rank]);
  state_[rank] = HostIndex::kNowhere;
}

void Fleet::take(Rank rank, const Amounts& amount) {
  unfile(rank);
  for (std::size_t d = 0; d < kAmounts; ++d) {
    free_[rank][d] -= amount[d];
    all_free_[d] -= amount[d];
  }
  ++nodes_[rank];
  ++guests_;
  file(rank);
}

void Fleet::give_back(Rank rank, const Amounts& amount) {
  unfile(rank);
  for (std::size_t d = 0; d < kAmounts; ++d) {
    const std::int64_t back = std::min(amount[d], total(rank)[d] - free_[rank][d]);
    free_[rank][d] += back;
    all_free_[d] += back;
  }
  --nodes_[rank];
  --guests_;
  file(rank);
}

void Fleet::set_reason(Rank rank, Unusable reason) {
  unfile(rank);
  reason_[rank] = reason;
  file(rank);
}

void Fleet::set_booting(Rank rank, std::uint32_t booting) {
  unfile(rank);
  booting_[rank] = booting;
  file(rank);
}

void Fleet::grow(Rank rank, const Amounts& by) {
  unfile(rank);
  Amounts grown = total(rank);
  for (std::size_t d = 0; d < kAmounts; ++d) {
    grown[d] += by[d];
    free_[rank][d] += by[d];
    all_[d] += by[d];
    all_free_[d] += by[d];
  }
  size_[rank] = index_.size_of(grown);
  // Anew, because the host may have been the one with the least or the most.
  proportions_ = {};
  for (Rank other = 0; other < ids_.size(); ++other) proportions_.see(total(other));
  file(rank);
}

void Fleet::lift(Rank rank) {
  unfile(rank);
  lifted_[rank] = 1;
}

void Fleet::put_back(Rank rank) {
  lifted_[rank] = 0;
  file(rank);
}

std::size_t Fleet::memory_bytes() const {
  std::size_t sum = ids_.capacity() * sizeof(HostId) + free_.capacity() * sizeof(Amounts) +
                    reason_.capacity() + lifted_.capacity() + index_.memory_bytes();
  for (const auto* column : {&size_, &group_, &room_, &nodes_, &booting_, &state_}) {
    sum += column->capacity() * sizeof(std::uint32_t);
  }
  for (const auto& room : in_room_) sum += sizeof(room) + room.capacity() * sizeof(Rank);
  return sum;
}

const BusyWindow* meets(const std::vector<BusyWindow>& sorted, TimePoint from,
                        const std::optional<TimePoint>& until) {
  for (const BusyWindow& window : sorted) {
    if (window.until <= from || window.until <= window.from) continue;
    return !until || window.from < *until ? &window : nullptr;
  }
  return nullptr;
}

}  // namespace dure::control
