#include "controlnode/core/lifecycle.h"

#include <array>
#include <cstddef>

namespace dure::control {
namespace {

template <class Enum>
constexpr std::size_t index(Enum value) {
  return static_cast<std::size_t>(value);
}

// In the order of the enumerators.
constexpr std::array<std::string_view, 7> kClusterStates{"creating", "ready",    "scaling", "degraded",
                                                         "failed",   "deleting", "stopped"};
constexpr std::array<std::string_view, 10> kNodeStates{"pending", "creating", "booting",  "ready",    "unknown",
                                                       "failed",  "deleting", "draining", "stopping", "stopped"};
constexpr std::array<std::string_view, 4> kPowers{"on", "off", "shut-down", "lapsed"};
constexpr std::array<std::string_view, 5> kDoubts{"none", "silent", "step-lost", "not-ready", "mute"};
constexpr std::array<std::string_view, 2> kCnis{"native", "none"};
constexpr std::array<std::string_view, 2> kRoles{"control-plane", "worker"};
constexpr std::array<std::string_view, 2> kHostClasses{"anchor", "scavenged"};
constexpr std::array<std::string_view, 2> kStrategies{"spread", "pack"};
constexpr std::array<std::string_view, 4> kSurvivals{"nothing", "host", "room", "site"};
constexpr std::array<std::string_view, 3> kOperationKinds{"cluster-create", "cluster-scale",
                                                          "cluster-delete"};
constexpr std::array<std::string_view, 4> kOperationStates{"running", "succeeded", "failed", "cancelled"};
constexpr std::array<std::string_view, 4> kStepStates{"waiting", "running", "done", "failed"};
constexpr std::array<VmState, 7> kVmStates{VmState::unknown, VmState::creating, VmState::running,  VmState::paused,
                                           VmState::stopped, VmState::crashed,  VmState::shut_down};

template <class Enum, std::size_t N>
std::optional<Enum> parse(const std::array<std::string_view, N>& names, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

using N = NodeState;
using MaybeNode = std::optional<NodeState>;
constexpr MaybeNode kNo = std::nullopt;

// A stopped VM that was still starting goes back to creating, because its host starts it again
// within the same deadline. A failed node comes back only by the guest's own word or by a retry:
// a VM that merely runs was running when it timed out as well. A node becomes unknown only where
// something was expected of its host. A draining node goes on to be deleted whatever happens to it: when
// its cluster has let it go, or when that takes too long. A stopped node is started by a retry; and whatever is
// switched off goes on when its VM runs all the same.
constexpr std::array<std::array<MaybeNode, 13>, 10> kNodeTable{{
    // ordered      vm_running  guest_ready  vm_stopped   host_silent  timed_out    retry        remove       drain        rebooted     doubted      stop         halted
    {{N::creating,  kNo,        kNo,         kNo,         kNo,         N::failed,   N::pending,  N::deleting, N::draining, kNo,         kNo,         N::stopping, N::stopped}},  // pending
    {{N::creating,  N::booting, N::ready,    N::creating, N::unknown,  N::failed,   N::creating, N::deleting, N::draining, N::booting,  kNo,         N::stopping, N::stopped}},  // creating
    {{N::booting,   N::booting, N::ready,    N::creating, N::unknown,  N::failed,   N::creating, N::deleting, N::draining, N::booting,  kNo,         N::stopping, N::stopped}},  // booting
    {{N::ready,     N::ready,   N::ready,    N::failed,   N::unknown,  kNo,         N::ready,    N::deleting, N::draining, N::booting,  N::unknown,  N::stopping, N::stopped}},  // ready
    {{N::creating,  N::booting, N::ready,    N::failed,   N::unknown,  N::failed,   N::creating, N::deleting, N::draining, N::booting,  N::unknown,  N::stopping, N::stopped}},  // unknown
    {{N::failed,    kNo,        N::ready,    N::failed,   kNo,         kNo,         N::creating, N::deleting, N::draining, N::booting,  kNo,         N::stopping, N::stopped}},  // failed
    {{N::deleting,  kNo,        kNo,         kNo,         kNo,         kNo,         N::deleting, N::deleting, kNo,         kNo,         kNo,         kNo,         kNo}},         // deleting
    {{N::draining,  kNo,        kNo,         kNo,         kNo,         N::deleting, N::draining, N::deleting, N::draining, kNo,         kNo,         kNo,         kNo}},         // draining
    {{N::stopping,  N::booting, N::ready,    N::creating, N::unknown,  N::failed,   N::creating, N::deleting, N::draining, N::booting,  kNo,         N::stopping, N::stopped}},  // stopping
    {{N::stopped,   N::booting, N::ready,    N::creating, kNo,         kNo,         N::creating, N::deleting, N::draining, N::booting,  kNo,         N::stopping, N::stopped}},  // stopped
}};

using C = ClusterState;
using MaybeCluster = std::optional<ClusterState>;
constexpr MaybeCluster kNone = std::nullopt;

// A creation that timed out has failed; a scaling that timed out leaves a cluster that serves.
constexpr std::array<std::array<MaybeCluster, 8>, 7> kClusterTable{{
    // all_ready  node_lost    timed_out    scale        retry        remove       halted      broken
    {{C::ready,   C::degraded, C::failed,   C::scaling,  C::creating, C::deleting, C::stopped, C::failed}},  // creating
    {{C::ready,   C::degraded, kNone,       C::scaling,  C::ready,    C::deleting, C::stopped, C::failed}},  // ready
    {{C::ready,   C::degraded, C::degraded, C::scaling,  C::scaling,  C::deleting, C::stopped, C::failed}},  // scaling
    {{C::ready,   C::degraded, C::degraded, C::scaling,  C::scaling,  C::deleting, C::stopped, C::failed}},  // degraded
    {{C::ready,   C::degraded, C::failed,   C::scaling,  C::creating, C::deleting, C::stopped, C::failed}},  // failed
    {{kNone,      kNone,       kNone,       kNone,       C::deleting, C::deleting, kNone,      kNone}},      // deleting
    {{C::ready,   C::degraded, C::degraded, C::scaling,  C::scaling,  C::deleting, C::stopped, C::failed}},  // stopped
}};

}  // namespace

std::string_view to_string(ClusterState state) { return kClusterStates[index(state)]; }
std::string_view to_string(NodeState state) { return kNodeStates[index(state)]; }
std::string_view to_string(Power power) { return kPowers[index(power)]; }
std::string_view to_string(Doubt doubt) { return kDoubts[index(doubt)]; }
std::string_view to_string(Cni cni) { return kCnis[index(cni)]; }
std::string_view to_string(Role role) { return kRoles[index(role)]; }
std::string_view to_string(HostClass host_class) { return kHostClasses[index(host_class)]; }
std::string_view to_string(Strategy strategy) { return kStrategies[index(strategy)]; }
std::string_view to_string(Survive survive) { return kSurvivals[index(survive)]; }
std::string_view to_string(OperationKind kind) { return kOperationKinds[index(kind)]; }
std::string_view to_string(OperationState state) { return kOperationStates[index(state)]; }
std::string_view to_string(StepState state) { return kStepStates[index(state)]; }

std::optional<ClusterState> cluster_state(std::string_view text) {
  return parse<ClusterState>(kClusterStates, text);
}
std::optional<NodeState> node_state(std::string_view text) {
  return parse<NodeState>(kNodeStates, text);
}
std::optional<Power> power(std::string_view text) { return parse<Power>(kPowers, text); }
std::optional<Doubt> doubt(std::string_view text) { return parse<Doubt>(kDoubts, text); }
std::optional<Cni> cni(std::string_view text) { return parse<Cni>(kCnis, text); }
std::optional<Role> role(std::string_view text) { return parse<Role>(kRoles, text); }
std::optional<HostClass> host_class(std::string_view text) {
  return parse<HostClass>(kHostClasses, text);
}
std::optional<Strategy> strategy(std::string_view text) { return parse<Strategy>(kStrategies, text); }
std::optional<Survive> survive(std::string_view text) { return parse<Survive>(kSurvivals, text); }
std::optional<OperationKind> operation_kind(std::string_view text) {
  return parse<OperationKind>(kOperationKinds, text);
}
std::optional<OperationState> operation_state(std::string_view text) {
  return parse<OperationState>(kOperationStates, text);
}
std::optional<StepState> step_state(std::string_view text) {
  return parse<StepState>(kStepStates, text);
}
std::optional<VmState> vm_state(std::string_view text) {
  for (const VmState state : kVmStates) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

std::optional<NodeState> next(NodeState state, NodeEvent event) {
  return kNodeTable[index(state)][index(event)];
}

std::optional<ClusterState> next(ClusterState state, ClusterEvent event) {
  return kClusterTable[index(state)][index(event)];
}

bool is_transitional(NodeState state) {
  switch (state) {
    case NodeState::pending:
    case NodeState::creating:
    case NodeState::booting:
    case NodeState::draining:
    case NodeState::stopping:
    case NodeState::deleting: return true;
    case NodeState::ready:
    case NodeState::unknown:
    case NodeState::stopped:
    case NodeState::failed: return false;
  }
  return false;
}

bool is_transitional(ClusterState state) {
  switch (state) {
    case ClusterState::creating:
    case ClusterState::scaling:
    case ClusterState::deleting: return true;
    case ClusterState::ready:
    case ClusterState::degraded:
    case ClusterState::stopped:
    case ClusterState::failed: return false;
  }
  return false;
}

}  // namespace dure::control
