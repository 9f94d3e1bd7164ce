#include "controlnode/core/next_wake.h"

#include <algorithm>

#include "controlnode/core/lifecycle.h"
#include "controlnode/core/silence.h"

namespace dure::control {

bool waits(const Node& node) { return node.deadline && next(node.state, NodeEvent::timed_out).has_value(); }

bool watched(const Node& node) {
  switch (node.state) {
    case NodeState::creating:
    case NodeState::booting:
    case NodeState::ready:
    case NodeState::stopping: return true;
    default: return false;
  }
}

bool expires(const Model& model, const IdempotencyRecord& record) {
  const auto operation = model.operations.find(record.operation);
  return operation == model.operations.end() || operation->second.state != OperationState::running;
}

void NextWake::look(const Model& model, const ModelIndex& index, const Now& now) {
  at_.reset();
  now_ = now;
  for (const auto& [id, node] : model.nodes) {
    if (waits(node)) due(*node.deadline);
  }
  for (const auto& [id, host] : model.hosts) {
    const auto nodes = index.nodes_on(id);
    if (std::any_of(nodes.begin(), nodes.end(), [](const Node* node) { return watched(*node); })) due(silent_at(model, id));
    if (const auto seen = model.observations.find(id); seen != model.observations.end()) after(model, PutObservation{seen->second});
  }
  for (const auto& [host, removals] : model.removals) after(model, PutRemovals{host, removals});
  for (const auto& [id, cluster] : model.clusters) after(model, cluster);
  for (const auto& [id, access] : model.accesses) after(model, access);
  for (const auto& [key, record] : model.idempotency) {
    if (expires(model, record)) after(model, record);
  }
}

void NextWake::after(const Model& model, const Node& row) {
  if (waits(row)) due(*row.deadline);
  if (watched(row)) due(silent_at(model, row.host));
}

void NextWake::after(const Model&, const Cluster& row) {
  if (row.state == ClusterState::deleting) return;
  if (row.until && !row.delete_at) due(*row.until);
  if (row.delete_at) due(*row.delete_at);
}

void NextWake::after(const Model& model, const PutRemovals& row) {
  for (const Removal& removal : row.removals) {
    if (!removal.owed) due(std::min(removal.due, missing_at(model, row.host)));
  }
}

void NextWake::after(const Model& model, const PutObservation& row) {
  const auto host = model.hosts.find(row.observation.host);
  const bool speaks = host != model.hosts.end() && !host->second.lost_at && !row.observation.silent;
  if (speaks) due(silent_at(model, row.observation.host));
}

void NextWake::due(SteadyPoint when) {
  if (!at_ || when < *at_) at_ = when;
}

void NextWake::due(TimePoint date) {
  if (now_.dates_hold) due(now_.steady + (date - now_.date));
}

}  // namespace dure::control
