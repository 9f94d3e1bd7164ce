#include "controlnode/core/host_view.h"

#include "controlnode/core/busy_windows.h"

namespace dure::control {
namespace {

constexpr std::size_t kMostTried = 256;

// What the fleet sorts hosts by: when it changes the fleet is made anew.
bool like(Candidate before, const Candidate& after) {
  before.usable = after.usable;
  before.why_not = after.why_not;
  before.reason = after.reason;
  return before == after;
}

void take_verdict(Candidate& host, WhyUnusable why) {
  host.reason = why.code;
  host.why_not = std::move(why.text);
  host.usable = why.code == Unusable::no;
}

}  // namespace

void HostView::rebuild(const Model& model) {
  hosts_ = candidates(model, now_);
  fleet_ = Fleet(hosts_);
  sizes_ = fleet_.index().sizes();
  stale_.clear();
  changed_.reset();
  built_ = true;
}

void HostView::has_changed(const HostId& host) {
  if (changed_) changed_->insert(host);
}

void HostView::bring_up(const Model& model, const Now& now) {
  const bool later = now.date != now_.date || now.steady != now_.steady;
  // Back in time, windows that were over are not.
  if (now.date < now_.date) built_ = false;
  // Advice to those who are refused tries hosts of other sizes (Fleet::grow), and the index keeps those.
  if (fleet_.index().sizes() > sizes_ + kMostTried) built_ = false;
  now_ = now;
  // By the clock alone a host that was heard of goes silent, and an owner's time ends.
  for (Rank rank = 0; built_ && later && rank < hosts_.size(); ++rank) {
    Candidate& host = hosts_[rank];
    if (not_over(host.busy, now_.date).size() != host.busy.size()) built_ = false;
    auto why = why_unusable(model, host.host, host.nodes, now_);
    if (why.code == host.reason && why.text == host.why_not) continue;
    if (why.code != host.reason) fleet_.set_reason(rank, why.code);
    take_verdict(host, std::move(why));
    has_changed(host.host);
  }
  while (built_ && !stale_.empty()) {
    const HostId host = *stale_.begin();
    stale_.erase(stale_.begin());
    refresh(model, host);
  }
  if (!built_) rebuild(model);
}

void HostView::refresh(const Model& model, const HostId& id) {
  const auto rank = fleet_.find(id);
  const auto row = model.hosts.find(id);
  if (!rank || row == model.hosts.end()) return;
  Candidate& before = hosts_[*rank];
  const Resources claimed{before.total.vcpus - before.free.vcpus, before.total.memory_mib - before.free.memory_mib,
                          before.total.disk_gib - before.free.disk_gib};
  Candidate after = candidate_of(model, row->second, claimed, before.nodes, now_);
  if (!like(before, after)) {
    built_ = false;
    return;
  }
  if (before == after) return;
  if (before.reason != after.reason) fleet_.set_reason(*rank, after.reason);
  before = std::move(after);
  has_changed(id);
}

void HostView::hold(const HostId& id, const Resources& amount, int nodes) {
  const auto rank = fleet_.find(id);
  if (!built_ || !rank) return;
  Candidate& host = hosts_[*rank];
  host.free.vcpus -= amount.vcpus * nodes;
  host.free.memory_mib -= amount.memory_mib * nodes;
  host.free.disk_gib -= amount.disk_gib * nodes;
  const bool was_crowded = host.nodes >= kMaxNodesPerHost;
  host.nodes = static_cast<std::uint32_t>(static_cast<int>(host.nodes) + nodes);
  if (was_crowded || host.nodes >= kMaxNodesPerHost) stale_.insert(id);
  has_changed(id);
  if (nodes > 0) {
    fleet_.take(*rank, amounts(amount));
  } else {
    fleet_.give_back(*rank, amounts(amount));
  }
}

void HostView::release(const Model& model, const NodeId& node) {
  const auto claim = model.claims.find(node);
  if (claim != model.claims.end()) hold(claim->second.host, claim->second.amount, -1);
}

void HostView::after(const Model&, const Claim& row) { hold(row.host, row.amount, 1); }

void HostView::before(const Model& model, const Host& row) {
  const auto found = model.hosts.find(row.id);
  if (found == model.hosts.end()) {
    built_ = false;
    return;
  }
  // A cordon changes only the verdict.
  Host same = found->second;
  same.cordoned = row.cordoned;
  if (same != row) built_ = false;
  stale_.insert(row.id);
}

void HostView::before(const Model&, const DropHost&) { built_ = false; }

// A host that knew a newer order than the database may not do so any more.
void HostView::after(const Model&, const PutOrder& put) {
  const auto rank = fleet_.find(put.host);
  if (built_ && rank && hosts_[*rank].reason == Unusable::restored) stale_.insert(put.host);
}

}  // namespace dure::control
