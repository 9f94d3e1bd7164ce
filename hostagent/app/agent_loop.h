#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/time.h"
#include "hostagent/app/agent_parts.h"
#include "protocol/messages/host_report.h"
#include "protocol/wire/replay_guard.h"

namespace dure::host {

// The agent as steps: one event in, effects out through the ports. Runs on one thread; what takes
// time is started on the task runner and comes back as an event. Nothing is done before an order has
// been accepted in this session, so that a PC that comes back cannot start what was replaced.
class AgentLoop {
 public:
  // So many answers do not wait for the orders behind them to be journalled.
  static constexpr std::size_t kAcknowledgementsTogether = 8;

  AgentLoop(AgentParts parts, AgentIdentity identity, AgentTiming timing = {});

  // Reads the journal and takes a first look. Call once.
  Result<void> start();
  void handle(AgentEvent event);
  // The same for events that came together; the answers to their orders leave together too.
  void handle_all(std::vector<AgentEvent> events);
  // When to hand in a Tick even if nothing happens.
  TimePoint next_wake() const;

 private:
  struct Attempt {
    bool running = false;
    std::uint32_t failures = 0;
    TimePoint not_before;
    ObjectFailure failure;
  };

  void on(EnvelopeReceived&& event);
  void on(ObservationDone&& event);
  void on(OpDone&& event);
  void on(BlobProgress&& event);
  void on(HypervisorChanged&& event);
  void on(GuestSpoke&& event);
  void on(RoundTripsMeasured&& event);
  void on(Tick&& event);

  void look();                    // starts an observation, or remembers that one is wanted
  void act();                     // plans from the last observation and starts what is due
  bool done_but_for_failures(const HostPlan& plan) const;
  Result<void> begin(const HostOp& op);  // journal before effect
  void settle(const OpDone& done);
  void discharge_what_is_gone();
  void follow_guests();
  void follow_sites();
  std::string bootstrap_of(const ObservedVm& vm) const;
  HostReport make_report() const;
  void report_if_changed();
  void send_report();
  void acknowledge(const HostOrder& order, const Result<void>& verdict);
  void send_acknowledgements();

  AgentParts parts_;
  AgentIdentity identity_;
  AgentTiming timing_;

  wire::Accepted accepted_;
  std::optional<HostOrder> order_;       // accepted in this session
  std::optional<ObservationDone> seen_;
  bool looking_ = false, look_again_ = false;
  std::map<OpKey, Attempt> attempts_;
  std::map<Digest, std::uint64_t> progress_;
  std::map<NodeId, GuestStatus> guests_;
  std::vector<WatchedGuest> watched_;  // sorted by VM
  std::vector<RoundTripTarget> round_trip_targets_;  // of the newest order
  std::map<SiteId, SiteRoundTrip> round_trips_;
  std::uint64_t round_ = 0;  // of measurements
  std::uint64_t applied_generation_ = 0;
  OrderId applied_order_;

  std::vector<std::string> acknowledgements_;  // made, not handed over yet
  std::uint64_t sequence_ = 0;
  std::optional<HostReport> last_report_;
  TimePoint last_sent_, last_look_;
};

}  // namespace dure::host
