#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "common/time.h"
#include "controlnode/core/change.h"
#include "controlnode/core/id_stream.h"
#include "controlnode/core/model.h"
#include "controlnode/core/now.h"
#include "controlnode/core/requests.h"
#include "protocol/messages/host_report.h"

namespace dure::control {

// A user's request; `token` tells the caller which reply is whose.
struct RequestEvent {
  std::uint64_t token = 0;
  Request request;
};
// A report from a host. The channel has proven who speaks: `host` is ZAP's User-Id and equal to
// report.host.
struct ReportEvent {
  HostId host;
  HostReport report;
};
// A VM cannot be said in an order that its host could read.
struct UnsayableEvent {
  HostId host;
  NodeId node;
  std::string reason;
};
// Time has passed: deadlines, silence, what ends by its date.
struct TickEvent {};

using Event = std::variant<RequestEvent, ReportEvent, UnsayableEvent, TickEvent>;

struct TokenReply {
  std::uint64_t token = 0;
  Reply reply;
};

struct Decision {
  std::vector<Change> changes;          // to commit in one transaction, in this order
  // Hosts to send their newest order to: it changed (its PutOrder is in changes), or the host has
  // shown that it does not have it. Sorted.
  std::vector<HostId> ordered;
  std::vector<TokenReply> replies;      // to give after the commit
  // When to send a TickEvent even if nothing happens; at once when it lies in the past. A round without a tick may
  // name an instant that is too early (next_wake.h).
  std::optional<SteadyPoint> wake_at;
};

// The one function that decides. Pure: the same arguments give the same decision. `model` is the
// state before; on return it has all of decision.changes applied, so that a batch of events shares
// one transaction. When the commit fails, the caller throws the model away and loads it again.
//
// Requests for nodes are decided in a fair order between projects (fair_order.h), everything else in the
// order of its arrival.
//
// Level-triggered: dropping any one report never changes the end state; a report only touches rows
// of its own host, but for what a control-plane guest says of its own cluster; only positive evidence changes a VM to stopped, silence gives `unknown`.
Decision decide(Model& model, std::span<const Event> events, const Now& now, IdStream& ids);

// The same, faster in many rounds: `kept` goes on from the round before, which was of the same model.
class Kept;
Decision decide(Model& model, std::span<const Event> events, const Now& now, IdStream& ids, Kept& kept);

}  // namespace dure::control
