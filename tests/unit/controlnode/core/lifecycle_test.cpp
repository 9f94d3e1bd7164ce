#include "controlnode/core/lifecycle.h"

#include <doctest/doctest.h>

#include <set>

using namespace dure;
using namespace dure::control;

namespace {

constexpr NodeState kNodeStates[] = {NodeState::pending, NodeState::creating, NodeState::booting,
                                     NodeState::ready,   NodeState::unknown,  NodeState::failed,
                                     NodeState::deleting};
constexpr NodeEvent kNodeEvents[] = {NodeEvent::ordered,     NodeEvent::vm_running,
                                     NodeEvent::guest_ready, NodeEvent::vm_stopped,
                                     NodeEvent::host_silent, NodeEvent::timed_out,
                                     NodeEvent::retry,       NodeEvent::remove};
constexpr ClusterState kClusterStates[] = {ClusterState::creating, ClusterState::ready,
                                           ClusterState::scaling,  ClusterState::degraded,
                                           ClusterState::failed,   ClusterState::deleting};
constexpr ClusterEvent kClusterEvents[] = {ClusterEvent::all_ready, ClusterEvent::node_lost,
                                           ClusterEvent::timed_out, ClusterEvent::scale,
                                           ClusterEvent::retry,     ClusterEvent::remove};

// Rows are states, columns events, both in the order above; '-' is refused. Letters: Pending,
// Creating, Booting, Ready, Unknown, Failed, Deleting.
constexpr const char* kNodeCells[] = {
    "C----FPD",  // pending
    "CBRCUFCD",  // creating
    "BBRCUFCD",  // booting
    "RRRFU-RD",  // ready
    "CBRFUFCD",  // unknown
    "F-RF--CD",  // failed
    "D-----DD",  // deleting
};
// Creating, Ready, Scaling, deGraded, Failed, Deleting.
constexpr const char* kClusterCells[] = {
    "RGFSCD",  // creating
    "RG-SRD",  // ready
    "RGGSSD",  // scaling
    "RGGSSD",  // degraded
    "RGFSCD",  // failed
    "----DD",  // deleting
};

}  // namespace

TEST_CASE("lifecycle: every cell of the node table is as written here, refused cells too") {
  const std::string letters = "PCBRUFD";
  for (std::size_t row = 0; row < std::size(kNodeStates); ++row) {
    for (std::size_t column = 0; column < std::size(kNodeEvents); ++column) {
      CAPTURE(to_string(kNodeStates[row]));
      CAPTURE(column);
      const auto got = next(kNodeStates[row], kNodeEvents[column]);
      const char letter = got ? letters[static_cast<std::size_t>(*got)] : '-';
      CHECK(letter == kNodeCells[row][column]);
    }
  }
}

TEST_CASE("lifecycle: every cell of the cluster table is as written here, refused cells too") {
  const std::string letters = "CRSGFD";
  for (std::size_t row = 0; row < std::size(kClusterStates); ++row) {
    for (std::size_t column = 0; column < std::size(kClusterEvents); ++column) {
      CAPTURE(to_string(kClusterStates[row]));
      CAPTURE(column);
      const auto got = next(kClusterStates[row], kClusterEvents[column]);
      const char letter = got ? letters[static_cast<std::size_t>(*got)] : '-';
      CHECK(letter == kClusterCells[row][column]);
    }
  }
}

TEST_CASE("lifecycle: delete and retry are legal from every state") {
  for (const NodeState state : kNodeStates) {
    CHECK(next(state, NodeEvent::remove) == NodeState::deleting);
    CHECK(next(state, NodeEvent::retry).has_value());
  }
  for (const ClusterState state : kClusterStates) {
    CHECK(next(state, ClusterEvent::remove) == ClusterState::deleting);
    CHECK(next(state, ClusterEvent::retry).has_value());
  }
}

TEST_CASE("lifecycle: no state is a dead end, ready can be reached from all but deleting") {
  for (const NodeState from : kNodeStates) {
    if (from == NodeState::deleting) continue;
    std::set<NodeState> reached{from};
    for (std::size_t before = 0; before != reached.size();) {
      before = reached.size();
      for (const NodeState state : std::set<NodeState>(reached)) {
        for (const NodeEvent event : kNodeEvents) {
          if (const auto to = next(state, event)) reached.insert(*to);
        }
      }
    }
    CAPTURE(to_string(from));
    CHECK(reached.contains(NodeState::ready));
    CHECK(reached.contains(NodeState::deleting));
  }
}

TEST_CASE("lifecycle: a node that is being deleted never leaves that state") {
  for (const NodeEvent event : kNodeEvents) {
    CHECK(next(NodeState::deleting, event).value_or(NodeState::deleting) == NodeState::deleting);
  }
}

TEST_CASE("lifecycle: silence never makes a node stopped or failed") {
  for (const NodeState state : kNodeStates) {
    const auto to = next(state, NodeEvent::host_silent);
    CHECK(to.value_or(NodeState::unknown) == NodeState::unknown);
  }
}

TEST_CASE("lifecycle: every name is parsed back to its value, and nothing else is parsed") {
  for (const NodeState state : kNodeStates) CHECK(node_state(to_string(state)) == state);
  for (const ClusterState state : kClusterStates) CHECK(cluster_state(to_string(state)) == state);
  for (const Role value : {Role::control_plane, Role::worker}) {
    CHECK(role(to_string(value)) == value);
  }
  for (const HostClass value : {HostClass::anchor, HostClass::scavenged}) {
    CHECK(host_class(to_string(value)) == value);
  }
  for (const OperationKind value : {OperationKind::cluster_create, OperationKind::cluster_scale,
                                    OperationKind::cluster_delete}) {
    CHECK(operation_kind(to_string(value)) == value);
  }
  for (const OperationState value :
       {OperationState::running, OperationState::succeeded, OperationState::failed}) {
    CHECK(operation_state(to_string(value)) == value);
  }
  for (const StepState value :
       {StepState::waiting, StepState::running, StepState::done, StepState::failed}) {
    CHECK(step_state(to_string(value)) == value);
  }
  for (const VmState value : {VmState::unknown, VmState::creating, VmState::running,
                              VmState::paused, VmState::stopped, VmState::crashed}) {
    CHECK(vm_state(to_string(value)) == value);
  }
  for (const char* text : {"", "Ready", "ready ", " ready", "READY", "gone", "control_plane", "0"}) {
    CAPTURE(text);
    CHECK_FALSE(node_state(text));
    CHECK_FALSE(cluster_state(text));
    CHECK_FALSE(role(text));
    CHECK_FALSE(host_class(text));
    CHECK_FALSE(operation_kind(text));
    CHECK_FALSE(operation_state(text));
    CHECK_FALSE(step_state(text));
    CHECK_FALSE(vm_state(text));
  }
}
