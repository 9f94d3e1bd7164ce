#include "controlnode/core/lead.h"

#include <algorithm>

#include "controlnode/core/deciding.h"
#include "controlnode/core/removals.h"

namespace dure::control {
namespace {

constexpr Duration kLeast = std::chrono::minutes(2);

SteadyPoint between(SteadyPoint now, SteadyPoint due, Duration most) {
  return std::clamp(due, now + std::min(kLeast, most), now + most);
}

void give_time(Model& model, SteadyPoint now) {
  for (auto& [id, node] : model.nodes) {
    if (node.deadline) node.deadline = between(now, *node.deadline, node_deadline(model, node.host));
  }
  for (auto& [host, removals] : model.removals) {
    for (Removal& removal : removals) removal.due = between(now, removal.due, kRemovalLasts);
  }
}

}  // namespace

void begin_lead(Model& model, const Model& before, SteadyPoint now) {
  const bool first = before.lead_since == SteadyPoint{};
  model.heard = before.heard;
  std::erase_if(model.heard, [&](const auto& entry) { return !model.hosts.contains(entry.first); });
  model.lead_since = first ? now : before.lead_since;
  model.told_date = before.told_date;
  give_time(model, now);
  for (auto& [key, record] : model.idempotency) record.made_at = std::min(record.made_at, now);
}

void after_pause(Model& model, SteadyPoint since, SteadyPoint now) {
  const auto later = [&](SteadyPoint& point) { point = std::min(point + (now - since), now); };
  later(model.lead_since);
  for (auto& [host, heard] : model.heard) {
    later(heard.at);
    later(heard.observed_at);
  }
  give_time(model, now);
}

}  // namespace dure::control
