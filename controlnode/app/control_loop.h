#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/ports.h"
#include "controlnode/app/control_event.h"
#include "controlnode/app/node_bootstrap.h"
#include "controlnode/app/pump.h"
#include "controlnode/core/date_watch.h"
#include "controlnode/core/decide.h"
#include "controlnode/core/kept.h"
#include "controlnode/core/model.h"
#include "controlnode/ports/agent_link.h"
#include "controlnode/ports/store.h"

namespace dure::control {

struct ControlParts {
  Clock& clock;
  SteadyClock& steady;
  Random& random;
  Store& store;
  AgentLink& agents;
  const wire::SigningKey& key;
  ClusterIdentities& identities;
  BootstrapDocuments& documents;
};

// The one deciding thread as steps: a batch of events in; one decision, one transaction, then
// replies and orders out. The events that arrive during a commit make up the next batch. While more events wait, it
// is decided in parallel with that commit, on what that commit will leave; it is committed after it, and if that one
// fails, thrown away with it. Whatever leaves here is of what is committed and of nothing else.
class ControlLoop {
 public:
  ControlLoop(ControlParts parts, SystemId system, Settings settings, std::string holder);
  ~ControlLoop();  // a commit that is under way ends, and who waits for it is told that it is in doubt
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;

  // Takes the lead and loads the model. `unavailable` when the database is away: then every request
  // is answered so, and each TimePassed tries again.
  Result<void> start();

  // `lost_leadership`: another control node leads; the process has to stop. `more`, asked once it is decided: are
  // further events waiting? Then it need not stay for the end of the commit, and next_wake() is at once.
  using More = std::function<bool()>;
  Result<void> handle(std::vector<ControlEvent> events, const More& more = {});

  // Waits for the commit that is under way, answers, and sends the orders. For who handles nothing more.
  Result<void> settle();

  SteadyPoint next_wake() const { return next_wake_; }
  bool serving() const { return serving_; }
  const Model& model() const { return model_; }  // for the simulation's invariant checks

 private:
  struct Waiting {
    std::uint64_t token = 0;
    std::function<void(Result<Reply>)> done;
  };
  struct Batch {
    std::vector<Event> events;
    std::vector<Waiting> waiting;
    std::vector<QueryArrived> queries;
    std::vector<EventsAsked> histories;
    std::vector<std::variant<PlacementsAsked, PlacementAsked>> records;
  };

  Batch sort(std::vector<ControlEvent>&& batch);
  Result<void> handle_together(std::vector<ControlEvent> events, const More& more);
  void take_report(const HostId& host, std::string_view bytes, Batch& into);
  // Decided, with its commit under way.
  struct UnderWay {
    Decision decision;
    std::vector<Waiting> waiting;
  };

  Result<void> decide_and_commit(Batch& batch);
  Result<void> finish_commit();
  Result<void> failed(const Error& error, std::vector<Waiting>& waiting);
  void reply(UnderWay& decided);
  void away(const Error& error, std::vector<Waiting>& waiting);
  void answer_reads(Batch& batch);
  void hand_out_credential(Reply& reply);
  void admit_hosts();
  Now look();
  void ask_hosts_for_the_date(SteadyPoint now);
  void notice_pause(SteadyPoint now);
  void note_fence(const HostReport& report);
  Result<void> rise_above_agents();

  ControlParts parts_;
  SystemId system_;
  Settings settings_;
  std::string holder_;
  Model model_;
  Kept kept_;                      // of this model
  NodeBootstrap bootstrap_;
  Pump pump_;
  bool serving_ = false;
  std::optional<UnderWay> under_way_;
  bool committed_ = false;         // something, since it was settled
  SteadyPoint settled_at_;         // when nothing was under way, and orders went out
  std::optional<SteadyPoint> listened_at_;  // when the newest round began that could hear
  DateWatch dates_;
  std::vector<Duration> host_dates_;  // less the steady clock's, of who was heard lately; of the newest tick
  wire::VerifyingKey own_key_;
  std::uint64_t fence_floor_ = 0;  // the highest epoch of ours that any agent has proven
  std::vector<UnsayableEvent> unsayable_;  // to be decided with the next batch
  std::vector<AdmittedHost> admitted_;
  SteadyPoint next_wake_, next_tick_;
  SteadyPoint retry_load_at_;
};

}  // namespace dure::control
