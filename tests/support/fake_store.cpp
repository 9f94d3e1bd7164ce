#include "tests/support/fake_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "protocol/wire/codec.h"
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

Result<SystemId> FakeStore::system_id(const SystemId& fresh) {
  if (down_) return down();
  if (model_.system.is_nil()) model_.system = fresh;
  return model_.system;
}

Result<Model> FakeStore::load() {
  if (down_) return down();
  return model_;
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

// On copies, so that a batch that breaks a rule leaves nothing.
Result<void> FakeStore::apply_all(std::span<const Change> changes) {
  Model model = model_;
  std::vector<EventRow> added;
  Orders orders = orders_;
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
      auto readable = wire::decode_host_order(wire::encode(put->order));
      if (!readable) return Error{Errc::invalid_argument, readable.error().message};
      orders.insert_or_assign(put->order.host, std::move(readable).value());
    } else if (const auto* drop = std::get_if<DropHost>(&change)) {
      orders.erase(drop->id);
    }
  }
  for (const auto& [host, order] : orders) {
    if (!model.hosts.contains(host)) return Error{Errc::conflict, "order.host is not there"};
  }
  if (auto good = check_rules(model_, model); !good) return good;
  model_ = std::move(model);
  orders_ = std::move(orders);
  for (EventRow& event : added) {
    const std::uint64_t number = event.number;
    events_.emplace(number, std::move(event));
  }
  return {};
}

Result<std::vector<PendingOrder>> FakeStore::pending_orders() {
  if (down_) return down();
  std::vector<PendingOrder> pending;
  for (const auto& [host, order] : orders_) {
    const auto seen = model_.observations.find(host);
    if (seen != model_.observations.end() &&
        seen->second.applied_generation >= order.generation) {
      continue;
    }
    pending.push_back({host, order.generation, order});
  }
  return pending;
}

Result<std::vector<EventRow>> FakeStore::events(std::uint64_t after, std::size_t limit) {
  if (down_) return down();
  std::vector<EventRow> found;
  for (auto at = events_.upper_bound(after); at != events_.end() && found.size() < limit; ++at) {
    found.push_back(at->second);
  }
  return found;
}

}  // namespace dure::control
