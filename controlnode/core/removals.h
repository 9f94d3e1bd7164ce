#pragma once

#include <set>
#include <string>

#include "controlnode/core/deciding.h"
#include "protocol/messages/host_report.h"

namespace dure::control {

// So long a host that reports may take to remove something before nobody waits for it any longer.
inline constexpr Duration kRemovalLasts = std::chrono::minutes(5);

// Tells the host to drop the node's VM, and the cluster's network with its last VM there. The claim
// stays until the host has confirmed, or until nobody waits for that any longer.
void order_removal(Deciding& deciding, const Node& node);

// The network is wanted on the host again before its removal was confirmed.
void keep_network(Deciding& deciding, const HostId& host, const NetworkId& network);

// Drops what the report proves to be gone, with its node and claim. Proof is an observation by an agent that has accepted
// the order (or a newer one) that names the object, in which the object is neither listed nor in flight: an agent that
// has only accepted the order may still be busy making the VM of the order before. Whatever else the agent is at, or
// cannot do, is no matter.
void confirm_removals(Deciding& deciding, const HostReport& report);

// Removals that are due, and all of hosts that have been silent for so long that nothing waits for them.
void owe_what_is_due(Deciding& deciding);
// Nobody waits any longer for what this host has to remove. It goes on being told.
void owe_all(Deciding& deciding, const HostId& host);

// "pc-1, pc-2 (silent)"
std::string name_hosts(const Model& model, const std::set<HostId>& hosts, SteadyPoint now);

}  // namespace dure::control
