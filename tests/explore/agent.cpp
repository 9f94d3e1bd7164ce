#include "tests/explore/agent.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>

#include "hostagent/core/agent_report.h"
#include "hostagent/core/conclusions.h"
#include "protocol/wire/replay_guard.h"
#include "tests/explore/machine.h"

namespace dure::explore {
namespace {

constexpr Duration kMuteFor = std::chrono::seconds(90);

host::RetryRules no_pauses() {
  host::RetryRules rules;
  rules.first = rules.most = rules.lasts = rules.vm_lasts = rules.most_between_starts = Duration{0};
  return rules;
}

const Domain* find(const Machine& machine, const NodeId& id) {
  for (const Domain& vm : machine.vms) {
    if (vm.seen.id == id) return &vm;
  }
  return nullptr;
}

Domain& at(Machine& machine, const NodeId& id) {
  return *std::find_if(machine.vms.begin(), machine.vms.end(), [&](const Domain& vm) { return vm.seen.id == id; });
}

void follow_guests(Pc& pc, const host::Observed& seen) {
  if (!seen.hypervisor_answers) return;
  std::map<NodeId, Words> words;
  for (const auto& vm : seen.vms) {
    if (vm.state != VmState::running) continue;
    const auto known = pc.words.find(vm.id);
    if (known != pc.words.end()) {
      words.insert(*known);
    } else if (const Domain* there = find(*pc.machine, vm.id)) {
      words.emplace(vm.id, Words{there->guest, there->boot});
    }
  }
  pc.words = std::move(words);
}

void discharge_what_is_gone(Pc& pc, const host::Observed& seen) {
  if (!pc.order || pc.obligations.empty()) return;
  const auto at_work = host::unproven(pc.earlier, pc.attempts);
  std::erase_if(pc.obligations, [&](const ObjectRef& object) { return host::is_gone(object, *pc.order, seen, at_work); });
}

// Journal before effect.
void oblige(Pc& pc, const host::HostOp& op) {
  if (std::holds_alternative<host::StartVm>(op) || std::holds_alternative<host::ApplyNetwork>(op)) {
    pc.obligations.insert(host::key_of(op));
  }
}

host::PlanMemory memory_of(const Pc& pc) {
  host::PlanMemory memory;
  memory.firewall_rules = filter_rules();
  memory.in_flight = host::unproven(pc.earlier, pc.attempts);
  return memory;
}

void act(Pc& pc, const host::Observed& seen) {
  if (!pc.order) return;
  pc.order_is_news = false;
  const auto plan = host::host_plan(*pc.order, seen, memory_of(pc));
  pc.attempts.plan(plan.ops, kAgentNow);
  for (const auto& op : plan.ops) {
    if (!pc.attempts.may_begin(op, kAgentNow)) continue;
    oblige(pc, op);
    pc.attempts.begin(op, kAgentNow);
    pc.running.push_back({op});
  }
  std::sort(pc.running.begin(), pc.running.end(),
            [](const Running& a, const Running& b) { return host::key_of(a.op) < host::key_of(b.op); });
  if (host::is_applied(plan, seen, pc.attempts)) pc.applied_generation = pc.order->generation;
}

void forget_process(Pc& pc) {
  ++pc.session;
  pc.accepted.sequence = 0;
  pc.order.reset();
  pc.order_hash = {};
  pc.applied_generation = 0;
  pc.seen.reset();
  pc.looking.reset();
  pc.order_is_news = false;
  pc.attempts = host::Attempts(no_pauses());
  pc.running.clear();
  pc.words.clear();
}

// What a control plane's document says: "init" or "join", and whom it is to let go.
std::vector<std::string> words_of(const std::string& document) {
  std::istringstream stream(document);
  return {std::istream_iterator<std::string>(stream), {}};
}

host::GuestStatus status_of(const NodeId& id, const Words& words, const std::vector<std::string>& document) {
  host::GuestStatus status;
  status.boot = id.uuid;
  status.boot.bytes[1] = static_cast<std::uint8_t>(words.boot + 1);
  status.stages.push_back({"booted", 1});
  if (words.guest == Guest::booting) return status;
  for (const char* stage : {"network", "configured"}) status.stages.push_back({stage, 2});
  if (!document.empty()) {
    status.stages.push_back({"containerd", 3});
    status.stages.push_back({document.front(), 4});
    status.departed.assign(document.begin() + 1, document.end());
  }
  status.stages.push_back({"ready", 5});
  return status;
}

host::GuestBook guests_of(const Pc& pc) {
  host::GuestBook book;
  for (const auto& [id, words] : pc.words) {
    host::GuestWords& said = book[id];
    said.silent_since = words.guest == Guest::mute ? kAgentNow - kMuteFor : kAgentNow;
    if (words.guest == Guest::booting && words.boot == 0) continue;
    std::vector<std::string> document;
    if (pc.order) {
      for (const VmSpec& vm : pc.order->vms) {
        if (vm.id == id) document = words_of(vm.bootstrap);
      }
    }
    said.status = status_of(id, words, document);
  }
  return book;
}

}  // namespace

Pc new_pc(const HostId& id) {
  Pc pc;
  pc.id = id;
  pc.machine = make_machine({});
  pc.attempts = host::Attempts(no_pauses());
  return pc;
}

void accept_order(Pc& pc, std::shared_ptr<const HostOrder> order) {
  pc.accepted = wire::after(*order, pc.accepted);
  pc.order = std::move(order);
  pc.order_hash = hash_of(*pc.order);
  pc.order_is_news = true;
}

bool look_is_due(const Pc& pc) {
  if (pc.dead || pc.looking) return false;
  if (!pc.seen || pc.seen->blind || pc.order_is_news || pc.seen->machine->hash != pc.machine->hash) return true;
  if (pc.attempts.in_flight().size() != pc.running.size()) return true;  // something has ended
  return !pc.earlier.empty() && !pc.young;
}

void begin_look(Pc& pc, bool blind) {
  pc.attempts.look();
  pc.looking = Look{pc.machine, blind, pc.young};
}

void end_look(Pc& pc) {
  pc.seen = std::exchange(pc.looking, std::nullopt);
  pc.attempts.looked();
  const auto seen = pc.seen->blind ? observed(*pc.seen) : pc.seen->machine->observed;
  host::prove_earlier(pc.earlier, seen, !pc.seen->young);
  follow_guests(pc, seen);
  discharge_what_is_gone(pc, seen);
  act(pc, seen);
}

void end_op(Pc& pc, std::size_t which, Outcome outcome) {
  const auto op = pc.running[which].op;
  pc.running.erase(pc.running.begin() + static_cast<std::ptrdiff_t>(which));
  const auto key = host::key_of(op);
  auto changed = outcome == Outcome::failed ? std::nullopt : effect_of(op, *pc.machine);
  if (!changed && outcome == Outcome::ok) outcome = Outcome::failed;
  if (changed) {
    pc.machine = make_machine(std::move(*changed));
    if (const auto* start = std::get_if<host::StartVm>(&op); start != nullptr && pc.words.contains(start->vm.id)) {
      const Domain* vm = find(*pc.machine, start->vm.id);
      pc.words[start->vm.id] = {vm->guest, vm->boot};
    }
  }
  pc.earlier.erase(key);
  // Calls for one object are made one after the other: what an earlier process began comes before this, or never.
  std::erase_if(pc.ghosts, [&](const auto& ghost) { return host::key_of(ghost) == key; });
  std::optional<ObjectFailure> failure;
  if (outcome != Outcome::ok) failure = ObjectFailure{key.kind, key.object, FailureCode::hypervisor, "failed"};
  pc.attempts.end(op, failure, kAgentNow);
}

void haunt(Pc& pc, std::size_t which) {
  const auto op = pc.ghosts[which];
  pc.ghosts.erase(pc.ghosts.begin() + static_cast<std::ptrdiff_t>(which));
  if (auto changed = effect_of(op, *pc.machine)) pc.machine = make_machine(std::move(*changed));
}

void grow_up(Pc& pc) {
  pc.young = false;
  pc.ghosts.clear();
}

void restart_agent(Pc& pc) {
  // libvirtd goes on with what it was called for. What the process does in the kernel itself ends with it.
  for (const Running& each : pc.running) {
    if (host::key_of(each.op).kind == ObjectKind::vm) pc.ghosts.push_back(each.op);
  }
  forget_process(pc);
  pc.earlier = pc.obligations;
  pc.young = true;
}

void reboot_pc(Pc& pc) {
  Machine after = *pc.machine;
  for (Domain& vm : after.vms) {
    if (active(vm.seen.state)) vm.seen.state = VmState::stopped;
    vm.attached = false;
  }
  after.networks.clear();
  after.firewall = {};
  pc.machine = make_machine(std::move(after));
  forget_process(pc);
  pc.ghosts.clear();
  pc.earlier = pc.obligations;
  pc.young = true;
}

void set_up_anew(Pc& pc, const HostId& id) {
  forget_process(pc);
  pc.id = id;
  pc.accepted = {};
  pc.ghosts.clear();
  pc.earlier.clear();
  pc.obligations.clear();
  pc.young = pc.cut = false;
  pc.session += 100;
}

void set_guest(Pc& pc, const NodeId& vm, Guest guest, bool rebooted) {
  Machine after = *pc.machine;
  Domain& there = at(after, vm);
  there.guest = guest;
  if (rebooted) ++there.boot;
  if (const auto heard = pc.words.find(vm); heard != pc.words.end()) heard->second = {there.guest, there.boot};
  pc.machine = make_machine(std::move(after));
}

void set_vm_state(Pc& pc, const NodeId& vm, VmState state) {
  Machine after = *pc.machine;
  at(after, vm).seen.state = state;
  pc.machine = make_machine(std::move(after));
}

HostReport report_of(const Pc& pc, const SystemId& system, TimePoint clock) {
  HostReport report;
  report.system = system;
  report.host = pc.id;
  report.session.uuid.bytes[15] = static_cast<std::uint8_t>(pc.session);
  report.session.uuid.bytes[0] = 0x5e;
  report.clock = clock;
  report.highest_fence = pc.accepted.fence;
  report.accepted_generation = pc.order ? pc.order->generation : 0;
  report.known_generation = pc.accepted.generation;
  report.applied_generation = pc.applied_generation;
  report.capacity.hardware_virtualisation = true;
  report.failures = pc.attempts.failures(kAgentNow);
  std::optional<host::Observed> seen;
  if (pc.seen) {
    seen = pc.seen->blind ? observed(*pc.seen) : pc.seen->machine->observed;
    host::add_observed(report, *seen, pc.order.get(), guests_of(pc), {}, kAgentNow);
  }
  report.in_flight = host::told_in_flight(host::unproven(pc.earlier, pc.attempts), pc.order.get(), seen ? &*seen : nullptr);
  return report;
}

bool in_flight(const Pc& pc, const ObjectRef& object) {
  if (pc.earlier.contains(object) || pc.attempts.in_flight(object)) return true;
  return std::any_of(pc.ghosts.begin(), pc.ghosts.end(), [&](const auto& op) { return host::key_of(op) == object; });
}

PcRef make_pc(Pc pc) {
  pc.young = pc.young && !(pc.earlier.empty() && pc.ghosts.empty());
  // It says something of the moment at which it ends, and of no other.
  if (pc.seen) pc.seen->young = false;
  pc.hash = hash_of(pc);
  return std::make_shared<const Pc>(std::move(pc));
}

}  // namespace dure::explore
