#pragma once

#include <cstdint>
#include <string>

#include "common/ids.h"
#include "common/ports.h"
#include "hostagent/app/agent_event.h"
#include "hostagent/core/attempts.h"
#include "hostagent/ports/control_link.h"
#include "hostagent/ports/dataplane.h"
#include "hostagent/ports/guest_channels.h"
#include "hostagent/ports/hypervisor.h"
#include "hostagent/ports/journal.h"
#include "hostagent/ports/machine.h"
#include "hostagent/ports/round_trips.h"
#include "hostagent/ports/storage.h"
#include "hostagent/ports/tunnels.h"
#include "protocol/wire/keys.h"

namespace dure::host {

// Who runs what takes time. What hangs in one lane holds up nothing in the others.
struct AgentLanes {
  TaskRunner& looks;
  TaskRunner& glances;   // at what the host has beside its VMs, while a look hangs in libvirt
  TaskRunner& fetches;   // of images; few at a time
  TaskRunner& networks;  // and the packet filter
  TaskRunner& vms;
};

// Everything the loop acts through; lives longer than the loop and every job.
struct AgentParts {
  SteadyClock& steady;
  Clock& clock;   // told with reports, and nothing else
  AgentLanes lanes;
  AgentInbox& inbox;
  ControlLink& control;
  Journal& journal;
  Hypervisor& hypervisor;
  Dataplane& dataplane;
  Firewall& firewall;
  BlobStore& blobs;
  SeedStore& seeds;
  GuestChannels& guests;
  Machine& machine;
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
  Duration look_at_most = std::chrono::seconds(10);    // then what was seen before is told no more
  Duration looks_apart = std::chrono::milliseconds(100);
  Duration reports_apart = std::chrono::milliseconds(250);
  Duration stop_patience = std::chrono::seconds(60);   // then a guest that was asked to stop is switched off
  Duration keep_images = std::chrono::hours(24);       // that no VM here needs
  // An operation of an earlier process of this agent may take effect for so long after its end.
  Duration earlier_life = std::chrono::seconds(60);
  RetryRules retries{};
};

}  // namespace dure::host
