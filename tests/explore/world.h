#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controlnode/core/model.h"
#include "hostagent/core/attempts.h"
#include "hostagent/core/host_plan.h"
#include "hostagent/core/observed.h"
#include "protocol/messages/fencing.h"
#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"
#include "tests/explore/hash.h"

namespace dure::explore {

// A small campus as one value. Its parts are never changed once they are made and shared between states, so that a
// step costs what it touches.

// How far a guest has come since it was switched on.
enum class Guest : std::uint8_t { booting, ready, mute };

struct Domain {
  host::ObservedVm seen;
  Mac mac;
  Guest guest = Guest::booting;
  std::uint8_t boot = 0;      // how often it has booted, less one
  bool attached = true;       // its tap is a port of its network's bridge
};

// What a PC has, whoever looks: domains, overlays, bridges, filter, and the one image.
struct Machine {
  std::vector<Domain> vms;                                    // by id
  std::vector<std::pair<NodeId, std::uint64_t>> overlays;     // by id
  std::vector<NetworkSpec> networks;                          // by VNI, as the kernel holds them
  Digest firewall;                                            // zero: no filter
  bool image = false;
  host::Observed observed;                                    // what a look at it gives
  Hash hash;
};
using MachineRef = std::shared_ptr<const Machine>;

// An op that has begun. One that hangs never ends.
struct Running {
  host::HostOp op;
  bool hangs = false;
};

// What a guest has said last to the agent that listens to it.
struct Words {
  Guest guest = Guest::booting;
  std::uint8_t boot = 0;
};

// One look at the PC, while it is made and afterwards. What it gives is what was there when it began: the least fresh
// that it can be.
struct Look {
  MachineRef machine;
  bool blind = false;   // libvirt did not answer
  bool young = false;   // an earlier process of the agent could still have effects when it began
};

// A PC with its agent.
struct Pc {
  HostId id;
  MachineRef machine;
  bool dead = false, cut = false;

  std::uint32_t session = 1;         // process of the agent
  OrderMark accepted;
  std::shared_ptr<const HostOrder> order;
  Hash order_hash;
  std::uint64_t applied_generation = 0;
  std::optional<Look> seen, looking;
  bool order_is_news = false;        // was accepted since the agent planned last
  host::Attempts attempts;
  std::vector<Running> running;      // by object
  std::vector<host::HostOp> ghosts;  // of an earlier process: each takes effect yet, or never
  bool young = false;                // the earlier process may still have effects
  std::set<ObjectRef> earlier, obligations;
  std::map<NodeId, Words> words;
  Hash hash;
};
using PcRef = std::shared_ptr<const Pc>;

inline constexpr std::size_t kMaxPcs = 3;

struct Control;
using ControlRef = std::shared_ptr<const Control>;

// A report leads from one control state to one other, however often it is asked in which interleaving.
struct Answered {
  Hash report;
  ControlRef control;   // null: nothing has changed
};

struct Control {
  control::Model model;
  SteadyPoint now;
  Hash hash;
  // Kept answers: not part of the value.
  mutable std::vector<Answered> answered;
  mutable std::array<std::shared_ptr<const HostOrder>, kMaxPcs> orders;
};

// A report that has been under way for longer than those after it.
struct LateReport {
  std::size_t pc = 0;
  bool overtaken = false;   // one of the same process has arrived since
  HostReport report;
  Hash hash;
};

enum class Fault : std::uint8_t {
  op_fails, op_in_doubt, op_hangs, blind_look, crash, pause, guest_reboots, guest_off, guest_mute,
  agent_restarts, pc_reboots, link_cut, pc_dies, control_restarts, late_report,
};
inline constexpr std::size_t kFaults = 15;
inline constexpr std::size_t kMaxAsks = 12;

struct State {
  ControlRef control;
  std::array<PcRef, kMaxPcs> pcs;
  std::size_t pc_count = 0;
  std::shared_ptr<const LateReport> late;
  std::array<std::uint8_t, kFaults> faults{};   // that have happened
  std::array<std::uint8_t, kMaxAsks> asks{};    // that were made
  std::uint8_t faults_sum = 0, asks_sum = 0;
};

}  // namespace dure::explore
