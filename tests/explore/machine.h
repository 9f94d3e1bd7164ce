#pragma once

#include "tests/explore/world.h"

namespace dure::explore {

// The rules that the packet filter would write, as the agent names them.
Digest filter_rules();
bool active(VmState state);

// Finishes a machine that was changed: what is seen of it, and its hash.
MachineRef make_machine(Machine machine);

// What the op does to the machine, all or nothing. Nothing: it cannot, and the machine stays as it is.
std::optional<Machine> effect_of(const host::HostOp& op, const Machine& before);

// What a look gives.
host::Observed observed(const Look& look);

}  // namespace dure::explore
