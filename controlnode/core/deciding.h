#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "controlnode/core/decide.h"
#include "controlnode/core/kept.h"
#include "controlnode/core/lifecycle.h"
#include "controlnode/core/now.h"

namespace dure::control {

// One decision in the making. Every change goes through put(), which also applies it to the model,
// so that what follows sees it.
class Deciding {
 public:
  Deciding(Model& model_before, const Now& instant, IdStream& id_stream, Kept& kept)
      : model(model_before), at(instant), now(at.date), steady(at.steady), ids(id_stream), kept_(kept) {}

  template <class Row>
  void put(Row row) {
    if constexpr (std::is_same_v<Row, Node>) row.since = since(model.nodes, row);
    if constexpr (std::is_same_v<Row, Cluster>) row.since = since(model.clusters, row);
    decision.changes.emplace_back(std::move(row));
    const Row& change = std::get<Row>(decision.changes.back());
    kept_.before(model, change);
    control::apply(model, decision.changes.back());
    kept_.after(model, change);
  }

  const ModelIndex& index() const { return kept_.index(model); }
  // `look`: over all rows (next_wake.h).
  std::optional<SteadyPoint> next_wake(bool look) const { return kept_.next_wake(model, at, look); }
  // For placement; until the next change.
  HostView& hosts() const { return kept_.hosts(model, at); }
  // A host was heard of, which is not always a change.
  void heard(const HostId& host) const { kept_.seen(host); }

  // Adds a row to the history. What a host's report leads to is bounded (Heard::may_tell): a host that changes its word with
  // every report cannot fill the database.
  void event(std::string kind, const Uuid& subject, std::string subject_name, std::string message);

  // The host's desired state has changed: it gets one new order at the end of the batch.
  void touch(const HostId& host) { touched.insert(host); }
  // The generation of that order.
  std::uint64_t next_generation(const HostId& host) const;

  // Raises the generation of all touched hosts.
  void finish_orders();

  Model& model;
  const Now at;
  const TimePoint now;        // the date of it
  const SteadyPoint steady;   // likewise
  IdStream& ids;
  Decision decision;
  std::optional<HostId> speaker;   // whose report is being heard
  std::set<HostId> touched;
  std::set<HostId> resend;         // has not got its newest order
  std::set<ClusterId> unsettled;   // a node, claim or removal of it has changed (settle.h)

 private:
  bool may_tell();

  // When the row came into its state.
  template <class Rows, class Row>
  TimePoint since(const Rows& rows, const Row& row) const {
    const auto before = rows.find(row.id);
    return before == rows.end() || before->second.state != row.state ? now : before->second.since;
  }

  Kept& kept_;
};

std::string host_name(const Model& model, const HostId& host);

// Time in which a node has to become ready on this host.
Duration node_deadline(const Model& model, const HostId& host);

// A guest that switches its VM off may be one whose PC is being switched off: it is taken for its user's wish when its PC is
// still there after this time.
inline constexpr Duration kShutDownLasts = std::chrono::minutes(2);

// Time in which its cluster has to let a node go, or a node to be switched off.
Duration drain_deadline(const Model& model, const HostId& host);

// Moves the row along the lifecycle table and sets what goes with the new state (deadline, ready_at,
// reason). False: refused, nothing changed.
bool advance(const Deciding& deciding, Node& node, NodeEvent event);

// Puts the row if it differs from the stored one; a new state is an event.
void store_node(Deciding& deciding, const Node& node);

// What keeps a starting node from being ready, for people.
std::string what_is_missing(const Model& model, const Node& node);

// The boot stages that a guest may report, in their order. A control-plane member that starts its
// cluster reports `init` where the others report `join`.
inline constexpr std::string_view kKnownStages[] = {"booted", "network", "configured", "containerd",
                                                    "init",   "join",    "ready"};
// The steps between a running VM and a ready node: stages, and `joined` for init or join.
std::span<const std::string_view> boot_steps(const Cluster& cluster);
bool has_stage(const Node& node, std::string_view stage);
// Whether the guest has said what this step stands for.
bool has_step(const Node& node, std::string_view step);

}  // namespace dure::control
