#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/digest.h"
#include "common/result.h"
#include "controlnode/core/model.h"
#include "controlnode/core/placement.h"
#include "controlnode/core/placement/remedies.h"

namespace dure::control {

// What a user asks for, already well-formed: grammar and sizes were checked where it came in, names
// are resolved here.
struct Idempotency {
  std::string key;   // empty: none
  Digest request;
};

struct CreateCluster {
  std::string project = "default";
  std::string name;
  std::uint32_t control_planes = 1, workers = 0;
  std::string flavor, image, key_pair;
  std::vector<std::string> sites;
  Cni cni = Cni::native;   // of a cluster with Kubernetes
  Layout layout{};
  std::optional<TimePoint> until{};   // switched off then, deleted lease_grace_s later
  HostRules control_plane_rules{}, worker_rules{};
  bool dry_run = false;
  Idempotency idempotency;
};
struct ScaleCluster {
  std::string cluster;      // name or id
  std::uint32_t workers = 0;
  bool dry_run = false;
  Idempotency idempotency;
};
// A worker is taken out, whatever has become of it, and a new one under a new name is made in its place.
struct ReplaceNode {
  std::string cluster;      // name or id
  std::string node;         // its name
  bool dry_run = false;
  Idempotency idempotency;
};
// What has failed is tried again, what is missing is made, and workers of a host that has been silent for minutes are
// replaced; those of a host that is silent at all where `lost` says that it will not come back.
struct RepairCluster {
  std::string cluster;      // name or id
  bool lost = false;
  bool dry_run = false;
  Idempotency idempotency;
};
// Its lease ends then instead, sooner or later; none: it stays.
struct ExtendCluster {
  std::string cluster;      // name or id
  std::optional<TimePoint> until;
};
struct DeleteCluster {
  std::string cluster;
  Idempotency idempotency;
};
// A creation is given up with its cluster, a scaling with the nodes that it has not brought up.
struct CancelOperation { OperationId operation; };
enum class PowerAction : std::uint8_t { stop, start, reboot };
struct PowerNode {
  std::string cluster;      // name or id
  std::string node;         // its name
  PowerAction action = PowerAction::stop;
};
// A credential for the cluster's API server, for this long; the answer carries the kubeconfig.
struct GiveAccess {
  std::string cluster;
  std::int64_t seconds = 12 * 3600;
};
// By the user name of its certificate; it ends at once.
struct RevokeAccess { std::string cluster, user; };
struct CreateSite { std::string name; std::uint16_t underlay_mtu = 1500; };
struct AddHost {
  std::string name, site;
  HostId id;
  Ipv4 address;
  std::string curve_key;
  HostClass host_class = HostClass::scavenged;
  Resources capacity, reserve;
  std::string room;
  std::map<std::string, std::string> labels;
  std::optional<std::int64_t> vcpu_overcommit_percent{};
};
// What is not named stays as it is; a label without a value is taken away.
struct UpdateHost {
  std::string host;         // name or id
  std::optional<std::string> room;
  std::map<std::string, std::optional<std::string>> labels;
  // Its owner's times: all of them, then more of them. Windows that meet become one.
  std::optional<std::vector<BusyWindow>> busy{};
  std::vector<BusyWindow> more_busy{};
  // Named without a value: again as the settings say for all hosts.
  std::optional<std::optional<std::int64_t>> vcpu_overcommit_percent{};
  std::optional<Ipv4> address{};
};
// Its PC is given up: what was on it is gone for its clusters, and its key is not admitted any more.
struct LoseHost {
  std::string host;         // name or id
  bool force = false;       // also if it reports now
};
// Another PC, or the same one set up anew, in the host's place: under its name, with this id and key.
struct ReplaceHost {
  std::string host;         // name or id
  HostId id;
  std::string curve_key;
  std::optional<Ipv4> address;
};
struct CordonHost { std::string host; bool cordoned = true; };
struct CreateFlavor { std::string name; std::uint32_t vcpus = 0, memory_mib = 0, disk_gib = 0; };
struct CreateImage {
  std::string name;
  BlobRef disk, kernel, initrd;
  std::string cmdline;
  std::uint32_t min_disk_gib = 0;
  std::string kubernetes;  // "v1.32.13"; empty: none
};
struct CreateKeyPair { std::string project = "default"; std::string name, public_key; };
// By the name of the part; without a value: no limit. What is not named stays as it is.
using QuotaChange = std::map<std::string, std::optional<std::int64_t>>;
struct CreateProject { std::string name; QuotaChange quota; };
struct UpdateProject {
  std::string project;      // name or id
  bool no_quota = false;    // before the change
  QuotaChange quota;
};
// kind: site, host, flavor, image, keypair. Refused while in use, naming the user.
struct DeleteObject { std::string kind, name; };

using Request = std::variant<CreateCluster, ScaleCluster, ReplaceNode, RepairCluster, ExtendCluster, DeleteCluster, CancelOperation,
                             PowerNode, GiveAccess, RevokeAccess, CreateSite, AddHost, UpdateHost, LoseHost, ReplaceHost, CordonHost,
                             CreateFlavor, CreateImage, CreateKeyPair, CreateProject, UpdateProject, DeleteObject>;

// The answer. For a cluster request: the operation to wait on, and where each node goes.
struct PlannedNode {
  std::string name, host, site;
  Role role = Role::worker;
};
struct Accepted {
  Uuid object;                            // cluster, site, host, ...
  std::string name;
  std::optional<OperationId> operation;
  std::vector<PlannedNode> plan;
  bool dry_run = false;
  std::optional<ClusterAccess> access;    // was given: `kubeconfig` is made from it
  std::string kubeconfig;                 // secret; filled in after the commit
};
struct Refused {
  Error error;
  std::vector<Refusal> refusals{};        // for no_capacity: the numbers per host
  std::vector<Remedy> remedies{};         // changes after which it would fit; each was tried
};
using Reply = std::variant<Accepted, Refused>;

}  // namespace dure::control
