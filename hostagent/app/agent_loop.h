#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/time.h"
#include "hostagent/app/agent_parts.h"
#include "hostagent/core/attempts.h"
#include "hostagent/core/guest_words.h"
#include "protocol/messages/host_report.h"
#include "protocol/wire/replay_guard.h"

namespace dure::host {

// The agent as steps: what has happened in, effects out through the ports. Runs on one thread; what takes
// time is started on a lane and comes back as an event. Nothing is done before an order has
// been accepted in this session, so that a PC that comes back cannot start what was replaced.
class AgentLoop {
 public:
  // So many answers do not wait for the orders behind them to be journalled.
  static constexpr std::size_t kAcknowledgementsTogether = 8;

  AgentLoop(AgentParts parts, AgentIdentity identity, AgentTiming timing = {});

  // Reads the journal and takes a first look. Call once.
  Result<void> start();
  // Takes what has happened, then does what is due. Returns when to be called again even if nothing happens; that instant
  // lies ahead, so that whoever obeys it is never called without a pause.
  SteadyPoint step(std::vector<AgentEvent> events);

 private:
  void on(EnvelopeReceived&& event);
  void on(ObservationDone&& event);
  void on(OpDone&& event);
  void on(BlobProgress&& event);
  void on(HypervisorChanged&& event);
  void on(GuestSpoke&& event);
  void on(RoundTripsMeasured&& event);

  void do_what_is_due();
  SteadyPoint next_wake() const;
  bool look_due(SteadyPoint now) const;
  void look();
  void blind();                          // a look takes too long: what it saw before is no news any more
  void tell_blind();
  void act();                            // plans from the last look and starts what is due
  PlanMemory memory(SteadyPoint now);
  Result<void> begin(const HostOp& op);  // journal before effect
  void run(const HostOp& op);
  void settle_applied(const HostPlan& plan);
  void discharge_what_is_gone();
  void follow_guests();
  void follow_sites();
  void follow_blobs();
  std::string bootstrap_of(const ObservedVm& vm) const;

  void accept(HostOrder&& order);
  void refuse(const HostOrder* order, const Error& why);
  void acknowledge(const HostOrder& order, const Result<void>& verdict);
  void send_acknowledgements();
  HostReport make_report() const;
  void send_report();

  AgentParts parts_;
  AgentIdentity identity_;
  AgentTiming timing_;

  wire::Accepted accepted_;
  std::optional<HostOrder> order_;         // accepted in this session
  std::optional<RefusedOrder> refused_;    // since then
  std::optional<Observed> seen_;           // by the last look
  // `blind_`: a look has not ended for too long, and glances are made meanwhile.
  bool looking_ = false, glancing_ = false, look_wanted_ = false, blind_ = false;
  std::uint64_t looks_ = 0;                // begun so far, glances among them
  SteadyPoint look_began_, started_at_;    // the newest one
  Attempts attempts_;
  std::set<ObjectRef> earlier_;            // that an earlier process may have made, and nobody has seen yet
  std::map<NodeId, SteadyPoint> asked_to_stop_;
  std::map<Digest, SteadyPoint> unneeded_blobs_;
  std::map<Digest, std::uint64_t> progress_;
  GuestBook guests_;
  std::vector<WatchedGuest> watched_;  // sorted by VM
  std::vector<RoundTripTarget> round_trip_targets_;  // of the newest order
  std::map<SiteId, SiteRoundTrip> round_trips_;
  std::uint64_t round_ = 0;  // of measurements
  std::uint64_t applied_generation_ = 0;
  OrderId applied_order_;

  std::vector<std::string> acknowledgements_;  // made, not handed over yet
  std::uint64_t sequence_ = 0;
  std::optional<HostReport> last_report_;
  SteadyPoint last_sent_;
};

}  // namespace dure::host
