#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/result.h"
#include "hostagent/core/host_plan.h"
#include "hostagent/core/observed.h"
#include "hostagent/ports/guest_channels.h"
#include "hostagent/ports/round_trips.h"

namespace dure::host {

struct EnvelopeReceived { std::string bytes; };
// What one look at the host gave; failures name the port that did not answer.
struct ObservationDone {
  Observed observed;
  std::vector<ObjectFailure> failures;
  bool hardware_virtualisation = false;
};
struct OpDone { HostOp op; Result<void> outcome; };
struct BlobProgress { Digest digest; std::uint64_t bytes_done = 0; };
struct HypervisorChanged {};
struct GuestSpoke { NodeId vm; GuestStatus status; };
struct RoundTripsMeasured { std::vector<MeasuredRoundTrip> measured; };
struct Tick {};

using AgentEvent = std::variant<EnvelopeReceived, ObservationDone, OpDone, BlobProgress,
                                HypervisorChanged, GuestSpoke, RoundTripsMeasured, Tick>;

// Where jobs and edges leave their events; from any thread.
class AgentInbox {
 public:
  virtual ~AgentInbox() = default;
  virtual void post(AgentEvent event) = 0;
};

}  // namespace dure::host
