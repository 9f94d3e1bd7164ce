#include "tests/explore/history.h"

#include <algorithm>

#include "controlnode/core/lifecycle.h"
#include "tests/explore/agent.h"
#include "tests/explore/control_side.h"

namespace dure::explore {
namespace {

std::string host_name(std::size_t slot) { return "h" + std::to_string(slot + 1); }

// By the newest order that names it, where the model knows it no more.
std::string vm_name(const State& state, const NodeId& id) {
  const auto node = state.control->model.nodes.find(id);
  if (node != state.control->model.nodes.end()) return node->second.name;
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    if (!state.pcs[i]->order) continue;
    for (const VmSpec& vm : state.pcs[i]->order->vms) {
      if (vm.id == id) return vm.name;
    }
  }
  for (const auto& [host, removals] : state.control->model.removals) {
    for (const auto& removal : removals) {
      if (removal.object == id.uuid) return removal.name;
    }
  }
  return id.str();
}

std::string op_in_words(const State& state, const host::HostOp& op) {
  if (const auto* start = std::get_if<host::StartVm>(&op)) return "start " + start->vm.name;
  if (const auto* stop = std::get_if<host::StopVm>(&op)) return "stop " + vm_name(state, stop->id);
  if (const auto* remove = std::get_if<host::RemoveVm>(&op)) return "remove " + vm_name(state, remove->id);
  return host::describe(op);
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

std::string under_way(const State& state, const Pc& pc) {
  std::vector<std::string> ops;
  for (const Running& each : pc.running) ops.push_back(op_in_words(state, each.op));
  return ops.empty() ? "nothing" : joined(ops);
}

// By the name of its cluster, or of the removal that is waited for.
std::string network_name(const State& state, const NetworkId& id) {
  for (const auto& [cluster, row] : state.control->model.clusters) {
    if (row.network == id) return row.name;
  }
  for (const auto& [host, removals] : state.control->model.removals) {
    for (const auto& removal : removals) {
      if (removal.object == id.uuid) return removal.name;
    }
  }
  return id.str();
}

std::string vm_in_words(const State& state, const VmReport& vm) {
  std::string text = " " + std::string(to_string(vm.state)) + " " + vm_name(state, vm.id);
  text += " generation " + std::to_string(vm.generation) + " restart " + std::to_string(vm.restart);
  if (!vm.boot.is_nil()) text += " boot " + std::to_string(vm.boot.bytes[1] - 1);
  if (vm.silent_s > 0) text += " silent " + std::to_string(vm.silent_s) + "s";
  std::vector<std::string> stages;
  for (const GuestStage& stage : vm.stages) stages.push_back(stage.name);
  if (!stages.empty()) text += " stages " + joined(stages);
  if (!vm.departed.empty()) text += " departed " + joined(vm.departed);
  return text;
}

std::string report_in_words(const State& state, const HostReport& report, std::size_t slot) {
  std::string text = "> report " + host_name(slot) + " session " + std::to_string(report.session.uuid.bytes[15]) + " accepted " +
                     std::to_string(report.accepted_generation) + " applied " + std::to_string(report.applied_generation);
  if (!report.observed) text += " unobserved";
  std::vector<std::string> in_flight, networks;
  for (const ObjectRef& object : report.in_flight) {
    in_flight.push_back(object.kind == ObjectKind::vm ? vm_name(state, NodeId{object.object})
                                                      : network_name(state, NetworkId{object.object}));
  }
  if (!in_flight.empty()) text += " in-flight " + joined(in_flight);
  for (const NetworkReport& network : report.networks) networks.push_back(network_name(state, network.id));
  text += " networks " + (networks.empty() ? "none" : joined(networks));
  for (const VmReport& vm : report.vms) text += vm_in_words(state, vm);
  return text;
}

std::string report_now_in_words(const State& state, std::size_t slot) {
  return report_in_words(state, report_of(*state.pcs[slot], state.control->model.system, {}), slot);
}

std::string fault_in_words(const State& before, const Step& step) {
  const Pc& pc = *before.pcs[step.pc];
  const auto host = host_name(step.pc);
  const auto op = [&] { return op_in_words(before, pc.running[step.which].op); };
  const auto vm = [&] { return vm_name(before, pc.machine->vms[step.which].seen.id); };
  switch (step.fault) {
    case Fault::op_fails: return host + ": '" + op() + "' fails";
    case Fault::op_in_doubt: return host + ": '" + op() + "' is done, and told as failed";
    case Fault::op_hangs: return host + ": '" + op() + "' hangs for ever";
    case Fault::blind_look: return host + " begins a look that libvirt does not answer";
    case Fault::crash: return host + ": " + vm() + " crashes";
    case Fault::pause: return host + ": " + vm() + " is paused";
    case Fault::guest_reboots: return host + ": the guest of " + vm() + " boots anew";
    case Fault::guest_off: return host + ": the guest of " + vm() + " switches it off";
    case Fault::guest_mute: return host + ": the guest of " + vm() + " says nothing any more";
    case Fault::agent_restarts: return host + ": the agent is started anew";
    case Fault::pc_reboots: return host + " is switched off and on";
    case Fault::link_cut: return host + " is cut off";
    case Fault::pc_dies: return host + " is dead for ever";
    case Fault::control_restarts: return {};  // the scenarios have a word for it
    case Fault::late_report: return host + " reports, and that is long under way";
  }
  return {};
}

// Whoever speaks says all the while what he says now; who has been given up is not asked for.
std::string time_in_words(const State& before, const State& after) {
  const auto passed = (after.control->now - before.control->now).count() / 1'000'000;
  const auto seconds = std::to_string(std::max<std::int64_t>(passed, 1)) + "s";
  std::string text;
  std::vector<std::string> silent;
  for (std::size_t i = 0; i < before.pc_count; ++i) {
    if (speaks(*before.control, *before.pcs[i])) {
      text += report_now_in_words(before, i) + "\n";
    } else {
      silent.push_back(host_name(i));
    }
  }
  return text + (silent.empty() ? "> wait " + seconds : "> silence " + joined(silent) + " " + seconds);
}

std::string claims_on(const State& state, const HostId& host) {
  std::vector<std::string> names;
  for (const auto& [id, claim] : state.control->model.claims) {
    if (claim.host == host) names.push_back(vm_name(state, id));
  }
  std::sort(names.begin(), names.end());
  return names.empty() ? "none" : joined(names);
}

std::string pc_in_words(const State& state, std::size_t slot) {
  const Pc& pc = *state.pcs[slot];
  std::string text = "#   " + host_name(slot) + (pc.dead ? ": dead" : ":");
  for (const Domain& vm : pc.machine->vms) text += " " + std::string(to_string(vm.seen.state)) + " " + vm_name(state, vm.seen.id);
  return text + "; " + std::to_string(pc.machine->networks.size()) + " networks, " +
         (pc.machine->firewall == Digest{} ? "no filter\n" : "a filter\n");
}

}  // namespace

std::string where_all_stands(const State& state) {
  std::string text;
  const auto& model = state.control->model;
  for (const auto& [id, cluster] : model.clusters) {
    text += "# " + cluster.name + ": " + cluster.reason + "\nexpect cluster " + cluster.name + " " +
            std::string(control::to_string(cluster.state)) + "\n";
  }
  for (const auto& [id, operation] : model.operations) {
    text += "#   operation " + std::string(control::to_string(operation.kind)) + " of " + operation.cluster_name + " runs\n";
  }
  for (const auto& [id, node] : model.nodes) {
    text += "expect node " + node.name + " " + std::string(control::to_string(node.state)) + "\n";
  }
  for (const auto& [id, host] : model.hosts) text += "expect claims " + host.name + " " + claims_on(state, id) + "\n";
  for (const auto& [host, removals] : model.removals) {
    for (const auto& removal : removals) {
      text += "#   removal of the " + std::string(to_string(removal.kind)) + " of " + removal.name + (removal.owed ? ", owed\n" : "\n");
    }
  }
  for (std::size_t i = 0; i < state.pc_count; ++i) text += pc_in_words(state, i);
  return text;
}

std::string in_words(const Config& config, const State& before, const State& after, const Step& step) {
  const Pc& pc = *before.pcs[step.pc];
  const auto host = host_name(step.pc);
  switch (step.what) {
    case What::late_arrives:
      return "# the report of " + host_name(before.late->pc) + " that was under way arrives:\n" +
             report_in_words(before, before.late->report, before.late->pc);
    case What::link_heals: return "# " + host + " is not cut off any more";
    case What::look_ends: return "# " + host + ": the look ends; under way now: " + under_way(before, *after.pcs[step.pc]);
    case What::op_ends: return "# " + host + ": '" + op_in_words(before, pc.running[step.which].op) + "' is done";
    case What::look_begins:
      if (config.pace == Pace::fine) return "# " + host + ": a look begins";
      if (config.pace == Pace::swift) return "# " + host + ": looks, and does what is to be done";
      return "# " + host + ": looks; under way now: " + under_way(before, *after.pcs[step.pc]);
    case What::order_arrives: return "# " + host + " accepts order " + std::to_string(after.pcs[step.pc]->order->generation);
    case What::guest_ready: return "# " + host + ": the guest of " + vm_name(before, pc.machine->vms[step.which].seen.id) + " is ready";
    case What::grown_up: return "# " + host + ": a minute has passed since its agent was started";
    case What::report: return report_now_in_words(before, step.pc);
    case What::time_passes: return time_in_words(before, after);
    case What::ghost: return "# " + host + ": of an earlier process of its agent, '" + op_in_words(before, pc.ghosts[step.which]) + "' takes effect";
    case What::fault:
      return step.fault == Fault::control_restarts ? std::string("> new-leader") : "# " + fault_in_words(before, step);
    case What::asked: return "> " + in_words(config.asks[step.which], before.control->model);
  }
  return {};
}

namespace {

std::string commented(const std::string& lines) {
  std::string text = "# ";
  for (const char each : lines) text += each == '\n' ? std::string("\n# ") : std::string(1, each);
  return text;
}

}  // namespace

std::string history(const Config& config, const std::vector<Step>& steps, const Finding& finding,
                    const std::vector<std::string>& told) {
  std::string text = "# " + finding.code + ": " + finding.text + " (" + config.name + ", " + std::to_string(steps.size()) + " steps)\n";
  text += setting_in_words(config);
  State state = first_state(config);
  for (const Step& step : steps) {
    Findings ignored;
    try {
      auto next = after(config, state, step, ignored);
      text += in_words(config, state, next ? *next : state, step) + "\n";
      if (next) state = std::move(*next);
    } catch (const Broken& broken) {
      // It is no step: nothing can come of it that is right.
      text += "# next, " + broken.what + ":\n" + commented(in_words(config, state, state, step)) + "\n";
    }
  }
  text += "# then:\n" + where_all_stands(state);
  for (const auto& line : told) text += line + "\n";
  return text;
}

}  // namespace dure::explore
