#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "common/ip.h"
#include "common/time.h"
#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"

namespace dure::control {

struct Site {
  SiteId id;
  std::string name;
  std::uint16_t underlay_mtu = 1500;
  friend bool operator==(const Site&, const Site&) = default;
};

enum class HostClass : std::uint8_t { anchor, scavenged };

// What can be handed out, and what has been. vCPU is counted with the overcommit ratio, memory and
// disk without.
struct Resources {
  std::int64_t vcpus = 0;
  std::int64_t memory_mib = 0;
  std::int64_t disk_gib = 0;
  friend bool operator==(const Resources&, const Resources&) = default;
};

// A time in which a host is not available to guests: a class is held at it. `until` is not part of it.
struct BusyWindow {
  TimePoint from, until;
  friend auto operator<=>(const BusyWindow&, const BusyWindow&) = default;
};

// vCPUs for each hundred physical CPUs that a host may be given.
inline constexpr std::int64_t kMinOvercommitPercent = 100, kMaxOvercommitPercent = 6400;

struct Host {
  HostId id;
  std::string name;
  SiteId site;
  Ipv4 address;               // on the underlay; its VTEP
  std::string curve_key;      // Z85, 40 characters
  HostClass host_class = HostClass::scavenged;
  Resources capacity;         // physical
  Resources reserve;          // kept for the owner
  bool cordoned = false;
  std::uint64_t generation = 0;          // of its desired state (last order); raised by PutOrder
  std::optional<OrderId> order;          // id of that order
  std::string room{};                    // where it stands; empty: not told
  std::map<std::string, std::string> labels{};  // the operator's own words for it
  std::vector<BusyWindow> busy{};        // its owner's times: sorted, apart from each other, at most kMaxBusyWindows
  // vCPUs for each hundred physical CPUs, kMinOvercommitPercent to kMaxOvercommitPercent; nothing: as the settings say for all hosts.
  std::optional<std::int64_t> vcpu_overcommit_percent{};
  // Its PC was given up: its key is not admitted, nothing is placed on it, and what it may still have stands in its
  // removals. It comes back as another PC under this name only ("host replace").
  std::optional<TimePoint> lost_at{};
  friend bool operator==(const Host&, const Host&) = default;
};

struct Image {
  ImageId id;
  std::string name;
  BlobRef disk, kernel, initrd;  // size 0: none
  std::string cmdline;
  std::uint32_t min_disk_gib = 0;
  std::string kubernetes{};  // version that its nodes run, such as "v1.32.13"; empty: none
  friend bool operator==(const Image&, const Image&) = default;
};

struct Flavor {
  FlavorId id;
  std::string name;
  std::uint32_t vcpus = 0, memory_mib = 0, disk_gib = 0;
  friend bool operator==(const Flavor&, const Flavor&) = default;
};

// The most that a project may hold; none: no limit.
struct Quota {
  std::optional<std::int64_t> vcpus, memory_mib, disk_gib, nodes, clusters;
  friend bool operator==(const Quota&, const Quota&) = default;
};

struct Project {
  ProjectId id;
  std::string name;
  Quota quota{};
  friend bool operator==(const Project&, const Project&) = default;
};

struct KeyPair {
  KeyPairId id;
  ProjectId project;
  std::string name;
  std::string public_key;  // OpenSSH one-line form
  friend bool operator==(const KeyPair&, const KeyPair&) = default;
};

enum class Role : std::uint8_t { control_plane, worker };

// See lifecycle.h for the table of transitions.
enum class ClusterState : std::uint8_t { creating, ready, scaling, degraded, failed, deleting, stopped };
enum class NodeState : std::uint8_t {
  pending, creating, booting, ready, unknown, failed, deleting, draining, stopping, stopped
};

// Whether a node's VM is to run, and if not, who has switched it off.
enum class Power : std::uint8_t {
  on,
  off,        // a user
  shut_down,  // its own guest
  lapsed,     // the end of its cluster's lease
};

struct Network {
  NetworkId id;
  ClusterId cluster;
  std::uint32_t vni = 0;     // unique; never used twice while any host may still have it
  Ipv4Prefix prefix;
  Ipv4 gateway;
  Mac gateway_mac;
  std::uint16_t mtu = 0;
  friend bool operator==(const Network&, const Network&) = default;
};

// The pod network of a cluster: `native` routes the pods' own prefixes over the cluster's segment;
// `none` leaves it to the user.
enum class Cni : std::uint8_t { native, none };

// What a cluster runs. Fixed when it is made, so that later settings do not tear it apart.
struct KubernetesSpec {
  std::string version;       // of the image; empty: the nodes are plain VMs, and the rest means nothing
  Cni cni = Cni::native;
  Ipv4Prefix pods;           // each node has a part of it
  Ipv4Prefix services;
  friend bool operator==(const KubernetesSpec&, const KubernetesSpec&) = default;
};

enum class Strategy : std::uint8_t {
  spread,  // over sites that were named, then hosts, then where most room is
  pack,    // few hosts, so that big requests keep fitting
};

// The loss of any one of these must leave a majority of the control-plane members.
enum class Survive : std::uint8_t { nothing, host, room, site };

// How the nodes of a cluster are to lie to each other. Fixed when it is made.
struct Layout {
  Strategy strategy = Strategy::spread;
  bool apart = false;                // no two of its nodes on one host
  Survive survive = Survive::nothing;
  friend bool operator==(const Layout&, const Layout&) = default;
};

// What the hosts of one pool must be. Empty: anything.
struct HostRules {
  std::vector<std::string> rooms;    // one of them
  std::vector<std::string> labels;   // all of them, as "key=value"
  std::vector<HostClass> classes;    // one of them
  friend bool operator==(const HostRules&, const HostRules&) = default;
};

// A group of like nodes: those of one role.
struct NodePool {
  std::uint32_t count = 0;   // desired
  HostRules rules{};
  friend bool operator==(const NodePool&, const NodePool&) = default;
};

// A node that has left without its Kubernetes cluster having let it go: a member of the control plane takes it out yet.
struct Departing {
  std::string name;
  Ipv4 address;    // not given to another node before that
  friend bool operator==(const Departing&, const Departing&) = default;
};

struct Cluster {
  ClusterId id;
  ProjectId project;
  std::string name;
  ClusterState state = ClusterState::creating;
  std::string reason;        // why it is degraded or failed, for people
  FlavorId flavor;
  ImageId image;
  KeyPairId key_pair;
  NetworkId network;
  std::vector<SiteId> sites; // allowed sites, spread over them; empty: any
  std::uint32_t next_worker = 1;  // names are never used twice
  std::uint32_t next_address = 0; // offset in the prefix from which the next node's address is looked for; goes round
  std::optional<OperationId> operation;  // the one in progress
  TimePoint created_at;
  KubernetesSpec kubernetes{};
  Layout layout{};
  std::optional<TimePoint> until{};      // of its lease: it is switched off then; none: it stays
  NodePool control_planes{}, workers{};
  std::optional<TimePoint> delete_at{};  // its lease has ended: it is deleted then
  std::vector<Departing> departing{};    // sorted by name, at most kMaxDeparting
  std::uint64_t access_revision = 0;     // raised with every credential that is given, is revoked or runs out
  std::uint64_t access_done = 0;         // its control plane knows the credentials up to this revision
  TimePoint since{};                     // in this state; set where a decision puts the row (deciding.h)
  friend bool operator==(const Cluster&, const Cluster&) = default;
};

// What is wrong with a VM that runs, as its guest or its cluster shows it.
enum class Doubt : std::uint8_t {
  none,
  silent,     // its guest has spoken in this boot, and does not any more: unknown
  step_lost,  // its guest says that something it had reached is not there any more: unknown
  not_ready,  // its cluster calls it NotReady: unknown
  mute,       // its guest has said nothing for long, or nothing at all: it goes on booting
};

struct Node {
  NodeId id;
  ClusterId cluster;
  std::string name;           // "<cluster>-cp1", "<cluster>-w2"
  Role role = Role::worker;
  HostId host;
  std::uint64_t generation = 1;
  Mac mac;
  Ipv4 address;
  NodeState state = NodeState::pending;
  std::string reason;
  VmState vm_state = VmState::unknown;         // as the host reported it
  std::uint64_t observed_generation = 0;       // as the host reported it
  std::vector<GuestStage> stages;              // as the guest reported them
  std::optional<SteadyPoint> deadline;         // of a transitional state
  TimePoint created_at;
  std::optional<TimePoint> ready_at;           // since it was made or was last tried again; none: not yet
  Ipv4Prefix pods{};                           // its part of the cluster's pod network; length 0: none
  bool joined = false;                         // has been a member of its Kubernetes cluster: needs no credential
  bool served = false;                         // has been ready once in this generation: its disk is somebody's
  Power power = Power::on;
  std::uint64_t restart = 0;                   // raised to have the VM switched off and on, or started at once
  Uuid guest_boot{};                           // that the stages are of, as the guest says; nil: it has not said
  bool not_ready = false;                      // as its Kubernetes cluster calls it
  Doubt doubt = Doubt::none;
  TimePoint since{};                           // in this state; set where a decision puts the row (deciding.h)
  friend bool operator==(const Node&, const Node&) = default;
};

// Capacity held on a host for a node: made in the transaction that decides, released when the host
// has confirmed that the VM is gone, or owes that.
struct Claim {
  NodeId node;
  HostId host;
  Resources amount;
  ProjectId project{};
  bool replaced = false;                 // another node has its place in the project's quota
  friend bool operator==(const Claim&, const Claim&) = default;
};

// A node or network that a host has been told to drop and has not confirmed yet.
struct Removal {
  HostId host;
  ObjectKind kind = ObjectKind::vm;   // vm or network
  Uuid object;
  std::uint64_t number = 0;           // VM: generation; network: VNI
  std::uint64_t ordered_at = 0;       // host generation of the first order that lists it
  std::string name{};                 // of the node or cluster, for people
  SteadyPoint due{};                  // when nobody waits for it any longer
  // Nobody waits for it: its node, claim and cluster are settled without. The host owes it, is told for as long as it
  // does, and gets nothing new before.
  bool owed = false;
  friend bool operator==(const Removal&, const Removal&) = default;
};

enum class OperationKind : std::uint8_t { cluster_create, cluster_scale, cluster_delete };
enum class OperationState : std::uint8_t { running, succeeded, failed, cancelled };
enum class StepState : std::uint8_t { waiting, running, done, failed };

struct OperationStep {
  std::string name;     // placed, ordered, image, started, one of the boot's (deciding.h), drained, removed
  StepState state = StepState::waiting;
  std::uint32_t done = 0, total = 0;   // nodes or hosts
  std::string detail;                  // what is missing, for people
  std::optional<TimePoint> started_at, finished_at;
  friend bool operator==(const OperationStep&, const OperationStep&) = default;
};

struct Operation {
  OperationId id;
  OperationKind kind = OperationKind::cluster_create;
  OperationState state = OperationState::running;
  ClusterId cluster;
  std::string cluster_name;   // stays readable after the cluster is gone
  std::vector<OperationStep> steps;
  std::string error;          // when failed or cancelled
  std::string warning{};      // what is left over although it has ended well, for people
  TimePoint started_at;
  std::optional<TimePoint> finished_at;
  friend bool operator==(const Operation&, const Operation&) = default;
};

// The answer that a request with an idempotency key was given.
struct IdempotencyRecord {
  std::string key;             // 1..128 printable ASCII
  Digest request;              // SHA-256 over route and body
  OperationId operation;
  ClusterId cluster;
  SteadyPoint made_at;
  friend bool operator==(const IdempotencyRecord&, const IdempotencyRecord&) = default;
};

// What is wrong with a host now, and since when.
struct SeenCondition {
  HostCondition condition;
  TimePoint since;
  friend bool operator==(const SeenCondition&, const SeenCondition&) = default;
};

// What a host last said. Kept in memory, flushed in batches; of no authority over claims.
struct HostObservation {
  HostId host;
  SessionId session;
  BootId boot;
  std::uint64_t sequence = 0;
  TimePoint seen_at;
  std::uint64_t accepted_generation = 0, applied_generation = 0;
  HostCapacity capacity;
  Fence highest_fence;
  std::string agent_version;
  std::vector<ImageReport> images;
  std::vector<ObjectFailure> failures;
  std::vector<NodeId> strangers;   // VMs with our metadata that no row explains: left alone
  std::vector<SeenCondition> conditions{};  // by code, each once
  bool silent = false;             // was found silent since it said this
  friend bool operator==(const HostObservation&, const HostObservation&) = default;
};

// When a host was heard last, in this lead. Kept in memory only.
struct Heard {
  // So many events at once may come of what it says, and one more each second: all its nodes may change a few times in a
  // minute, and who changes its word with every report does not fill the database.
  static constexpr std::uint32_t kEvents = 512;

