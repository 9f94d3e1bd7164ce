#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "common/ports.h"
#include "controlnode/app/node_bootstrap.h"
#include "controlnode/core/change.h"
#include "controlnode/core/model.h"
#include "controlnode/ports/agent_link.h"
#include "protocol/messages/host_report.h"
#include "protocol/wire/keys.h"

namespace dure::control {

// Sends the newest stored order of each host until its agent has accepted it in its current
// session. Sending again is harmless; a newer order takes an older one's place. Whom a host is to
// measure goes with its order, but is no part of it: when that changes, the same generation is sent again.
class Pump {
 public:
  Pump(Clock& clock, AgentLink& agents, const wire::SigningKey& key, NodeBootstrap& bootstrap);

  // After a load: nothing is known to be accepted. `outbox` is what the store has pending.
  void restart(Fence fence, std::vector<HostOrder> outbox);
  // After a commit.
  void take(std::span<const Change> committed);
  // What a host says of itself: session and accepted generation.
  void heard(const Model& model, const HostReport& report);
  void heard(const OrderAck& ack);
  // Sends what is due; returns when to call again. What the orders' guests are given is made from the
  // model as it is now.
  TimePoint send_due(const Model& model);

 private:
  using Targets = std::vector<RoundTripTarget>;
  struct Line {
    HostOrder order;
    SessionId session;                     // nil: not heard of yet
    std::uint64_t accepted_generation = 0; // in that session
    std::uint32_t tries = 0;
    TimePoint not_before;
    std::optional<TimePoint> renew_at;     // credentials in it have to be made anew
    Targets targets, told;                 // the agent is to have, and has said that it accepted
    Targets sealed;                        // in the newest envelope
    std::uint64_t sealed_sequence = 0;
    bool measures = false;                 // its last report told of round trips
  };
  void survey(const Model& model, TimePoint now);
  bool due(const Line& line, TimePoint now) const;
  void seal(const Model& model, const HostId& host, Line& line, std::vector<AddressedMessage>& into);

  Clock& clock_;
  AgentLink& agents_;
  const wire::SigningKey& key_;
  NodeBootstrap& bootstrap_;
  Fence fence_;
  std::uint64_t sequence_ = 0;  // one for all hosts: rising for each of them
  TimePoint survey_at_;         // when to look again who measures whom
  bool surveyed_ = false;
  std::map<HostId, Line> lines_;
};

}  // namespace dure::control
