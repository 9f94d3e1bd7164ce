#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "common/time.h"
#include "protocol/messages/fencing.h"

namespace dure {

// What the agent knows of a VM. Only positive evidence gives `stopped`; `unknown` is silence. `shut_down`: its own guest
// has switched it off, which is no failure.
enum class VmState : std::uint8_t { unknown, creating, running, paused, stopped, crashed, shut_down };
std::string_view to_string(VmState state);

enum class ObjectKind : std::uint8_t { host, image, network, vm };
std::string_view to_string(ObjectKind kind);

// Stable reason codes; people read the message, programs this.
enum class FailureCode : std::uint8_t {
  image_fetch,       // the control node's blob could not be had
  image_digest,      // its bytes are not what the order names
  no_space,          // the host's disk is full
  hypervisor,        // libvirt refused
  hypervisor_away,   // libvirtd does not answer
  network,           // netlink or nftables refused
  seed,              // the seed image could not be made or removed
  identity,          // another domain has this id or name: left alone
  internal,          // the agent itself: its journal
  stuck,             // has been under way for longer than it can take
  crash_loop,        // it starts, and ends again soon after
};
std::string_view to_string(FailureCode code);

struct ObjectFailure {
  ObjectKind kind = ObjectKind::host;
  Uuid object;           // id of the image, network or VM; nil for the host
  FailureCode code = FailureCode::internal;
  std::string message;   // at most 512 bytes
  friend bool operator==(const ObjectFailure&, const ObjectFailure&) = default;
};

struct ObjectRef {
  ObjectKind kind = ObjectKind::vm;
  Uuid object;
  friend auto operator<=>(const ObjectRef&, const ObjectRef&) = default;
};

// What is wrong with a host now, whatever it is ordered.
enum class ConditionCode : std::uint8_t {
  hypervisor_away,   // libvirtd does not answer
  storage,           // what lies on its disk cannot be read
  no_space,          // its disk is nearly full
  network,           // the kernel's networks or filter cannot be read
  address,           // no interface has the underlay address that its networks are sent from
  uplink,            // the interface to the outside is not there
  capacity,          // the PC has less than was told of it
  clock,             // its date is not the control node's
  order_refused,     // it does not accept the newest order
};
std::string_view to_string(ConditionCode code);

struct HostCondition {
  ConditionCode code = ConditionCode::hypervisor_away;
  std::string message;   // one sentence for people, at most 512 bytes
  friend bool operator==(const HostCondition&, const HostCondition&) = default;
};

// A boot stage that the guest itself reports.
struct GuestStage {
  std::string name;             // [a-z0-9-]{1,32}
  std::uint64_t at_ms = 0;      // since the guest's kernel started
  friend bool operator==(const GuestStage&, const GuestStage&) = default;
};

struct VmReport {
  NodeId id;
  std::uint64_t generation = 0;   // from the domain's metadata
  OrderId order;                  // the order that made it
  VmState state = VmState::unknown;
  std::vector<GuestStage> stages;
  std::string guest_error;        // at most 256 bytes
  // Of its cluster: what a guest says of it counts while it speaks. One that has been silent for half a minute or more says
  // nothing of it, here and below, and judges nobody.
  std::vector<std::string> departed{};  // nodes of its cluster that the guest has drained and taken out; at most 64
  std::uint64_t restart = 0;            // from the domain's metadata; see VmSpec
  Uuid boot{};                          // of the guest's kernel, as the guest says; nil: it has not spoken
  // Since the guest's last word, or since this agent began to listen; in steps (hostagent/core/guest_words.h), so
  // that a guest which speaks changes nothing.
  std::uint32_t silent_s = 0;
  std::vector<std::string> not_ready{}; // nodes that its Kubernetes cluster calls NotReady, or does not know; at most 64
  std::uint64_t access = 0;             // fingerprint of the users that its Kubernetes cluster lets in; 0: not told
  bool judges = false;                  // the guest has just asked its cluster: `not_ready` is its answer
  friend bool operator==(const VmReport&, const VmReport&) = default;
};

struct NetworkReport {
  NetworkId id;
  std::uint32_t vni = 0;
  friend bool operator==(const NetworkReport&, const NetworkReport&) = default;
};

struct ImageReport {
  ImageId id;
  bool complete = false;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  friend bool operator==(const ImageReport&, const ImageReport&) = default;
};

// What came of the echoes that the order's targets at one site were sent last.
struct SiteRoundTrip {
  SiteId site;
  std::uint64_t round = 0;      // from 1, rises with every measurement of the session: no clock is compared
  std::uint32_t sent = 0, answered = 0;
  std::uint32_t least_us = 0, median_us = 0;  // of those that were answered; 0 without an answer
  friend bool operator==(const SiteRoundTrip&, const SiteRoundTrip&) = default;
};

struct HostCapacity {
  std::uint32_t vcpus = 0;
  std::uint64_t memory_mib = 0;
  std::uint64_t disk_gib = 0;
  bool hardware_virtualisation = false;  // a KVM guest really starts; otherwise TCG
  std::uint64_t disk_free_gib = 0;       // where VMs and images lie, in steps of a sixteenth of the disk; 0: not known
  friend bool operator==(const HostCapacity&, const HostCapacity&) = default;
};

// The newest order that the agent did not accept.
struct RefusedOrder {
  OrderId order;                  // nil: it could not be decoded
  std::uint64_t generation = 0;
  std::string reason;             // at most 512 bytes
  friend bool operator==(const RefusedOrder&, const RefusedOrder&) = default;
};

// The complete observed state of one host. It serves as hello, as answer to an order, and as
// heartbeat. Authority is the channel's: the control node takes the host from ZAP's User-Id and
// refuses a report that names another.
struct HostReport {
  SystemId system;
  HostId host;
  SessionId session;
  BootId boot;
  std::uint64_t sequence = 0;            // strictly rising within the session
  std::string agent_version;
  HostCapacity capacity;
  Fence highest_fence;                   // the agent refuses less
  std::uint64_t accepted_generation = 0; // of the order that this process of the agent works on; 0: none yet
  std::uint64_t applied_generation = 0;  // nothing left to do for it, failures apart
  OrderId applied_order;
  bool observed = false;                 // false: libvirt has not been asked yet; lists mean nothing
  std::vector<VmReport> vms;             // all domains that carry our metadata
  std::vector<NetworkReport> networks;
  std::vector<ImageReport> images;
  std::vector<ObjectFailure> failures;
  std::vector<SiteRoundTrip> round_trips{};  // one for each site of the order's targets that was measured
  std::string fence_proof{};             // of highest_fence, as the order had it that brought it; empty: none
  // VMs and networks of which the lists above are no proof: something was being done with them while the host was looked at,
  // or they are removed but for their files.
  std::vector<ObjectRef> in_flight{};    // sorted, each once
  std::vector<HostCondition> conditions{};  // each code once
  std::optional<RefusedOrder> refused{}; // none since the newest accepted order
  TimePoint clock{};                     // the host's date when it was sent; 0: not told
  std::uint64_t known_generation = 0;    // the highest that was ever journalled: what is older is refused
  friend bool operator==(const HostReport&, const HostReport&) = default;
};

inline constexpr std::size_t kMaxReportBytes = 1 << 20;
inline constexpr std::uint32_t kMaxEchoes = 256;                // to one site in one measurement
inline constexpr std::uint32_t kMaxRoundTripUs = 10'000'000;

// Sent for every order as soon as it is journalled or refused.
struct OrderAck {
  HostId host;
  SessionId session;
  OrderId order;
  std::uint64_t sequence = 0;
  std::uint64_t generation = 0;
  bool accepted = false;
  std::string refusal;   // Errc name when not accepted
  friend bool operator==(const OrderAck&, const OrderAck&) = default;
};

}  // namespace dure
