#include "controlnode/core/operations.h"

#include <algorithm>
#include <iterator>

#include "controlnode/core/removals.h"

namespace dure::control {
namespace {

constexpr std::size_t kNamesInDetail = 3;

bool started(const Node& node) {
  return node.state == NodeState::ready ||
         (node.vm_state == VmState::running && node.observed_generation == node.generation);
}

const ImageReport* image_of(const Model& model, const Node& node, const ImageId& image) {
  const auto seen = model.observations.find(node.host);
  if (seen == model.observations.end()) return nullptr;
  for (const ImageReport& report : seen->second.images) {
    if (report.id == image) return &report;
  }
  return nullptr;
}

bool reached(const Model& model, const Cluster& cluster, const Node& node,
             const std::string& step) {
  if (step == "placed" || step == "ordered") return true;
  if (step == "started") return started(node);
  if (step == "image") {
    const ImageReport* image = image_of(model, node, cluster.image);
    return started(node) || (image != nullptr && image->complete);
  }
  return node.state == NodeState::ready || has_step(node, step);
}

std::string image_progress(const Model& model, const Cluster& cluster, const Node& node) {
  const ImageReport* image = image_of(model, node, cluster.image);
  if (image == nullptr || image->bytes_total == 0) return {};
  const double share = static_cast<double>(image->bytes_done) /
                       static_cast<double>(image->bytes_total);
  return " " + std::to_string(static_cast<int>(std::min(share, 1.0) * 100)) + " %";
}

// Who is missing and, where it is known, why.
std::string waiting_for(const Model& model, const Cluster& cluster, const std::string& step,
                        const std::vector<const Node*>& missing) {
  std::string text = "waiting for ";
  for (std::size_t i = 0; i < missing.size() && i < kNamesInDetail; ++i) {
    const Node& node = *missing[i];
    text += (i == 0 ? "" : ", ") + node.name + " on " + host_name(model, node.host);
    if (step == "image") text += image_progress(model, cluster, node);
    if (!node.reason.empty()) text += " (" + node.reason + ")";
  }
  if (missing.size() > kNamesInDetail) {
    text += " and " + std::to_string(missing.size() - kNamesInDetail) + " more";
  }
  return text;
}

void set_progress(OperationStep& step, std::uint32_t left, bool reachable, TimePoint now) {
  step.done = step.total - std::min(left, step.total);
  StepState state = StepState::waiting;
  if (step.done == step.total) {
    state = StepState::done;
  } else if (reachable || step.done > 0) {
    state = StepState::running;
  }
  step.state = state;
  if (state != StepState::waiting && !step.started_at) step.started_at = now;
  if (state != StepState::done) {
    step.finished_at.reset();
  } else if (!step.finished_at) {
    step.finished_at = now;
  }
}

bool draining(const Node* node) { return node->state == NodeState::draining; }

void refresh(const Deciding& deciding, const Cluster& cluster, Operation& operation) {
  const auto members = deciding.index().members_of(cluster.id);
  std::vector<const Node*> leaving;
  std::copy_if(members.begin(), members.end(), std::back_inserter(leaving), &draining);
  bool reachable = true;  // somebody has done the step before
  for (OperationStep& step : operation.steps) {
    std::uint32_t left = 0;
    std::string detail;
    if (step.name == "drained") {
      left = static_cast<std::uint32_t>(leaving.size());
      if (left > 0) detail = waiting_for(deciding.model, cluster, step.name, leaving);
      reachable = true;
    } else if (step.name == "removed") {
      const auto hosts = deciding.index().hosts_removing(cluster);
      left = static_cast<std::uint32_t>(hosts.size());
      if (!leaving.empty()) left = step.total;
      if (!hosts.empty()) detail = "waiting for " + name_hosts(deciding.model, hosts, deciding.steady);
      reachable = true;
    } else {
      std::vector<const Node*> missing;
      for (const Node* node : members) {
        if (outstanding(*node) && !reached(deciding.model, cluster, *node, step.name)) missing.push_back(node);
      }
      left = static_cast<std::uint32_t>(missing.size());
      if (left > 0) detail = waiting_for(deciding.model, cluster, step.name, missing);
    }
    set_progress(step, left, reachable, deciding.now);
    step.detail = step.state == StepState::running ? detail : std::string{};
    reachable = step.state == StepState::done || step.done > 0;
  }
}

template <class Names>
void add_steps(Operation& operation, const Names& names, std::size_t total) {
  for (const auto& name : names) {
    OperationStep step;
    step.name = std::string(name);
    step.total = static_cast<std::uint32_t>(total);
    operation.steps.push_back(std::move(step));
  }
}

std::string describe(const Operation& operation) {
  return std::string(to_string(operation.kind)) + " of " + operation.cluster_name;
}

}  // namespace

bool outstanding(const Node& node) {
  return node.state != NodeState::deleting && node.state != NodeState::draining && !node.ready_at;
}

std::vector<Node> members_of(const Model& model, const ClusterId& cluster) {
  std::vector<Node> members;
  for (const auto& [id, node] : model.nodes) {
    if (node.cluster == cluster && node.state != NodeState::deleting) members.push_back(node);
  }
  std::sort(members.begin(), members.end(),
            [](const Node& a, const Node& b) { return a.address < b.address; });
  return members;
}

std::vector<Node> members_of(const Deciding& deciding, const ClusterId& cluster) {
  std::vector<Node> members;
  for (const Node* node : deciding.index().members_of(cluster)) members.push_back(*node);
  return members;
}

OperationId start_operation(Deciding& deciding, Cluster& cluster, OperationKind kind) {
  Operation operation;
  operation.id = deciding.ids.make<OperationId>();
  operation.kind = kind;
  operation.cluster = cluster.id;
  operation.cluster_name = cluster.name;
  operation.started_at = deciding.now;
  if (cluster.operation) {
    finish_operation(deciding, *cluster.operation, OperationState::failed,
                     "superseded by operation " + operation.id.str());
  }
  const auto members = deciding.index().members_of(cluster.id);
  const auto waiting =
      std::count_if(members.begin(), members.end(), [](const Node* node) { return outstanding(*node); });
  std::set<HostId> removing = deciding.index().hosts_removing(cluster);
  std::size_t leaving = 0;
  for (const Node* node : members) {
    if (!draining(node)) continue;
    removing.insert(node->host);
    ++leaving;
  }
  const auto total = static_cast<std::size_t>(waiting);
  using Names = std::initializer_list<std::string_view>;
  if (total > 0) {
    add_steps(operation, Names{"placed", "ordered", "image", "started"}, total);
    add_steps(operation, boot_steps(cluster), total);
  } else {
    add_steps(operation, Names{"ordered"}, removing.size());
  }
  if (leaving > 0) add_steps(operation, Names{"drained"}, leaving);
  if (!removing.empty()) add_steps(operation, Names{"removed"}, removing.size());
  refresh(deciding, cluster, operation);
  cluster.operation = operation.id;
  deciding.put(operation);
  deciding.event("operation.started", operation.id.uuid, operation.cluster_name,
                 describe(operation) + " has started");
  return operation.id;
}

void refresh_steps(Deciding& deciding, const Cluster& cluster) {
  if (!cluster.operation) return;
  const auto found = deciding.model.operations.find(*cluster.operation);
  if (found == deciding.model.operations.end()) return;
  if (found->second.state != OperationState::running) return;
  Operation operation = found->second;
  refresh(deciding, cluster, operation);
  if (operation != found->second) deciding.put(operation);
}

void warn_operation(Deciding& deciding, const OperationId& id, const std::string& text) {
  constexpr std::size_t kMaxWarning = 512;
  const auto found = deciding.model.operations.find(id);
  if (found == deciding.model.operations.end() || found->second.state != OperationState::running) return;
  Operation operation = found->second;
  if (operation.warning.size() + text.size() + 2 > kMaxWarning || operation.warning.find(text) != std::string::npos) return;
  operation.warning += (operation.warning.empty() ? "" : "; ") + text;
  deciding.put(operation);
}

void finish_operation(Deciding& deciding, const OperationId& id, OperationState state,
                      const std::string& error) {
  const auto found = deciding.model.operations.find(id);
  if (found == deciding.model.operations.end()) return;
  if (found->second.state != OperationState::running) return;
  Operation operation = found->second;
  operation.state = state;
  operation.error = error;
  operation.finished_at = deciding.now;
  for (OperationStep& step : operation.steps) {
    if (state == OperationState::succeeded) {
      set_progress(step, 0, true, deciding.now);
      step.detail.clear();
    } else if (step.state == StepState::running) {
      step.state = StepState::failed;
      step.finished_at = deciding.now;
    }
  }
  deciding.put(operation);
  const std::string outcome(to_string(state));
  std::string message = describe(operation) + " has " + outcome;
  if (!error.empty()) message += ": " + error;
  if (!operation.warning.empty()) message += " (" + operation.warning + ")";
  deciding.event("operation." + outcome, id.uuid, operation.cluster_name, std::move(message));
}

}  // namespace dure::control
