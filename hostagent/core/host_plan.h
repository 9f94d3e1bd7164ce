#pragma once

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
// All rules of this host, replaced in one transaction.
struct ApplyFirewall { std::vector<NetworkSpec> networks; friend bool operator==(const ApplyFirewall&, const ApplyFirewall&) = default; };
// Overlay, seed, definition, start: each step only where it is missing.
struct StartVm { VmSpec vm; ImageSpec image; NetworkSpec network; OrderId order; friend bool operator==(const StartVm&, const StartVm&) = default; };
// Domain, overlay, seed and channel of every generation up to this one.
struct RemoveVm { NodeId id; std::uint64_t generation = 0; friend bool operator==(const RemoveVm&, const RemoveVm&) = default; };

using HostOp = std::variant<FetchBlob, ApplyNetwork, RemoveNetwork, ApplyFirewall, StartVm, RemoveVm>;

// The object an op is about; two ops with the same key never run at the same time.
struct OpKey {
  ObjectKind kind = ObjectKind::host;
  Uuid object;             // VM or network; for a blob the first 16 bytes of its digest
  friend auto operator<=>(const OpKey&, const OpKey&) = default;
};
OpKey key_of(const HostOp& op);
std::string describe(const HostOp& op);   // for logs

struct HostPlan {
  std::vector<HostOp> ops;   // all of them may start now; what must wait for them comes with the next plan
  bool settled = false;      // nothing is left to do for this order
};

// Pure. Plans only what the observation proves to be missing:
//  - a VM is started when its blobs are complete and its network and the firewall are in place;
//  - a stopped or crashed VM that the order wants is started again, under the same generation;
//  - a VM of an older generation than ordered is removed first; a newer one is left alone;
//  - a VM or network is removed only when the order names it; one that the order does not mention
//    is left alone; a network is removed only when no VM observed here is on it;
//  - while libvirt does not answer, no VM op is planned.
HostPlan host_plan(const HostOrder& order, const Observed& observed);

// The part of a network that the kernel has to hold, in the form in which it is read back: entries
// whose VTEP is not our own, sorted by address, without what is behind them (guests route that among
// themselves); peers sorted by VTEP, without their host ids.
NetworkSpec remote_part(const NetworkSpec& network);

// Names a set of firewall rules: equal inputs, equal digest. Not a cryptographic hash; it only tells
// whether the rules in the kernel are those of these networks. Never all zero for a non-empty list.
Digest firewall_digest(const std::vector<NetworkSpec>& networks);

// Names in the kernel, from numbers only: dvb<vni>, dvx<vni>, dvt<12 hex digits of the guest's MAC>, which
// lets the packet filter tell by the order's entries alone which guest is behind a tap.
std::string bridge_name(std::uint32_t vni);
std::string vxlan_name(std::uint32_t vni);
std::string tap_name(const Mac& mac);

}  // namespace dure::host
