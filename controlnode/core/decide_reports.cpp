#include "controlnode/core/decide_reports.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/planted.h"
#include "common/text.h"
#include "controlnode/core/bootstrap_plan.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/next_wake.h"
#include "controlnode/core/observations.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/removals.h"
#include "controlnode/core/silence.h"

namespace dure::control {
namespace {

constexpr std::size_t kMaxReason = 512;

// What the report says about one node.
struct Sighting {
  const VmReport* vm = nullptr;
  std::string failure;   // the most telling failure, for people; empty: none
};

// VM before network before image before host: the nearest cause tells most. A host that does not take its order can do
// nothing that is in it.
std::string failure_of(const HostReport& report, const Cluster& cluster, const Node& node) {
  if (report.refused) {
    return printable("its host does not accept its order: " + report.refused->reason, kMaxReason);
  }
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

// Agents of an older version tell stages without their boot.
bool has_spoken(const VmReport& vm) { return !vm.boot.is_nil() || !vm.stages.empty(); }

Duration guest_silence(const VmReport& vm) { return Duration{std::int64_t{vm.silent_s} * 1'000'000}; }
Duration guest_silent_after(const Model& model) { return Duration{model.settings.guest_silent_after_s * 1'000'000}; }

// The stages are of the boot that the guest names, as it says them now. A guest that has not spoken since its agent began
// to listen has said nothing new. Names that mean nothing to us are dropped.
void take_stages(const Deciding& deciding, Node& node, const VmReport& vm) {
  if (!has_spoken(vm)) return;
  const bool rebooted = !node.guest_boot.is_nil() && !vm.boot.is_nil() && node.guest_boot != vm.boot;
  if (rebooted && planted(Bug::boots_ignored)) return;
  if (!vm.boot.is_nil()) node.guest_boot = vm.boot;
  node.stages.clear();
  for (const std::string_view name : kKnownStages) {
    const auto said = std::find_if(vm.stages.begin(), vm.stages.end(),
                                   [&](const GuestStage& stage) { return stage.name == name; });
    if (said != vm.stages.end()) node.stages.push_back({said->name, std::min(said->at_ms, kMaxStored)});
  }
  if (rebooted) advance(deciding, node, NodeEvent::rebooted);
}

std::string_view missing_step(const Model& model, const Node& node) {
  for (const std::string_view step : boot_steps(model.clusters.at(node.cluster))) {
    if (!has_step(node, step)) return step;
  }
  return {};
}

// A member keeps its own certificate from now on: its host is told to forget the one it came with.
void joined(Deciding& deciding, Node& node) {
  const auto& cluster = deciding.model.clusters.at(node.cluster);
  if (node.joined || cluster.kubernetes.version.empty()) return;
  node.joined = true;
  deciding.touch(node.host);
}

// Its guest speaks now, in the run that is asked for. An agent tells the last word of a guest that hangs for as long as it does.
bool speaks_now(const Model& model, const Node& node, const VmReport& vm) {
  return vm.state == VmState::running && vm.generation == node.generation && vm.restart >= node.restart &&
         node.power == Power::on && guest_silence(vm) < guest_silent_after(model);
}

// Only whose VM runs can be NotReady to its cluster and nothing else.
bool is_judged(const Node& node) { return node.joined && node.power == Power::on && node.vm_state == VmState::running; }

// What a control-plane member says of its cluster: which leaving nodes it has let go, which credentials it knows, and, if
// it has just asked, whom it calls NotReady. Those nodes draw their conclusion with their own hosts' next word.
void hear_control_plane(Deciding& deciding, const Node& speaker, const VmReport& vm) {
  if (speaker.role != Role::control_plane || !speaks_now(deciding.model, speaker, vm)) return;
  Cluster cluster = deciding.model.clusters.at(speaker.cluster);
  const Cluster before = cluster;
  const auto names = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  std::erase_if(cluster.departing, [&](const Departing& node) { return names(vm.departed, node.name); });
  if (cluster.access_done < cluster.access_revision && vm.access == access_fingerprint(admins_of(deciding.model, cluster.id))) {
    cluster.access_done = cluster.access_revision;
  }
  if (cluster != before) deciding.put(cluster);
  if (cluster.departing != before.departing) touch_control_planes(deciding, cluster.id);
  for (Node node : members_of(deciding, speaker.cluster)) {
    if (names(vm.departed, node.name) && node.state == NodeState::draining) {
      take_out(deciding, node);
    } else if (vm.judges && is_judged(node) && node.not_ready != names(vm.not_ready, node.name)) {
      node.not_ready = !node.not_ready;
      store_node(deciding, node);
    }
  }
}

void stopped(const Deciding& deciding, Node& node, const std::string& how) {
  node.stages.clear();
  node.not_ready = false;
  const NodeState before = node.state;
  if (!advance(deciding, node, NodeEvent::vm_stopped)) return;
  if (node.state == NodeState::failed && before != NodeState::failed) {
    node.reason = "its VM " + how + " on " + host_name(deciding.model, node.host);
  }
}

void doubt(const Deciding& deciding, Node& node, Doubt why, const std::string& reason) {
  if (node.doubt == why && node.reason == reason) return;
  if (!advance(deciding, node, NodeEvent::doubted)) return;
  node.doubt = why;
  node.reason = reason;
}

// Once told, the reason stays as it was: how long is told by its date.
void doubt_silent(const Deciding& deciding, Node& node, Duration silence) {
  if (node.doubt == Doubt::silent) return;
  doubt(deciding, node, Doubt::silent, "its guest has been silent since " + to_rfc3339(deciding.now - silence));
}

// It has been ready in this boot, and its guest or its cluster has said something else since.
bool doubted(const Node& node) { return node.state == NodeState::unknown && node.doubt != Doubt::none; }

// Its VM runs. What its guest says, or does not say any more, decides.
void runs(Deciding& deciding, Node& node, const VmReport& vm) {
  take_stages(deciding, node, vm);
  const auto missing = missing_step(deciding.model, node);
  const bool booted = has_stage(node, "ready");
  const Duration silence = guest_silence(vm);
  const bool was_ready = node.state == NodeState::ready || doubted(node);
  if (node.state == NodeState::draining || !(booted || was_ready)) {
    advance(deciding, node, NodeEvent::vm_running);
  } else if (silence >= guest_silent_after(deciding.model)) {
    doubt_silent(deciding, node, silence);
  } else if (!missing.empty()) {
    doubt(deciding, node, Doubt::step_lost,
          printable("its guest says that '" + std::string(missing) + "' is not there any more" +
                        (vm.guest_error.empty() ? "" : ": " + vm.guest_error), kMaxReason));
  } else if (node.not_ready) {
    doubt(deciding, node, Doubt::not_ready, "its cluster calls it NotReady");
  } else if (node.state == NodeState::unknown && !has_spoken(vm)) {
    node.reason = "its guest has not spoken yet since " + host_name(deciding.model, node.host) + " is back";
  } else if (advance(deciding, node, NodeEvent::guest_ready)) {
    node.served = true;
    joined(deciding, node);
  }
}

// It is to be off. Who was not switched off in time goes on running until somebody asks again, or it is off after all.
void to_be_off(const Deciding& deciding, Node& node, bool is_off) {
  node.stages.clear();
  node.not_ready = false;
  if (is_off) {
    advance(deciding, node, NodeEvent::halted);
  } else if (node.state != NodeState::failed) {
    advance(deciding, node, NodeEvent::stop);
  }
}

// Its own guest has switched it off, or its PC is being switched off: which of them is seen when the PC is still there a
// while later (decide_tick.h).
void shut_down(const Deciding& deciding, Node& node) {
  node.stages.clear();
  node.not_ready = false;
  if (node.state == NodeState::stopped) return;
  if (advance(deciding, node, NodeEvent::stop)) node.reason = "its own guest has switched it off";
}

void seen(Deciding& deciding, Node& node, const VmReport& vm) {
  node.vm_state = vm.state;
  node.observed_generation = vm.generation;
  if (vm.generation != node.generation) {
    // The VM of an older generation is about to be replaced; it says nothing about ours.
    if (node.state == NodeState::unknown) advance(deciding, node, NodeEvent::ordered);
    return;
  }
  const bool runs_or_ran = vm.state == VmState::running || vm.state == VmState::shut_down;
  if (runs_or_ran && vm.restart < node.restart && node.power == Power::on) {
    // It is about to be switched off and on; what its guest says, or did when it was asked to end, is of the run before.
    if (node.state == NodeState::unknown) advance(deciding, node, NodeEvent::ordered);
    return;
  }
  const bool off = vm.state == VmState::stopped || vm.state == VmState::crashed || vm.state == VmState::shut_down;
  if (node.power != Power::on && vm.state != VmState::unknown) return to_be_off(deciding, node, off);
  switch (vm.state) {
    case VmState::running: return runs(deciding, node, vm);
    case VmState::paused: return stopped(deciding, node, "is paused");
    case VmState::stopped: return stopped(deciding, node, "has stopped");
    case VmState::crashed: return stopped(deciding, node, "has crashed");
    case VmState::shut_down: return shut_down(deciding, node);
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
  if (node.power != Power::on) {
    node.vm_state = VmState::stopped;
    to_be_off(deciding, node, true);
  } else if (had_it) {
    node.vm_state = VmState::stopped;
    stopped(deciding, node, "is no longer there");
  } else if (node.state == NodeState::unknown) {
    node.vm_state = VmState::unknown;
    advance(deciding, node, node.ready_at ? NodeEvent::vm_stopped : NodeEvent::ordered);
  }
}

// Its VM runs and its guest is mute: a boot that hangs. An emulated one has as much more time for its first word as for all
// else; a slower one speaks later, and then this is gone.
bool is_mute(const Model& model, const Node& node, const VmReport* vm) {
  if (vm == nullptr || node.state != NodeState::booting || vm->state != VmState::running) return false;
  const auto slower = node_deadline(model, node.host) / Duration{model.settings.node_deadline_s * 1'000'000};
  return guest_silence(*vm) >= guest_silent_after(model) * std::max<std::int64_t>(1, slower);
}

// Why it is not ready yet. That its guest is mute is told once: how long is told by its date.
void explain_start(const Deciding& deciding, Node& node, const Sighting& seen_as) {
  const Doubt before = std::exchange(node.doubt, Doubt::none);
  if (seen_as.vm != nullptr && !seen_as.vm->guest_error.empty()) {
    node.reason = printable("guest: " + seen_as.vm->guest_error, kMaxReason);
  } else if (!seen_as.failure.empty() || !is_mute(deciding.model, node, seen_as.vm)) {
    node.reason = seen_as.failure;
  } else {
    node.doubt = Doubt::mute;
    if (before == Doubt::mute) return;
    node.reason = "its guest has said nothing since " + to_rfc3339(deciding.now - guest_silence(*seen_as.vm)) +
                  ": 'dure node reboot " + node.name + "' begins its boot anew";
  }
}

// Its host reports, and cannot look at its VMs: nothing is known of them, as of those of a host that is silent.
void unseen(const Deciding& deciding, Node& node) {
  if (!blind(deciding.model, node.host, deciding.steady)) return;
  if (!watched(node) || !advance(deciding, node, NodeEvent::host_silent)) return;
  const Duration since = deciding.steady - deciding.model.heard.at(node.host).observed_at;
  node.reason = host_name(deciding.model, node.host) + " has not been able to look at its VMs since " + to_rfc3339(deciding.now - since);
}

void update_node(Deciding& deciding, const HostReport& report, Node node, const Sighting& seen_as) {
  if (!report.observed) {
    unseen(deciding, node);
  } else if (seen_as.vm != nullptr) {
    seen(deciding, node, *seen_as.vm);
  } else {
    absent(deciding, node);
  }
  if (node.state == NodeState::creating || node.state == NodeState::booting) {
    explain_start(deciding, node, seen_as);
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
    if (report.observed && sighting.vm != nullptr) hear_control_plane(deciding, node, *sighting.vm);
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
