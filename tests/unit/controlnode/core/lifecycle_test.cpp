#include "controlnode/core/lifecycle.h"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string_view>

using namespace dure;
using namespace dure::control;

namespace {

// Every enumerator, in its order. A new one is missing in the switch below, which does not compile, and then in the list.
constexpr std::array kNodeStates{NodeState::pending,  NodeState::creating, NodeState::booting,  NodeState::ready,
                                 NodeState::unknown,  NodeState::failed,   NodeState::deleting, NodeState::draining,
                                 NodeState::stopping, NodeState::stopped};
constexpr std::array kNodeEvents{NodeEvent::ordered,     NodeEvent::vm_running, NodeEvent::guest_ready, NodeEvent::vm_stopped,
                                 NodeEvent::host_silent, NodeEvent::timed_out,  NodeEvent::retry,       NodeEvent::remove,
                                 NodeEvent::drain,       NodeEvent::rebooted,   NodeEvent::doubted,     NodeEvent::stop,
                                 NodeEvent::halted};
constexpr std::array kClusterStates{ClusterState::creating, ClusterState::ready,  ClusterState::scaling, ClusterState::degraded,
                                    ClusterState::failed,   ClusterState::deleting, ClusterState::stopped};
constexpr std::array kClusterEvents{ClusterEvent::all_ready, ClusterEvent::node_lost, ClusterEvent::timed_out,
                                    ClusterEvent::scale,     ClusterEvent::retry,     ClusterEvent::remove,
                                    ClusterEvent::halted,    ClusterEvent::broken};

constexpr bool known(NodeState state) {
  using enum NodeState;
  switch (state) {
    case pending: case creating: case booting: case ready: case unknown:
    case failed: case deleting: case draining: case stopping: case stopped: return true;
  }
  return false;
}
constexpr bool known(NodeEvent event) {
  using enum NodeEvent;
  switch (event) {
    case ordered: case vm_running: case guest_ready: case vm_stopped: case host_silent: case timed_out: case retry:
    case remove: case drain: case rebooted: case doubted: case stop: case halted: return true;
  }
  return false;
}
constexpr bool known(ClusterState state) {
  using enum ClusterState;
  switch (state) {
    case creating: case ready: case scaling: case degraded: case failed: case deleting: case stopped: return true;
  }
  return false;
}
constexpr bool known(ClusterEvent event) {
  using enum ClusterEvent;
  switch (event) {
    case all_ready: case node_lost: case timed_out: case scale: case retry: case remove: case halted: case broken: return true;
  }
  return false;
}

template <class Enum, std::size_t N>
constexpr bool complete(const std::array<Enum, N>& all) {
  for (std::size_t i = 0; i < N; ++i) {
    if (static_cast<std::size_t>(all[i]) != i || !known(all[i])) return false;
  }
  return !known(static_cast<Enum>(N));
}
static_assert(complete(kNodeStates) && complete(kNodeEvents) && complete(kClusterStates) && complete(kClusterEvents));

// Rows are states, columns events, both in the order above; '-' is refused. Letters: Pending, Creating, Booting, Ready,
// Unknown, Failed, Deleting; draining, stopping, Stopped.
constexpr std::string_view kNodeLetters = "PCBRUFDdsS";
constexpr std::array<std::string_view, kNodeStates.size()> kNodeCells{
    "C----FPDd--sS",  // pending
    "CBRCUFCDdB-sS",  // creating
    "BBRCUFCDdB-sS",  // booting
    "RRRFU-RDdBUsS",  // ready
    "CBRFUFCDdBUsS",  // unknown
    "F-RF--CDdB-sS",  // failed
    "D-----DD-----",  // deleting
    "d----DdDd----",  // draining
    "sBRCUFCDdB-sS",  // stopping
    "SBRC--CDdB-sS",  // stopped
};
// Creating, Ready, scaLing, deGraded, Failed, Deleting, Stopped.
constexpr std::string_view kClusterLetters = "CRLGFDS";
constexpr std::array<std::string_view, kClusterStates.size()> kClusterCells{
    "RGFLCDSF",  // creating
    "RG-LRDSF",  // ready
    "RGGLLDSF",  // scaling
    "RGGLLDSF",  // degraded
    "RGFLCDSF",  // failed
    "----DD--",  // deleting
    "RGGLLDSF",  // stopped
};

template <std::size_t N>
constexpr bool as_wide(const std::array<std::string_view, N>& cells, std::size_t columns) {
  for (const auto row : cells) {
    if (row.size() != columns) return false;
  }
  return true;
}
static_assert(kNodeLetters.size() == kNodeStates.size() && as_wide(kNodeCells, kNodeEvents.size()));
static_assert(kClusterLetters.size() == kClusterStates.size() && as_wide(kClusterCells, kClusterEvents.size()));

// All states that a series of events can lead to, itself among them.
template <class State, class Events>
std::set<State> reachable(State from, const Events& events) {
  std::set<State> reached{from};
  for (std::size_t before = 0; before != reached.size();) {
    before = reached.size();
    for (const State state : std::set<State>(reached)) {
      for (const auto event : events) {
        if (const auto to = next(state, event)) reached.insert(*to);
      }
    }
  }
  return reached;
}

}  // namespace

