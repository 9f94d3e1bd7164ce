#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/event_queue.h"
#include "common/ports.h"
#include "common/result.h"
#include "hostagent/app/agent_event.h"
#include "hostagent/ports/control_link.h"
#include "hostagent/ports/guest_channels.h"
#include "hostagent/ports/hypervisor.h"
#include "hostagent/ports/round_trips.h"

namespace dure::host {

// The queue in front of the agent's loop, and the listeners of all its edges.
class AgentQueue : public AgentInbox,
                   public ControlLinkListener,
                   public HypervisorListener,
                   public GuestListener,
                   public RoundTripListener {
 public:
  explicit AgentQueue(std::size_t capacity) : queue_(capacity) {}

  void post(AgentEvent event) override {
    // Outcomes are as many as the jobs that were started, and the loop waits for each of them.
    if (std::holds_alternative<OpDone>(event) || std::holds_alternative<ObservationDone>(event)) {
      queue_.push_always(std::move(event));
    } else {
      // Anything else is said again by whoever said it.
      queue_.push(std::move(event));
    }
  }
  void on_envelope(std::string bytes) override { post(EnvelopeReceived{std::move(bytes)}); }
  void on_hypervisor_change() override { post(HypervisorChanged{}); }
  void on_guest_status(const NodeId& vm, GuestStatus status) override {
    post(GuestSpoke{vm, std::move(status)});
  }
  void on_round_trips(std::vector<MeasuredRoundTrip> measured) override {
    post(RoundTripsMeasured{std::move(measured)});
  }

  EventQueue<AgentEvent>& events() { return queue_; }

 private:
  EventQueue<AgentEvent> queue_;
};

class AgentLoop;

// Starts the loop and feeds it until the queue is closed.
Result<void> run_until_closed(AgentLoop& loop, AgentQueue& queue, SteadyClock& clock);

}  // namespace dure::host
