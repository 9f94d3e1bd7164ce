#pragma once

#include <optional>
#include <string_view>

#include "controlnode/core/model.h"

namespace dure::control {

std::string_view to_string(ClusterState state);
std::string_view to_string(NodeState state);
std::string_view to_string(Power power);
std::string_view to_string(Role role);
std::string_view to_string(Cni cni);
std::string_view to_string(HostClass host_class);
std::string_view to_string(Strategy strategy);
std::string_view to_string(Survive survive);
std::string_view to_string(OperationKind kind);
std::string_view to_string(OperationState state);
std::string_view to_string(StepState state);
std::string_view to_string(Doubt doubt);

// Exact inverse of to_string; nullopt for anything else.
std::optional<ClusterState> cluster_state(std::string_view text);
std::optional<NodeState> node_state(std::string_view text);
std::optional<Role> role(std::string_view text);
std::optional<Cni> cni(std::string_view text);
std::optional<HostClass> host_class(std::string_view text);
std::optional<Strategy> strategy(std::string_view text);
std::optional<Survive> survive(std::string_view text);
std::optional<OperationKind> operation_kind(std::string_view text);
std::optional<OperationState> operation_state(std::string_view text);
std::optional<StepState> step_state(std::string_view text);
std::optional<VmState> vm_state(std::string_view text);
std::optional<Power> power(std::string_view text);
std::optional<Doubt> doubt(std::string_view text);

// What can happen to a node. Delete and retry are legal from every state, so that no state is a
// dead end; every transitional state ends by a deadline, `deleting` by that of its removal.
enum class NodeEvent : std::uint8_t {
  ordered,       // it is ordered, and its host has not come to it yet
  vm_running,    // the host reports its domain running, at the right generation
  guest_ready,   // the guest reported its last stage
  vm_stopped,    // the host reports it stopped, paused, crashed, or (observed) absent after it had it
  host_silent,   // no report for settings.silent_after_s
  timed_out,     // the deadline passed
  retry,         // a user asks again, or the scale is repeated
  remove,        // a user deletes it
  drain,         // it leaves its Kubernetes cluster first: its pods go elsewhere
  rebooted,      // its guest speaks of a new boot
  doubted,       // its VM runs, but its guest says nothing, or is not all right any more
  stop,          // it is to be switched off, or its guest is switching it off
  halted,        // it is switched off, as it is to be
};

// The next state; nullopt: refused (nothing changes).
std::optional<NodeState> next(NodeState state, NodeEvent event);

enum class ClusterEvent : std::uint8_t {
  all_ready, node_lost, timed_out, scale, retry, remove,
  halted,   // all its nodes are switched off
  broken,   // no member of its control plane is left
};
std::optional<ClusterState> next(ClusterState state, ClusterEvent event);

bool is_transitional(NodeState state);
bool is_transitional(ClusterState state);

}  // namespace dure::control