TEST_CASE("lifecycle: every cell of the node table is as written here, refused cells too") {
  for (std::size_t row = 0; row < kNodeStates.size(); ++row) {
    for (std::size_t column = 0; column < kNodeEvents.size(); ++column) {
      CAPTURE(to_string(kNodeStates[row]));
      CAPTURE(column);
      const auto got = next(kNodeStates[row], kNodeEvents[column]);
      const char letter = got ? kNodeLetters[static_cast<std::size_t>(*got)] : '-';
      CHECK(letter == kNodeCells[row][column]);
    }
  }
}

TEST_CASE("lifecycle: every cell of the cluster table is as written here, refused cells too") {
  for (std::size_t row = 0; row < kClusterStates.size(); ++row) {
    for (std::size_t column = 0; column < kClusterEvents.size(); ++column) {
      CAPTURE(to_string(kClusterStates[row]));
      CAPTURE(column);
      const auto got = next(kClusterStates[row], kClusterEvents[column]);
      const char letter = got ? kClusterLetters[static_cast<std::size_t>(*got)] : '-';
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

TEST_CASE("lifecycle: no state is a dead end, ready can be reached from all that do not leave") {
  for (const NodeState from : kNodeStates) {
    const bool leaves = from == NodeState::deleting || from == NodeState::draining;
    CAPTURE(to_string(from));
    CHECK(reachable(from, kNodeEvents).contains(NodeState::ready) != leaves);
    CHECK(reachable(from, kNodeEvents).contains(NodeState::deleting));
  }
  for (const ClusterState from : kClusterStates) {
    CAPTURE(to_string(from));
    CHECK(reachable(from, kClusterEvents).contains(ClusterState::ready) != (from == ClusterState::deleting));
    CHECK(reachable(from, kClusterEvents).contains(ClusterState::deleting));
  }
}

TEST_CASE("lifecycle: what is being deleted never leaves that state, and what is drained goes there alone") {
  CHECK(reachable(NodeState::deleting, kNodeEvents) == std::set{NodeState::deleting});
  CHECK(reachable(NodeState::draining, kNodeEvents) == std::set{NodeState::draining, NodeState::deleting});
  CHECK(reachable(ClusterState::deleting, kClusterEvents) == std::set{ClusterState::deleting});
}

TEST_CASE("lifecycle: every transitional state but that of leaving for good ends by its deadline") {
  for (const NodeState state : kNodeStates) {
    if (!is_transitional(state) || state == NodeState::deleting) continue;
    CAPTURE(to_string(state));
    const auto to = next(state, NodeEvent::timed_out);
    REQUIRE(to.has_value());
    CHECK(*to != state);
  }
  for (const ClusterState state : kClusterStates) {
    if (!is_transitional(state) || state == ClusterState::deleting) continue;
    CAPTURE(to_string(state));
    const auto to = next(state, ClusterEvent::timed_out);
    REQUIRE(to.has_value());
    CHECK_FALSE(is_transitional(*to));
  }
}

TEST_CASE("lifecycle: only what was ready is doubted, and only by its guest's word is anything ready") {
  for (const NodeState state : kNodeStates) {
    CAPTURE(to_string(state));
    const bool was_ready = state == NodeState::ready || state == NodeState::unknown;
    CHECK(next(state, NodeEvent::doubted).has_value() == was_ready);
    for (const NodeEvent event : kNodeEvents) {
      if (next(state, event) != NodeState::ready || state == NodeState::ready) continue;
      CHECK(event == NodeEvent::guest_ready);
    }
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
       {OperationState::running, OperationState::succeeded, OperationState::failed, OperationState::cancelled}) {
    CHECK(operation_state(to_string(value)) == value);
  }
  for (const StepState value :
       {StepState::waiting, StepState::running, StepState::done, StepState::failed}) {
    CHECK(step_state(to_string(value)) == value);
  }
  for (const Power value : {Power::on, Power::off, Power::shut_down, Power::lapsed}) CHECK(power(to_string(value)) == value);
  for (const Cni value : {Cni::native, Cni::none}) CHECK(cni(to_string(value)) == value);
  for (const Strategy value : {Strategy::spread, Strategy::pack}) CHECK(strategy(to_string(value)) == value);
  for (const Survive value : {Survive::nothing, Survive::host, Survive::room, Survive::site}) CHECK(survive(to_string(value)) == value);
  for (const VmState value : {VmState::unknown, VmState::creating, VmState::running, VmState::paused, VmState::stopped,
                              VmState::crashed, VmState::shut_down}) {
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
    CHECK_FALSE(power(text));
    CHECK_FALSE(cni(text));
    CHECK_FALSE(strategy(text));
    CHECK_FALSE(survive(text));
  }
}
