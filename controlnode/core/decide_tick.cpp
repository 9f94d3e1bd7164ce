#include "controlnode/core/decide_tick.h"

#include <algorithm>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/next_wake.h"
#include "controlnode/core/removals.h"
#include "controlnode/core/silence.h"

namespace dure::control {
namespace {

// How often it is looked for what is too old to be kept.
constexpr Duration kFirstSweep = std::chrono::minutes(10), kSweep = std::chrono::hours(1);

bool timed_out(const Deciding& deciding, const Node& node) { return waits(node) && deciding.steady >= *node.deadline; }

bool unheard(const Deciding& deciding, const Node& node) {
  return watched(node) && silent(deciding.model, node.host, deciding.steady);
}

void mark_silent(Deciding& deciding, Node& node) {
  if (!unheard(deciding, node)) return;
  if (!advance(deciding, node, NodeEvent::host_silent)) return;
  node.doubt = Doubt::none;
  const auto seen = deciding.model.observations.find(node.host);
  node.reason = host_name(deciding.model, node.host);
  node.reason += seen == deciding.model.observations.end()
                     ? " has not reported"
                     : " has been silent since " + to_rfc3339(seen->second.seen_at);
}

// What its own guest has switched off stays off: its PC is there and would have been gone by now.
void stay_off(Deciding& deciding, Node& node) {
  node.power = Power::shut_down;
  if (advance(deciding, node, NodeEvent::halted)) deciding.touch(node.host);
}

void time_out(Deciding& deciding, Node& node) {
  if (!timed_out(deciding, node)) return;
  if (node.state == NodeState::draining) {
    deciding.event("node.not-drained", node.id.uuid, node.name,
                   node.name + " goes without having been drained: its cluster did not let it go in time");
    take_out(deciding, node);
    node = deciding.model.nodes.at(node.id);
    return;
  }
  if (node.state == NodeState::stopping && node.power == Power::on) return stay_off(deciding, node);
  const auto allowed = (node.state == NodeState::stopping ? drain_deadline(deciding.model, node.host)
                                                          : node_deadline(deciding.model, node.host)).count() / 1'000'000;
  std::string reason = "timed out after " + std::to_string(allowed) +
                       " s: " + what_is_missing(deciding.model, node);
  if (advance(deciding, node, NodeEvent::timed_out)) node.reason = std::move(reason);
}

void tick_nodes(Deciding& deciding) {
  std::vector<Node> nodes;
  for (const auto& [id, node] : deciding.model.nodes) {
    if (unheard(deciding, node) || timed_out(deciding, node)) nodes.push_back(node);
  }
  for (Node& node : nodes) {
    mark_silent(deciding, node);
    time_out(deciding, node);
    store_node(deciding, node);
  }
}

// Who has gone silent is told once, with its last word: a control node that starts later knows since when.
void tick_hosts(Deciding& deciding) {
  std::vector<HostObservation> fresh;
  for (const auto& [id, host] : deciding.model.hosts) {
    const auto seen = deciding.model.observations.find(id);
    if (host.lost_at || seen == deciding.model.observations.end() || seen->second.silent) continue;
    if (silent(deciding.model, id, deciding.steady)) fresh.push_back(seen->second);
  }
  for (HostObservation& seen : fresh) {
    seen.silent = true;
    deciding.put(PutObservation{seen});
    const std::string name = host_name(deciding.model, seen.host);
    deciding.event("host.silent", seen.host.uuid, name, name + " has been silent since " + to_rfc3339(seen.seen_at));
  }
}

void tick_clusters(Deciding& deciding) {
  for (const auto& [id, cluster] : deciding.model.clusters) {
    // The details of its steps name hosts that are silent.
    if (cluster.operation) deciding.unsettled.insert(id);
  }
}

void expire_keys(Deciding& deciding) {
  std::vector<std::string> expired;
  for (const auto& [key, record] : deciding.model.idempotency) {
    if (deciding.steady - record.made_at >= kIdempotencyKept && expires(deciding.model, record)) {
      expired.push_back(key);
    }
  }
  for (std::string& key : expired) deciding.put(DropIdempotency{std::move(key)});
}

std::string span(Duration time) {
  const auto seconds = std::max(time, -time).count() / 1'000'000;
  if (seconds >= 2 * 86400) return std::to_string(seconds / 86400) + " days";
  if (seconds >= 7200) return std::to_string(seconds / 3600) + " hours";
  return std::to_string(seconds / 60) + " minutes";
}

std::string date_doubt(const Now& at) {
  if (at.ahead != Duration::zero()) {
    return "the control node's clock was set " + span(at.ahead) + (at.ahead.count() > 0 ? " ahead" : " back") +
           ": dates go on as they went, and nothing ends by its date, until it has stood still for a while";
  }
  return std::to_string(at.against) + " of " + std::to_string(at.asked) +
         " hosts say that the control node's date is wrong: nothing ends by its date while most do; 'dure host list' tells whose clock differs";
}

// Whose leases hold although their date has passed wants to know why.
void tell_date(Deciding& deciding) {
  const auto doubted = deciding.at.ahead != Duration::zero() ? DateDoubt::was_set
                       : deciding.at.against > 0             ? DateDoubt::contradicted
                                                             : DateDoubt::none;
  if (doubted == deciding.model.told_date) return;
  deciding.model.told_date = doubted;
  deciding.event("control.clock", deciding.model.system.uuid, "control",
                 doubted == DateDoubt::none ? "the control node's date is the one of its clock again, and nobody contradicts it"
                                            : date_doubt(deciding.at));
}

// Operations that have ended, and events. A key that names an operation is gone long before it.
void forget_history(Deciding& deciding) {
  SteadyPoint& next = deciding.model.next_sweep;
  if (next == SteadyPoint{}) next = deciding.steady + kFirstSweep;
  if (!deciding.at.dates_hold || deciding.steady < next) return;
  next = deciding.steady + kSweep;
  const TimePoint before = deciding.now - Duration{deciding.model.settings.keep_history_s * 1'000'000};
  std::vector<OperationId> old;
  for (const auto& [id, operation] : deciding.model.operations) {
    if (operation.finished_at && *operation.finished_at < before) old.push_back(id);
  }
  for (const OperationId& id : old) deciding.put(DropOperation{id});
  if (deciding.model.oldest_event < before && deciding.model.last_event > 0) deciding.put(DropEvents{before});
}

}  // namespace

void decide_tick(Deciding& deciding) {
  tick_hosts(deciding);
  tick_nodes(deciding);
  owe_what_is_due(deciding);
  expire_leases(deciding);
  tick_clusters(deciding);
  expire_keys(deciding);
  expire_accesses(deciding);
  forget_history(deciding);
  tell_date(deciding);
}

}  // namespace dure::control
