#include "tests/support/fake_store.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "controlnode/core/placement/chain.h"
#include "tests/support/fake_store_rules.h"

namespace dure::control {
namespace {

Error down() { return {Errc::unavailable, "the store is down"}; }

}  // namespace

Result<std::uint64_t> FakeStore::take_lead(std::string_view holder, std::uint64_t at_least) {
  if (down_) return down();
  const std::uint64_t highest = std::max(epoch_, at_least);
  if (highest == std::numeric_limits<std::uint64_t>::max()) {
    return Error{Errc::conflict, "no epoch is left"};
  }
  epoch_ = highest + 1;
  holder_ = holder;
  return epoch_;
}

Result<std::uint64_t> FakeStore::rise_above(std::uint64_t epoch, std::uint64_t at_least) {
  if (down_) return down();
  if (epoch != epoch_) return Error{Errc::lost_leadership, "another epoch leads"};
  return take_lead(std::string(holder_), at_least);
}

Result<SystemId> FakeStore::system_id(const SystemId& fresh) {
  if (down_) return down();
  if (model_.system.is_nil()) model_.system = fresh;
  return model_.system;
}

Result<Model> FakeStore::load() {
  if (down_) return down();
  ++loads_;
  Model loaded = model_;
  // The fleet of the newest decision is not known: the next one begins a segment.
  if (loaded.placements) {
    PlacementChain& chain = own(loaded.placements);
    chain = {chain.last, chain.segments, false, 0, {}};
  }
  return loaded;
}

Result<void> FakeStore::commit(std::uint64_t epoch, std::span<const Change> changes) {
  if (down_) return down();
  const Fault fault = std::exchange(fault_, Fault::none);
  if (fault == Fault::unavailable) return down();
  if (fault == Fault::in_doubt_not_applied) return Error{Errc::in_doubt, "the answer was lost"};
  if (epoch != epoch_) return Error{Errc::lost_leadership, "another epoch leads"};
  if (auto done = apply_all(changes); !done) return done;
  ++commits_;
  if (fault == Fault::in_doubt_applied) return Error{Errc::in_doubt, "the answer was lost"};
  return {};
}

void FakeStore::begin_commit(std::uint64_t epoch, std::span<const Change> changes) {
  under_way_.emplace(epoch, changes);
}

Result<void> FakeStore::finish_commit() {
  if (!under_way_) return {};
  const auto [epoch, changes] = *std::exchange(under_way_, std::nullopt);
  return commit(epoch, changes);
}

// On copies, so that a batch that breaks a rule leaves nothing.
Result<void> FakeStore::apply_all(std::span<const Change> changes) {
  Model model = model_;
  std::vector<EventRow> added;
  std::set<HostId> ordered;
  std::vector<PlacementRecord> recorded;
  std::uint64_t first_kept = 0;
  for (const Change& change : changes) {
    if (auto good = check_text(change); !good) return good;
    apply(model, change);
    if (const auto* event = std::get_if<EventRow>(&change)) {
      const auto same = [&](const EventRow& other) { return other.number == event->number; };
      if (event->number == 0 || events_.contains(event->number) ||
          std::any_of(added.begin(), added.end(), same)) {
        return Error{Errc::conflict, "the event number is taken"};
      }
      added.push_back(*event);
    } else if (const auto* put = std::get_if<PutOrder>(&change)) {
      ordered.insert(put->host);
    } else if (const auto* drop = std::get_if<DropHost>(&change)) {
      ordered.erase(drop->id);
    } else if (const auto* put_record = std::get_if<PutPlacementRecord>(&change)) {
      const PlacementRecord& record = put_record->record;
      const bool taken = placements_.contains(record.number) ||
                         std::any_of(recorded.begin(), recorded.end(), [&](const PlacementRecord& other) {
                           return other.number == record.number;
                         });
      if (taken || record.number == 0) return Error{Errc::conflict, "the decision's number is taken"};
      recorded.push_back(record);
    } else if (const auto* drop_events = std::get_if<DropEvents>(&change)) {
      const auto newest = events_.empty() ? 0 : events_.rbegin()->first;
      std::erase_if(events_, [&](const auto& entry) { return entry.second.at < drop_events->before && entry.first != newest; });
    } else if (const auto* drop_records = std::get_if<DropPlacementRecords>(&change)) {
      first_kept = std::max(first_kept, drop_records->before);
    }
  }
  for (const HostId& host : ordered) {
    if (!model.hosts.contains(host)) return Error{Errc::conflict, "order.host is not there"};
  }
  if (auto good = check_rules(model_, model); !good) return good;
  model_ = std::move(model);
  for (PlacementRecord& record : recorded) placements_.insert_or_assign(record.number, std::move(record));
  std::erase_if(placements_, [&](const auto& entry) { return entry.second.segment < first_kept; });
  for (EventRow& event : added) {
    const std::uint64_t number = event.number;
    events_.emplace(number, std::move(event));
  }
  return {};
}

Result<std::vector<EventRow>> FakeStore::events(std::uint64_t after, std::size_t limit) {
  ++reads_;
  if (down_) return down();
  std::vector<EventRow> found;
  for (auto at = events_.upper_bound(after); at != events_.end() && found.size() < limit; ++at) {
    found.push_back(at->second);
  }
  return found;
}

Result<std::vector<PlacementRecord>> FakeStore::placement_records(const PlacementQuery& query) {
  ++reads_;
  if (down_) return down();
  std::vector<PlacementRecord> found;
  for (auto at = placements_.rbegin(); at != placements_.rend() && found.size() < query.limit; ++at) {
    const PlacementRecord& record = at->second;
    if (query.before != 0 && record.number >= query.before) continue;
    if (query.cluster && record.cluster != *query.cluster) continue;
    if (!query.cluster_name.empty() && record.cluster_name != query.cluster_name) continue;
    found.push_back(record);
    found.back().fleet = {};
  }
  return found;
}

Result<std::optional<RecordedPlacement>> FakeStore::placement_record(std::uint64_t number) {
  ++reads_;
  if (down_) return down();
  const auto asked = placements_.find(number);
  if (asked == placements_.end()) return std::optional<RecordedPlacement>();
  RecordedPlacement found{asked->second, {}};
  found.record.fleet = {};
  for (std::uint64_t at = found.record.segment; at <= number; ++at) {
    const auto record = placements_.find(at);
    if (record == placements_.end()) return Error{Errc::corrupt, "the records have a gap"};
    apply_delta(found.fleet, record->second.fleet);
  }
  return std::optional(std::move(found));
}

}  // namespace dure::control
