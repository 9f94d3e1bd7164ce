#pragma once

#include <cstddef>

#include "tests/explore/world.h"

namespace dure::explore {

// The agent's clock stands still: its pauses are as good as none, so that nothing is to be forgiven, and what takes too long is
// told by a fault that says so.
inline constexpr SteadyPoint kAgentNow{1'000'000'000};

// A PC that has nothing, with an agent that has just begun.
Pc new_pc(const HostId& id);

// What AgentLoop does around host_plan(), Attempts and the report, for one PC. Each is one step of it.

void accept_order(Pc& pc, std::shared_ptr<const HostOrder> order);
// Whether a look would tell the agent anything new.
bool look_is_due(const Pc& pc);
void begin_look(Pc& pc, bool blind);
// Takes over what the look gave, plans and begins what is to be done.
void end_look(Pc& pc);

enum class Outcome : std::uint8_t { ok, failed, in_doubt };
void end_op(Pc& pc, std::size_t which, Outcome outcome);
// An op of an earlier process takes effect after all.
void haunt(Pc& pc, std::size_t which);
// So long after a restart that nothing of the earlier process can come any more.
void grow_up(Pc& pc);

void restart_agent(Pc& pc);
// Switched off and on: definitions and disks stay, nothing runs, the kernel has forgotten.
void reboot_pc(Pc& pc);
// Its agent is set up anew, with other keys and an empty journal, beside whatever is there.
void set_up_anew(Pc& pc, const HostId& id);

// The guest on the machine is another; its words reach an agent that listens.
void set_guest(Pc& pc, const NodeId& vm, Guest guest, bool rebooted);
void set_vm_state(Pc& pc, const NodeId& vm, VmState state);

// What the agent would say now, without its number.
HostReport report_of(const Pc& pc, const SystemId& system, TimePoint clock);
Hash hash_of(const Pc& pc);
Hash hash_of(const HostReport& report);
Hash hash_of(const HostOrder& order);

bool in_flight(const Pc& pc, const ObjectRef& object);

// Finishes a PC that was changed.
PcRef make_pc(Pc pc);

}  // namespace dure::explore
