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
// `look`: its number. `glance`: libvirt was not asked.
struct ObservationDone { Observed observed; std::uint64_t look = 0; bool glance = false; };
// `failure`: what it is told as, if it went wrong.
struct OpDone { HostOp op; Result<void> outcome; FailureCode failure = FailureCode::internal; };
struct BlobProgress { Digest digest; std::uint64_t bytes_done = 0; };
struct HypervisorChanged {};
struct GuestSpoke { NodeId vm; GuestStatus status; };
struct RoundTripsMeasured { std::vector<MeasuredRoundTrip> measured; };

using AgentEvent = std::variant<EnvelopeReceived, ObservationDone, OpDone, BlobProgress,
                                HypervisorChanged, GuestSpoke, RoundTripsMeasured>;

// Where jobs and edges leave their events; from any thread.
class AgentInbox {
 public:
  virtual ~AgentInbox() = default;
  virtual void post(AgentEvent event) = 0;
};

}  // namespace dure::host
