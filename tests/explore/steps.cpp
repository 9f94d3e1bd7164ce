#include "tests/explore/steps.h"

#include <algorithm>

#include "protocol/wire/replay_guard.h"
#include "tests/explore/agent.h"
#include "tests/explore/control_side.h"
#include "tests/explore/machine.h"

namespace dure::explore {
namespace {

std::uint8_t small(std::size_t number) { return static_cast<std::uint8_t>(number); }

using Steps = std::vector<Step>;

void add_cooperative(const State& state, Steps& steps) {
  if (state.late) steps.push_back({What::late_arrives, small(state.late->pc)});
  const auto each = [&](What what, const auto& possible) {
    for (std::size_t i = 0; i < state.pc_count; ++i) {
      const Pc& pc = *state.pcs[i];
      if (!pc.dead) possible(pc, Step{what, small(i)});
    }
  };
  const auto if_so = [&](bool so, const Step& step) {
    if (so) steps.push_back(step);
  };
  each(What::link_heals, [&](const Pc& pc, const Step& step) { if_so(pc.cut, step); });
  each(What::look_ends, [&](const Pc& pc, const Step& step) { if_so(pc.looking.has_value(), step); });
  each(What::op_ends, [&](const Pc& pc, Step step) {
    for (; step.which < pc.running.size(); ++step.which) if_so(!pc.running[step.which].hangs, step);
  });
  each(What::look_begins, [&](const Pc& pc, const Step& step) { if_so(look_is_due(pc), step); });
  each(What::order_arrives, [&](const Pc& pc, const Step& step) { if_so(due_order(*state.control, pc, step.pc) != nullptr, step); });
  each(What::guest_ready, [&](const Pc& pc, Step step) {
    for (; step.which < pc.machine->vms.size(); ++step.which) {
      const Domain& vm = pc.machine->vms[step.which];
      if_so(vm.seen.state == VmState::running && vm.guest == Guest::booting, step);
    }
  });
  each(What::grown_up, [&](const Pc& pc, const Step& step) { if_so(pc.young, step); });
  each(What::report, [&](const Pc& pc, const Step& step) { if_so(speaks(*state.control, pc), step); });
  if (next_due(state)) steps.push_back({What::time_passes});
}

void add_fault_of_pc(const State& state, Fault fault, std::size_t slot, Steps& steps) {
  const Pc& pc = *state.pcs[slot];
  const auto add = [&](std::size_t which = 0) { steps.push_back({What::fault, small(slot), small(which), fault}); };
  const auto each_vm = [&](const auto& possible) {
    for (std::size_t i = 0; i < pc.machine->vms.size(); ++i) {
      const Domain& vm = pc.machine->vms[i];
      if (vm.seen.state == VmState::running && possible(vm)) add(i);
    }
  };
  switch (fault) {
    case Fault::op_fails:
    case Fault::op_in_doubt:
    case Fault::op_hangs:
      for (std::size_t i = 0; i < pc.running.size(); ++i) {
        if (!pc.running[i].hangs) add(i);
      }
      return;
    case Fault::blind_look:
      if (!pc.looking && pc.order) add();
      return;
    case Fault::crash:
    case Fault::pause:
    case Fault::guest_off: return each_vm([](const Domain&) { return true; });
    case Fault::guest_reboots: return each_vm([](const Domain& vm) { return vm.guest != Guest::booting; });
    case Fault::guest_mute: return each_vm([](const Domain& vm) { return vm.guest != Guest::mute; });
    case Fault::agent_restarts:
    case Fault::pc_reboots:
      if (pc.order || !pc.obligations.empty()) add();
      return;
    case Fault::link_cut:
      if (!pc.cut) add();
      return;
    case Fault::pc_dies: return add();
    case Fault::late_report:
      if (!state.late && speaks(*state.control, pc)) add();
      return;
    case Fault::control_restarts: return;
  }
}

void add_faults(const Config& config, const State& state, Steps& steps) {
  if (state.faults_sum >= config.max_faults) return;
  for (const auto& [fault, times] : config.faults) {
    if (state.faults[static_cast<std::size_t>(fault)] >= times) continue;
    if (fault == Fault::control_restarts) {
      steps.push_back({What::fault, 0, 0, fault});
      continue;
    }
    for (std::size_t i = 0; i < state.pc_count; ++i) {
      if (!state.pcs[i]->dead) add_fault_of_pc(state, fault, i, steps);
    }
  }
}

// Whom an operator gives up, or replaces, is not to be heard.
bool reasonable(const State& state, const Ask& ask) {
  if (ask.kind != Ask::Kind::lose && ask.kind != Ask::Kind::replace_host) return true;
  return !speaks(*state.control, *state.pcs[ask.pc]);
}

void change_by(Pc& pc, const Step& step) {
  switch (step.fault) {
    case Fault::op_fails: return end_op(pc, step.which, Outcome::failed);
    case Fault::op_in_doubt: return end_op(pc, step.which, Outcome::in_doubt);
    case Fault::op_hangs: pc.running[step.which].hangs = true; return;
    case Fault::blind_look: return begin_look(pc, true);
    case Fault::crash: return set_vm_state(pc, pc.machine->vms[step.which].seen.id, VmState::crashed);
    case Fault::pause: return set_vm_state(pc, pc.machine->vms[step.which].seen.id, VmState::paused);
    case Fault::guest_off: return set_vm_state(pc, pc.machine->vms[step.which].seen.id, VmState::shut_down);
    case Fault::guest_reboots: return set_guest(pc, pc.machine->vms[step.which].seen.id, Guest::booting, true);
    case Fault::guest_mute: return set_guest(pc, pc.machine->vms[step.which].seen.id, Guest::mute, false);
    case Fault::agent_restarts: return restart_agent(pc);
    case Fault::pc_reboots: return reboot_pc(pc);
    case Fault::link_cut: pc.cut = true; return;
    case Fault::pc_dies:
      // What it was is nobody's any more, and no difference.
      pc = new_pc(pc.id);
      pc.dead = true;
      return;
    case Fault::late_report:
    case Fault::control_restarts: return;
  }
}

HostReport report_now(const State& state, std::size_t slot, SteadyPoint now) {
  return report_of(*state.pcs[slot], state.control->model.system, TimePoint{now.us});
}

// What is under way from this PC is older than what has just arrived.
void overtake(State& state, std::size_t slot) {
  if (!state.late || state.late->overtaken || state.late->pc != slot) return;
  if (state.late->report.session != report_now(state, slot, {}).session) return;
  auto late = std::make_shared<LateReport>(*state.late);
  late->overtaken = true;
  state.late = std::move(late);
}

State after_fault(const State& before, const Step& step) {
  State state = before;
  ++state.faults[static_cast<std::size_t>(step.fault)];
  ++state.faults_sum;
  if (step.fault == Fault::control_restarts) {
    state.control = restart(*state.control);
  } else if (step.fault == Fault::late_report) {
    auto late = std::make_shared<LateReport>();
    late->pc = step.pc;
    late->report = report_now(state, step.pc, state.control->now);
    late->hash = hash_of(late->report);
    state.late = std::move(late);
  } else {
    Pc pc = *state.pcs[step.pc];
    change_by(pc, step);
    state.pcs[step.pc] = make_pc(std::move(pc));
  }
  return state;
}

std::optional<State> after_late(const State& before) {
  State state = before;
  const LateReport& late = *before.late;
  state.late.reset();
  const Pc& pc = *before.pcs[late.pc];
  const auto* host = host_of(*before.control, pc);
  if (host == nullptr || host->lost_at || late.report.host != pc.id) return state;
  const auto seen = before.control->model.observations.find(pc.id);
  const bool old = late.overtaken && seen != before.control->model.observations.end() && seen->second.session == late.report.session;
  if (!old) state.control = take_report(before.control, late.report);
  return state;
}

std::optional<State> after_report(const State& before, const Step& step, Findings& findings) {
  State state = before;
  state.control = take_report(before.control, report_now(before, step.pc, before.control->now));
  check_report(state, step.pc, findings);
  overtake(state, step.pc);
  if (state.control == before.control && state.late == before.late) return std::nullopt;
  return state;
}

std::optional<State> after_time(const State& before) {
  const auto due = next_due(before);
  if (!due) return std::nullopt;
  State state = before;
  std::vector<HostReport> reports;
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    if (state.pcs[i]->young && !state.pcs[i]->dead) {
      Pc pc = *state.pcs[i];
      grow_up(pc);
      state.pcs[i] = make_pc(std::move(pc));
    }
    if (!speaks(*before.control, *before.pcs[i])) continue;
    reports.push_back(report_now(before, i, *due));
    overtake(state, i);
  }
  state.control = tick(*before.control, *due, std::move(reports));
  return state;
}

std::optional<State> after_order(const State& before, const Step& step) {
  const auto order = due_order(*before.control, *before.pcs[step.pc], step.pc);
  const Pc& pc = *before.pcs[step.pc];
  if (!order || !wire::admit(*order, before.control->model.system, pc.id, order->session, pc.accepted)) return std::nullopt;
  State state = before;
  Pc changed = pc;
  accept_order(changed, order);
  state.pcs[step.pc] = make_pc(std::move(changed));
  return state;
}

void end_look_and_check(Pc& pc, Findings& findings) {
  end_look(pc);
  check_look(pc, findings);
}

// A look, and as much more as the pace of the walk has in one step.
void look(Pc& pc, Pace pace, Findings& findings) {
  begin_look(pc, false);
  if (pace == Pace::fine) return;
  end_look_and_check(pc, findings);
  while (pace == Pace::swift) {
    const auto op = std::find_if(pc.running.begin(), pc.running.end(), [](const Running& each) { return !each.hangs; });
    if (op != pc.running.end()) {
      end_op(pc, static_cast<std::size_t>(op - pc.running.begin()), Outcome::ok);
    } else if (look_is_due(pc)) {
      begin_look(pc, false);
      end_look_and_check(pc, findings);
    } else {
      return;
    }
  }
}

State after_agent(const Config& config, const State& before, const Step& step, Findings& findings) {
  State state = before;
  Pc pc = *before.pcs[step.pc];
  switch (step.what) {
    case What::link_heals: pc.cut = false; break;
    case What::look_begins: look(pc, config.pace, findings); break;
    case What::look_ends: end_look_and_check(pc, findings); break;
    case What::op_ends: end_op(pc, step.which, Outcome::ok); break;
    case What::guest_ready: set_guest(pc, pc.machine->vms[step.which].seen.id, Guest::ready, false); break;
    case What::grown_up: grow_up(pc); break;
    case What::ghost: haunt(pc, step.which); break;
    default: break;
  }
  state.pcs[step.pc] = make_pc(std::move(pc));
  return state;
}

}  // namespace

