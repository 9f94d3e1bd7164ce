#pragma once

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "hostagent/core/observed.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// Every op is idempotent and named by its object, never by the attempt.
struct FetchBlob { BlobRef blob; friend bool operator==(const FetchBlob&, const FetchBlob&) = default; };
// Bridge, VXLAN device, forwarding and neighbour entries: made or replaced as a whole.
struct ApplyNetwork { NetworkSpec network; friend bool operator==(const ApplyNetwork&, const ApplyNetwork&) = default; };
struct RemoveNetwork { NetworkId id; std::uint32_t vni = 0; friend bool operator==(const RemoveNetwork&, const RemoveNetwork&) = default; };
// All rules of this host, replaced in one transaction. Of no network: nobody on a device of ours gets anywhere.
struct ApplyFirewall { std::vector<NetworkSpec> networks; friend bool operator==(const ApplyFirewall&, const ApplyFirewall&) = default; };
// Both tables: the host is as it was before us.
struct RemoveFirewall { friend bool operator==(const RemoveFirewall&, const RemoveFirewall&) = default; };
// Overlay, seed, definition, start or resumption: each step only where it is missing.
struct StartVm { VmSpec vm; ImageSpec image; NetworkSpec network; OrderId order; friend bool operator==(const StartVm&, const StartVm&) = default; };
// The guest is asked to switch itself off; `hard`: it is switched off.
struct StopVm { NodeId id; std::uint64_t generation = 0; bool hard = false; friend bool operator==(const StopVm&, const StopVm&) = default; };
// Domain, overlay, seed and channel of every generation up to this one.
struct RemoveVm { NodeId id; std::uint64_t generation = 0; friend bool operator==(const RemoveVm&, const RemoveVm&) = default; };
// What no VM on this host needs any more.
struct RemoveBlob { Digest digest; friend bool operator==(const RemoveBlob&, const RemoveBlob&) = default; };

using HostOp = std::variant<FetchBlob, ApplyNetwork, RemoveNetwork, ApplyFirewall, RemoveFirewall, StartVm, StopVm, RemoveVm, RemoveBlob>;

// The object an op is about; two ops with the same key never run at the same time. For a blob the first 16 bytes of its
// digest, for the firewall the host.
using OpKey = ObjectRef;
OpKey key_of(const HostOp& op);
std::string describe(const HostOp& op);   // for logs

// What the plan depends on beside order and observation: what the agent remembers.
struct PlanMemory {
  Digest firewall_rules;             // names the rules that this agent would write, and their options
  std::set<NodeId> asked_to_stop;    // so long ago that they do not do it
  std::set<Digest> unneeded_blobs;   // for so long that nobody will want them soon
  std::set<ObjectRef> in_flight;     // of which the look proves nothing, because something is being done with them
};

struct HostPlan {
  std::vector<HostOp> ops;   // all of them may start now; what must wait for them comes with the next plan
  bool settled = false;      // nothing is left to do for this order
};

// Pure. Plans only what the observation proves to be missing:
//  - a VM is started when its blobs are complete and its network and the firewall are in place, and stay so;
//  - a VM that the order wants on and that is stopped, crashed, paused or half started is begun again, under the same
//    generation; while the disk is full a paused one waits for room; one that its own guest has switched off stays off
//    until the order says a higher restart;
//  - one that the order wants off, or on under a higher restart than it runs under, is stopped first;
//  - a VM of an older generation than ordered is removed first; a newer one is left alone;
//  - a VM or network is removed only when the order names it; one that the order does not mention
//    is left alone; a network is removed only when no VM observed here is on it;
//  - a network is made only behind a packet filter, which lets nobody through of whom it does not know;
//  - the firewall goes only with the last VM and the last network, also of those under way: it never opens while a guest
//    is there, or may come to be;
//  - a blob goes only when nothing is here that the order does not explain;
//  - while libvirt does not answer, no VM op is planned.
HostPlan host_plan(const HostOrder& order, const Observed& observed, const PlanMemory& memory);

// The part of a network that the kernel has to hold, in the form in which it is read back: entries
// whose VTEP is not our own, sorted by address, without what is behind them (guests route that among
// themselves); peers sorted by VTEP, without their host ids.
NetworkSpec remote_part(const NetworkSpec& network);

// Names a set of firewall rules: of these networks, written as `rules` says. Never all zero.
Digest firewall_digest(const std::vector<NetworkSpec>& networks, const Digest& rules);

// Names in the kernel, from numbers only: dvb<vni>, dvx<vni>, dvt<12 hex digits of the guest's MAC>, which
// lets the packet filter tell by the order's entries alone which guest is behind a tap.
std::string bridge_name(std::uint32_t vni);
std::string vxlan_name(std::uint32_t vni);
std::string tap_name(const Mac& mac);

}  // namespace dure::host
