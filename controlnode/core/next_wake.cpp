#include "controlnode/core/next_wake.h"

#include <algorithm>

#include "controlnode/core/lifecycle.h"

namespace dure::control {
namespace {

TimePoint silent_at(const Model& model, const HostObservation& seen) {
  return seen.seen_at + Duration{model.settings.silent_after_s * 1'000'000};
}

}  // namespace

bool waits(const Node& node) { return node.deadline && next(node.state, NodeEvent::timed_out).has_value(); }

bool watched(const Node& node) {
  return node.state == NodeState::creating || node.state == NodeState::booting || node.state == NodeState::ready;
}

bool expires(const Model& model, const IdempotencyRecord& record) {
  const auto operation = model.operations.find(record.operation);
  return operation == model.operations.end() || operation->second.state != OperationState::running;
}

void NextWake::look(const Model& model, const ModelIndex& index) {
  at_.reset();
  for (const auto& [id, node] : model.nodes) {
    if (waits(node)) due(*node.deadline);
  }
  for (const auto& [host, seen] : model.observations) {
    const auto nodes = index.nodes_on(host);
    if (std::any_of(nodes.begin(), nodes.end(), [](const Node* node) { return watched(*node); })) due(silent_at(model, seen));
  }
  for (const auto& [id, cluster] : model.clusters) after(model, cluster);
  for (const auto& [id, access] : model.accesses) after(model, access);
  for (const auto& [key, record] : model.idempotency) {
    if (expires(model, record)) after(model, record);
  }
}

void NextWake::after(const Model& model, const Node& row) {
  if (waits(row)) due(*row.deadline);
  if (!watched(row)) return;
  if (const auto seen = model.observations.find(row.host); seen != model.observations.end()) due(silent_at(model, seen->second));
}

void NextWake::after(const Model&, const Cluster& row) {
  if (row.deadline) due(*row.deadline);
  if (row.until && row.state != ClusterState::deleting) due(*row.until);
}

void NextWake::due(TimePoint when) {
  if (!at_ || when < *at_) at_ = when;
}

}  // namespace dure::control