void steps_from(const Config& config, const State& state, Steps& steps) {
  steps.clear();
  add_cooperative(state, steps);
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    if (state.pcs[i]->dead) continue;
    for (std::size_t ghost = 0; ghost < state.pcs[i]->ghosts.size(); ++ghost) steps.push_back({What::ghost, small(i), small(ghost)});
  }
  add_faults(config, state, steps);
  if (state.asks_sum >= config.max_asks) return;
  for (std::size_t i = 0; i < config.asks.size(); ++i) {
    if (state.asks[i] < config.asks[i].times && reasonable(state, config.asks[i])) steps.push_back({What::asked, 0, small(i)});
  }
}

std::optional<State> after_ask(const State& before, const Ask& wish, std::uint8_t occurrence) {
  auto control = ask(*before.control, wish, occurrence);
  if (!control) return std::nullopt;
  State state = before;
  state.control = std::move(control);
  if (wish.kind != Ask::Kind::replace_host) return state;
  const auto id = replacement_id(wish.pc, occurrence);
  Pc pc = state.pcs[wish.pc]->dead ? new_pc(id) : *state.pcs[wish.pc];
  if (!state.pcs[wish.pc]->dead) set_up_anew(pc, id);
  state.pcs[wish.pc] = make_pc(std::move(pc));
  return state;
}

