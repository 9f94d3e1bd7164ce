#include "controlnode/core/deciding.h"

#include <algorithm>
#include <utility>

namespace dure::control {
namespace {

constexpr std::string_view kPlainSteps[] = {"booted", "network", "configured", "ready"};
constexpr std::string_view kKubernetesSteps[] = {"booted",     "network", "configured",
                                                 "containerd", "joined",  "ready"};

std::string who_switched_off(Power power) {
  switch (power) {
    case Power::on: break;
    case Power::off: return "switched off by its user";
    case Power::shut_down: return "switched off by its own guest";
    case Power::lapsed: return "switched off by the end of its lease";
  }
  return {};
}

bool runs(const Node& node) {
  return node.vm_state == VmState::running && node.observed_generation == node.generation;
}

}  // namespace

void Deciding::event(std::string kind, const Uuid& subject, std::string subject_name,
                     std::string message) {
  if (!may_tell()) return;
  put(EventRow{model.last_event + 1, now, std::move(kind), subject, std::move(subject_name),
               std::move(message)});
}

bool Deciding::may_tell() {
  const auto found = speaker ? model.heard.find(*speaker) : model.heard.end();
  if (found == model.heard.end()) return true;
  Heard& heard = found->second;
  const auto more = (steady - heard.events_since).count() / 1'000'000;
  if (more > 0) {
    heard.events = static_cast<std::uint32_t>(std::min<std::int64_t>(heard.events + more, Heard::kEvents));
    heard.events_since = steady;
  }
  if (heard.events == 0) {
    ++heard.untold;
    return false;
  }
  --heard.events;
  if (heard.untold > 0) {
    const std::string name = host_name(model, *speaker);
    put(EventRow{model.last_event + 1, now, "host.untold", speaker->uuid, name,
                 std::to_string(std::exchange(heard.untold, 0)) + " events are left out: " + name + " changes its word too often"});
  }
  return true;
}

std::uint64_t Deciding::next_generation(const HostId& host) const {
  const auto row = model.hosts.find(host);
  return row == model.hosts.end() ? 1 : row->second.generation + 1;
}

void Deciding::finish_orders() {
  for (const HostId& id : touched) {
    if (!model.hosts.contains(id)) continue;
    put(PutOrder{id, next_generation(id), ids.make<OrderId>()});
    resend.insert(id);
  }
  decision.ordered.assign(resend.begin(), resend.end());
}

std::string host_name(const Model& model, const HostId& host) {
  const auto row = model.hosts.find(host);
  return row == model.hosts.end() ? host.str() : row->second.name;
}

Duration node_deadline(const Model& model, const HostId& host) {
  const auto seen = model.observations.find(host);
  const bool software = seen != model.observations.end() &&
                        !seen->second.capacity.hardware_virtualisation;
  const double factor = software ? model.settings.software_virtualisation_factor : 1.0;
  const double seconds = static_cast<double>(model.settings.node_deadline_s) * factor;
  return Duration{static_cast<std::int64_t>(seconds * 1e6)};
}

Duration drain_deadline(const Model& model, const HostId& host) {
  return node_deadline(model, host) * model.settings.drain_deadline_s / model.settings.node_deadline_s;
}

bool advance(const Deciding& deciding, Node& node, NodeEvent event) {
  const auto state = next(node.state, event);
  if (!state) return false;
  const NodeState before = node.state;
  node.state = *state;
  if (node.state != before) node.doubt = Doubt::none;
  switch (node.state) {
    case NodeState::pending:
    case NodeState::creating:
    case NodeState::booting:
      if (event == NodeEvent::retry) node.ready_at.reset();
      // What a host or guest says of a node that somebody waits for does not make the waiting longer.
      if (event == NodeEvent::retry || (before == NodeState::stopping && node.ready_at)) node.deadline.reset();
      if (before != NodeState::creating && before != NodeState::booting) node.reason.clear();
      if (!node.deadline) node.deadline = deciding.steady + node_deadline(deciding.model, node.host);
      break;
    case NodeState::ready:
      node.deadline.reset();
      node.reason.clear();
      if (before == NodeState::failed || !node.ready_at) node.ready_at = deciding.now;
      break;
    case NodeState::unknown:
      // A deadline goes on: the user waits all the same. But whoever was being switched off may be so by its PC, and is
      // waited for only where an operation does.
      if (before == NodeState::stopping && node.ready_at) node.deadline.reset();
      break;
    case NodeState::draining:
      if (before == NodeState::draining) break;
      node.deadline = deciding.steady + drain_deadline(deciding.model, node.host);
      node.reason.clear();
      break;
    case NodeState::stopping:
      if (before != NodeState::stopping) node.reason.clear();
      if (node.power == Power::on && !node.ready_at && node.deadline) break;  // somebody waits for it until then
      if (before != NodeState::stopping || !node.deadline) {
        node.deadline = deciding.steady + (node.power == Power::on ? kShutDownLasts : drain_deadline(deciding.model, node.host));
      }
      break;
    case NodeState::failed: node.deadline.reset(); break;
    case NodeState::stopped:
      node.deadline.reset();
      node.reason = who_switched_off(node.power);
      break;
    case NodeState::deleting:
      node.deadline.reset();
      node.reason.clear();
      break;
  }
  return true;
}

void store_node(Deciding& deciding, const Node& node) {
  const auto before = deciding.model.nodes.find(node.id);
  const bool fresh = before == deciding.model.nodes.end();
  if (!fresh && before->second == node) return;
  const bool moved = fresh || before->second.state != node.state;
  deciding.put(node);
  deciding.unsettled.insert(node.cluster);
  if (!moved) return;
  const std::string state(to_string(node.state));
  std::string message = node.name + " on " + host_name(deciding.model, node.host) + " is " + state;
  if (!node.reason.empty()) message += ": " + node.reason;
  deciding.event("node." + state, node.id.uuid, node.name, std::move(message));
}

bool has_stage(const Node& node, std::string_view stage) {
  return std::any_of(node.stages.begin(), node.stages.end(),
                     [&](const GuestStage& reached) { return reached.name == stage; });
}

bool has_step(const Node& node, std::string_view step) {
  if (step != "joined") return has_stage(node, step);
  return has_stage(node, "init") || has_stage(node, "join");
}

std::span<const std::string_view> boot_steps(const Cluster& cluster) {
  if (cluster.kubernetes.version.empty()) return kPlainSteps;
  return kKubernetesSteps;
}

std::string what_is_missing(const Model& model, const Node& node) {
  const std::string host = host_name(model, node.host);
  std::string text;
  if (node.state == NodeState::unknown) {
    text = "nothing is known of it";
  } else if (node.state == NodeState::stopping) {
    text = "its VM is not switched off on " + host;
  } else if (!runs(node)) {
    text = "its VM does not run on " + host;
  } else {
    std::string_view last;
    const auto cluster = model.clusters.find(node.cluster);
    const auto steps = cluster == model.clusters.end() ? std::span<const std::string_view>(kPlainSteps)
                                                       : boot_steps(cluster->second);
    for (const std::string_view stage : steps) {
      if (has_step(node, stage)) {
        last = stage;
        continue;
      }
      text = last.empty() ? "its VM runs on " + host : std::string(last);
      text += ", but '" + std::string(stage) + "' is missing";
      break;
    }
  }
  return node.reason.empty() ? text : text + " (" + node.reason + ")";
}

}  // namespace dure::control