  SteadyPoint at;
  SteadyPoint observed_at;       // when it last had looked at its VMs; of who never had in this lead, its first word
  Duration clock_off{};          // its date less the steady clock's
  std::uint32_t events = kEvents;
  SteadyPoint events_since{};    // what has come back up to here is counted
  std::uint64_t untold = 0;      // events that were left out since
  friend bool operator==(const Heard&, const Heard&) = default;
};

enum class DateDoubt : std::uint8_t { none, was_set, contradicted };

// What a host measured last of another site. Kept in memory only: it is measured again every minute.
struct MeasuredRoundTrip {
  SessionId session;             // with `round`: which measurement it is
  std::uint64_t round = 0;
  SteadyPoint at;                // when it was first told of
  std::uint32_t answered = 0;    // 0: nobody answers there
  std::uint32_t least_us = 0, median_us = 0;
  friend bool operator==(const MeasuredRoundTrip&, const MeasuredRoundTrip&) = default;
};

inline constexpr std::size_t kMaxDeparting = 64;

// A credential for a cluster's API server that a user was given. The key is not kept.
struct ClusterAccess {
  AccessId id;
  ClusterId cluster;
  std::string user;          // subject of the certificate
  TimePoint issued_at, expires_at;
  std::optional<TimePoint> revoked_at;
  std::uint64_t revision = 0;  // of the cluster's accesses, from which on it works
  friend bool operator==(const ClusterAccess&, const ClusterAccess&) = default;
};

struct Settings {
  double vcpu_overcommit = 4.0;
  std::vector<Ipv4> nameservers;
  std::string guest_user = "dure";
  Ipv4Prefix cluster_networks{Ipv4{0x0a800000}, 10};  // 10.128.0.0/10
  std::uint8_t cluster_prefix_length = 24;
  std::uint32_t first_vni = 4097;
  std::int64_t node_deadline_s = 900;      // with hardware virtualisation
  double software_virtualisation_factor = 6.0;
  std::int64_t drain_deadline_s = 300;     // likewise; then a leaving node goes all the same
  // What a kubelet begins with, as long as what the cluster's controllers sign for it later: a PC may be off
  // for months before its kubelet comes to renew it. Made anew at half of it while the node has not joined.
  std::int64_t join_credential_s = 365 * 86400;
  std::int64_t silent_after_s = 15;        // without a report a host's nodes become `unknown`
  std::int64_t missing_after_s = 180;     // without a report nothing waits for the host any longer
  std::int64_t guest_silent_after_s = 60;  // without a word from its guest a node becomes `unknown`
  std::int64_t lease_grace_s = 3600;       // between the end of a lease, which switches a cluster off, and its deletion
  std::int64_t date_settles_s = 600;       // a date that was set is followed when it has stood still for so long
  std::int64_t keep_history_s = 30 * 86400;  // finished operations, and events
  std::uint32_t max_nodes_per_cluster = 64;
  std::int64_t etcd_round_trip_ms = 10;    // most between the sites of control-plane members; 0: no bound
  Ipv4Prefix pod_network{Ipv4{0x0a400000}, 12};      // 10.64.0.0/12, in every cluster
  std::uint8_t pod_prefix_length = 24;               // of one node
  Ipv4Prefix service_network{Ipv4{0x0a600000}, 16};  // 10.96.0.0/16, in every cluster
  friend bool operator==(const Settings&, const Settings&) = default;
};

struct PlacementChain;  // placement/chain.h

// Everything the deciding thread knows; rebuilt from the database at start.
struct Model {
  SystemId system;
  Fence fence;             // of this leader
  Settings settings;
  std::map<SiteId, Site> sites;
  std::map<HostId, Host> hosts;
  std::map<ImageId, Image> images;
  std::map<FlavorId, Flavor> flavors;
  std::map<ProjectId, Project> projects;
  std::map<KeyPairId, KeyPair> key_pairs;
  std::map<ClusterId, Cluster> clusters;
  std::map<NodeId, Node> nodes;
  std::map<NetworkId, Network> networks;
  std::map<NodeId, Claim> claims;
  std::map<ClusterId, std::string> identities;       // encrypted (ports/cluster_identities.h)
  std::map<AccessId, ClusterAccess> accesses;
  std::map<HostId, std::vector<Removal>> removals;   // sorted by (kind, object)
  std::map<OperationId, Operation> operations;
  std::map<std::string, IdempotencyRecord> idempotency;
  std::map<HostId, HostObservation> observations;
  std::map<HostId, std::map<SiteId, MeasuredRoundTrip>> round_trips;  // by who measured; never stored
  std::map<HostId, Heard> heard;  // never stored
  SteadyPoint lead_since;         // who is not in `heard` may have been silent since; never stored
  SteadyPoint next_sweep;         // of old history; never stored
  DateDoubt told_date = DateDoubt::none;  // why nothing ends by its date; never stored
  std::uint64_t last_event = 0;   // number of the newest event
  TimePoint oldest_event{};       // what is older has gone, or goes by and by; none: there is none
  std::uint32_t next_vni = 0;     // 0: settings.first_vni
  std::shared_ptr<PlacementChain> placements;  // what is recorded of them; null: nothing
};

}  // namespace dure::control