std::optional<State> after(const Config& config, const State& state, const Step& step, Findings& findings) {
  switch (step.what) {
    case What::late_arrives: return after_late(state);
    case What::report: return after_report(state, step, findings);
    case What::time_passes: return after_time(state);
    case What::order_arrives: return after_order(state, step);
    case What::fault: return after_fault(state, step);
    case What::asked: {
      auto next = after_ask(state, config.asks[step.which], state.asks[step.which]);
      if (!next) return std::nullopt;
      ++next->asks[step.which];
      ++next->asks_sum;
      return next;
    }
    default: return after_agent(config, state, step, findings);
  }
}

Hash hash_of(const State& state) {
  Hasher hasher;
  hasher.add(state.control->hash);
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    const Pc& pc = *state.pcs[i];
    hasher.add(pc.hash);
    const auto* late = state.late && state.late->pc == i ? state.late.get() : nullptr;
    add_relation(hasher, *state.control, pc, late);
  }
  hasher.add(state.late ? 1 + static_cast<std::uint64_t>(state.late->overtaken) : 0);
  if (state.late) hasher.add(state.late->hash);
  std::uint64_t word = 0;
  for (const auto count : state.faults) word = word << 4 | count;
  hasher.add(word);
  word = 0;
  for (const auto count : state.asks) word = word << 4 | count;
  hasher.add(word);
  return hasher.finish();
}

}  // namespace dure::explore
