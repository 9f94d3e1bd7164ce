#pragma once

#include <cstdint>
#include <string>

#include "common/ids.h"
#include "common/ports.h"
#include "hostagent/app/agent_event.h"
#include "hostagent/ports/control_link.h"
#include "hostagent/ports/dataplane.h"
#include "hostagent/ports/guest_channels.h"
#include "hostagent/ports/hypervisor.h"
#include "hostagent/ports/journal.h"
#include "hostagent/ports/round_trips.h"
#include "hostagent/ports/storage.h"
#include "hostagent/ports/tunnels.h"
#include "protocol/wire/keys.h"

namespace dure::host {

// Everything the loop acts through; lives longer than the loop and every job.
struct AgentParts {
  Clock& clock;
  TaskRunner& tasks;
  AgentInbox& inbox;
  ControlLink& control;
  Journal& journal;
  Hypervisor& hypervisor;
  Dataplane& dataplane;
  Firewall& firewall;
  BlobStore& blobs;
  SeedStore& seeds;
  GuestChannels& guests;
  const wire::VerifyingKey& control_key;
  Tunnels* tunnels = nullptr;  // absent: nobody reaches a guest through this agent
  RoundTrips* round_trips = nullptr;  // absent: other sites are not measured from here
};

struct AgentIdentity {
  SystemId system;
  HostId host;
  SessionId session;
  BootId boot;
  std::string version;
  HostCapacity capacity;
  std::string channels_dir;  // where the guests' sockets are
  // Of the control node's key. Until delegations are signed by a root key there is one: whoever has
  // stolen the key cannot raise it to lock the real control node out.
  std::uint64_t delegation = 1;
};

struct AgentTiming {
  Duration heartbeat = std::chrono::seconds(5);
  Duration observe_every = std::chrono::seconds(10);
  Duration retry_first = std::chrono::milliseconds(500);
  Duration retry_most = std::chrono::seconds(30);
};

}  // namespace dure::host
