#pragma once

#include <set>

#include "controlnode/core/deciding.h"
#include "protocol/messages/host_report.h"

namespace dure::control {

// Tells the host to drop the node's VM, and the cluster's network with its last VM there. The claim
// stays until the host has confirmed.
void order_removal(Deciding& deciding, const Node& node);

// The network is wanted on the host again before its removal was confirmed.
void keep_network(Deciding& deciding, const HostId& host, const NetworkId& network);

// Drops what the report proves to be gone, with its node and claim. Proof is an observation by an
// agent that has applied the order (or a newer one) that names the object: an agent that has only
// accepted it may still be busy making the VM of the order before.
void confirm_removals(Deciding& deciding, const HostReport& report);

// "pc-1, pc-2 (silent)"
std::string name_hosts(const Model& model, const std::set<HostId>& hosts, TimePoint now);

bool silent(const Model& model, const HostId& host, TimePoint now);

}  // namespace dure::control
