#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/ports.h"
#include "controlnode/app/node_bootstrap.h"
#include "controlnode/core/change.h"
#include "controlnode/core/decide.h"
#include "controlnode/core/model.h"
#include "controlnode/core/model_index.h"
#include "controlnode/ports/agent_link.h"
#include "protocol/messages/host_report.h"
#include "protocol/wire/keys.h"

namespace dure::control {

// Sends each host its desired state at its newest committed generation until its agent has accepted it in its
// current session. The order is made from the model when it is sent: a host that has not listened for ten decisions
// gets one order. Sending again is harmless. Whom a host is to measure goes with its order, but is no part of it:
// when that changes, the same generation is sent again.
class Pump {
 public:
  Pump(AgentLink& agents, const wire::SigningKey& key, NodeBootstrap& bootstrap);

  // After a load: nothing is known to be accepted, and who is heard of is compared with the model. `proof`: of the fence.
  void restart(Fence fence, std::string proof, SteadyPoint now);
  // The same leader under a higher fence: whoever has not accepted its newest order is sent it again at once.
  void rise(Fence fence, std::string proof);
  // After a commit.
  void take(std::span<const Change> committed);
  // What a host says of itself: session and accepted generation.
  void heard(const Model& model, const HostReport& report);
  void heard(const OrderAck& ack);
  // Sends what is due, of many a part at a time; returns when to call again. `model` holds what is committed and
  // nothing else, `index` is of it.
  SteadyPoint send_due(const Model& model, const ModelIndex& index, const Now& now);
  // VMs that were left out of their host's order because the agent could not have read it with them; each is told once.
  std::vector<UnsayableEvent> take_unsayable();

 private:
  using Targets = std::vector<RoundTripTarget>;
  struct Line {
    std::uint64_t generation = 0;          // newest of its desired state
    SessionId session;                     // nil: not heard of yet
    std::uint64_t accepted_generation = 0; // in that session
    std::uint32_t tries = 0;
    bool refused = false;                  // it says that it did not take the newest
    SteadyPoint not_before;
    std::optional<SteadyPoint> renew_at;   // credentials in it have to be made anew
    Targets targets, told;                 // the agent is to have, and has said that it accepted
    Targets sealed;                        // in the newest envelope
    std::uint64_t sealed_sequence = 0;
    bool measures = false;                 // its last report told of round trips
  };
  void survey(const Model& model, SteadyPoint now);
  bool due(const Line& line, SteadyPoint now) const;
  void seal(const Model& model, HostOrder order, Line& line, SteadyPoint now, std::vector<AddressedMessage>& into);
  // The order's bytes, after it was read back; without the VMs that would have made it unreadable.
  Result<std::string> encode_readably(HostOrder& order);

  AgentLink& agents_;
  const wire::SigningKey& key_;
  NodeBootstrap& bootstrap_;
  Fence fence_;
  std::string fence_proof_;
  std::set<NodeId> told_unsayable_;
  std::vector<UnsayableEvent> unsayable_;
  std::uint64_t sequence_ = 0;  // one for all hosts: rising for each of them
  SteadyPoint survey_at_;       // when to look again who measures whom
  bool surveyed_ = false;
  std::map<HostId, Line> lines_;
};

}  // namespace dure::control
