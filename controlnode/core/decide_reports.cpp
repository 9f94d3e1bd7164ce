#include "controlnode/core/decide_reports.h"

#include <algorithm>
#include <limits>
#include <map>

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/observations.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/removals.h"

namespace dure::control {
namespace {

constexpr std::size_t kMaxReason = 512;

// What the report says about one node.
struct Sighting {
  const VmReport* vm = nullptr;
  std::string failure;   // the most telling failure, for people; empty: none
};

// VM before network before image before host: the nearest cause tells most.
std::string failure_of(const HostReport& report, const Cluster& cluster, const Node& node) {
  const ObjectFailure* nearest = nullptr;
  for (const ObjectFailure& failure : report.failures) {
    const bool ours =
        (failure.kind == ObjectKind::vm && failure.object == node.id.uuid) ||
        (failure.kind == ObjectKind::network && failure.object == cluster.network.uuid) ||
        (failure.kind == ObjectKind::image && failure.object == cluster.image.uuid) ||
        failure.kind == ObjectKind::host;
    if (ours && (nearest == nullptr || failure.kind > nearest->kind)) nearest = &failure;
  }
  if (nearest == nullptr) return {};
  return printable(std::string(to_string(nearest->code)) + ": " + nearest->message, kMaxReason);
}

// A guest reports each stage once, and an agent that restarts may have lost what it heard: stages
// add up until the VM stops. Names that mean nothing to us are dropped.
void merge_stages(Node& node, const VmReport& vm) {
  for (const std::string_view name : kKnownStages) {
    const auto said = std::find_if(vm.stages.begin(), vm.stages.end(),
                                   [&](const GuestStage& stage) { return stage.name == name; });
    if (said == vm.stages.end() || has_stage(node, name)) continue;
    node.stages.push_back({said->name, std::min(said->at_ms, kMaxStored)});
  }
}

bool all_steps(const Model& model, const Node& node) {
  const auto steps = boot_steps(model.clusters.at(node.cluster));
  return std::all_of(steps.begin(), steps.end(),
                     [&](std::string_view step) { return has_step(node, step); });
}

// A member keeps its own certificate from now on: its host is told to forget the one it came with.
void joined(Deciding& deciding, Node& node) {
  const auto& cluster = deciding.model.clusters.at(node.cluster);
  if (node.joined || cluster.kubernetes.version.empty()) return;
  node.joined = true;
  deciding.touch(node.host);
}

// A control-plane member says which leaving nodes its cluster has let go.
void departed(Deciding& deciding, const Node& speaker, const VmReport& vm) {
  if (speaker.role != Role::control_plane || vm.generation != speaker.generation) return;
  for (const Node& node : members_of(deciding, speaker.cluster)) {
    const bool gone = std::find(vm.departed.begin(), vm.departed.end(), node.name) != vm.departed.end();
    if (gone && node.state == NodeState::draining) take_out(deciding, node);
  }
}

void stopped(const Deciding& deciding, Node& node, const std::string& how) {
  node.stages.clear();
  const NodeState before = node.state;
  if (!advance(deciding, node, NodeEvent::vm_stopped)) return;
  if (node.state == NodeState::failed && before != NodeState::failed) {
    node.reason = "its VM " + how + " on " + host_name(deciding.model, node.host);
  }
}

void seen(Deciding& deciding, Node& node, const VmReport& vm) {
  node.vm_state = vm.state;
  node.observed_generation = vm.generation;
  if (vm.generation != node.generation) {
    // The VM of an older generation is about to be replaced; it says nothing about ours.
    if (node.state == NodeState::unknown) advance(deciding, node, NodeEvent::ordered);
    return;
  }
  switch (vm.state) {
    case VmState::running:
      merge_stages(node, vm);
      if (all_steps(deciding.model, node)) {
        advance(deciding, node, NodeEvent::guest_ready);
        joined(deciding, node);
      } else {
        advance(deciding, node, NodeEvent::vm_running);
      }
      return;
    case VmState::paused: stopped(deciding, node, "is paused"); return;
    case VmState::stopped: stopped(deciding, node, "has stopped"); return;
    case VmState::crashed: stopped(deciding, node, "has crashed"); return;
    case VmState::shut_down: stopped(deciding, node, "was switched off by its own guest"); return;
    case VmState::creating:
      if (node.state == NodeState::unknown) advance(deciding, node, NodeEvent::ordered);
      return;
    case VmState::unknown: return;
  }
}

// The list is complete, and the VM is not in it.
void absent(const Deciding& deciding, Node& node) {
  const bool had_it = node.observed_generation == node.generation;
  node.observed_generation = 0;
  if (had_it) {
    node.vm_state = VmState::stopped;
    stopped(deciding, node, "is no longer there");
  } else if (node.state == NodeState::unknown) {
    node.vm_state = VmState::unknown;
    advance(deciding, node, node.ready_at ? NodeEvent::vm_stopped : NodeEvent::ordered);
  }
}

void update_node(Deciding& deciding, const HostReport& report, Node node, const Sighting& seen_as) {
  if (report.observed) {
    if (seen_as.vm != nullptr) {
      seen(deciding, node, *seen_as.vm);
    } else {
      absent(deciding, node);
    }
  }
  if (node.state == NodeState::creating || node.state == NodeState::booting) {
    node.reason = seen_as.failure;
    if (seen_as.vm != nullptr && !seen_as.vm->guest_error.empty()) {
      node.reason = printable("guest: " + seen_as.vm->guest_error, kMaxReason);
    }
  }
  store_node(deciding, node);
}

void update_nodes(Deciding& deciding, const HostReport& report, bool images_moved) {
  std::map<NodeId, const VmReport*> vms;
  for (const VmReport& vm : report.vms) vms.emplace(vm.id, &vm);
  std::vector<Node> nodes;
  for (const Node* node : deciding.index().nodes_on(report.host)) {
    if (node->state != NodeState::deleting) nodes.push_back(*node);
  }
  for (const Node& listed : nodes) {
    // An earlier node's word may have taken this one out.
    const Node node = deciding.model.nodes.at(listed.id);
    const auto cluster = deciding.model.clusters.find(node.cluster);
    if (cluster == deciding.model.clusters.end() || node.state == NodeState::deleting) continue;
    Sighting sighting;
    if (const auto vm = vms.find(node.id); vm != vms.end()) sighting.vm = vm->second;
    sighting.failure = failure_of(report, cluster->second, node);
    update_node(deciding, report, node, sighting);
    if (images_moved && outstanding(node)) deciding.unsettled.insert(node.cluster);
    if (sighting.vm != nullptr) departed(deciding, node, *sighting.vm);
  }
}

}  // namespace

void decide_unsayable(Deciding& deciding, const UnsayableEvent& event) {
  const auto found = deciding.model.nodes.find(event.node);
  if (found == deciding.model.nodes.end() || found->second.host != event.host) return;
  Node node = found->second;
  const auto reason = printable("it cannot be ordered from " + host_name(deciding.model, node.host) + ": " + event.reason, kMaxReason);
  if (advance(deciding, node, NodeEvent::timed_out)) {
    node.reason = reason;
    store_node(deciding, node);
  } else {
    deciding.event("node.not-ordered", node.id.uuid, node.name, node.name + ": " + reason);
  }
}

void decide_report(Deciding& deciding, const ReportEvent& event) {
  const HostReport& report = event.report;
  if (!believable(deciding.model, event)) return;
  const auto earlier = deciding.model.observations.find(report.host);
  const bool known = earlier != deciding.model.observations.end();
  const bool same_session = known && earlier->second.session == report.session;
  const std::uint64_t generation = deciding.model.hosts.at(report.host).generation;
  const bool images_moved = observe(deciding, report);

  confirm_removals(deciding, report);
  update_nodes(deciding, report, images_moved);
  const bool behind = report.accepted_generation < generation;
  if (behind || (!same_session && report.accepted_generation == generation && generation > 0)) {
    deciding.resend.insert(report.host);
  }
}

}  // namespace dure::control
