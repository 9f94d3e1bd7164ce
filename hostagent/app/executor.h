#pragma once

#include "hostagent/app/agent_parts.h"

namespace dure::host {

// All of these block and run on a task thread; what they find goes to the inbox.

// One look at everything. A port that does not answer gives a condition, never an empty list that
// would read as "gone".
Observed observe(AgentParts& parts);
// The same without libvirt, whose part reads as when it does not answer, but for the condition.
Observed glance(AgentParts& parts);

// Runs one op through the ports that it needs.
OpDone execute(AgentParts& parts, const HostOp& op, const std::string& channels_dir);

std::string channel_path(const std::string& channels_dir, const NodeId& vm);
// `of_seed`: it was the seed that could not be made or removed.
FailureCode failure_code(const HostOp& op, Errc code, bool of_seed = false);

}  // namespace dure::host
