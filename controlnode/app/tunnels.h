#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/ports.h"
#include "controlnode/app/api_server_nodes.h"
#include "controlnode/app/tunnel_switch.h"
#include "controlnode/ports/agent_link.h"
#include "controlnode/ports/api.h"
#include "controlnode/ports/tunnel_gate.h"
#include "protocol/wire/tunnel_trunk.h"

namespace dure::control {

struct TunnelTiming {
  Duration open_within = std::chrono::seconds(8);     // one node; then the next one is tried
  Duration ask_every = std::chrono::seconds(2);       // so that an agent's silence means something
  Duration silence = std::chrono::seconds(10);
  Duration idle = std::chrono::minutes(10);
  Duration keep_unused = std::chrono::seconds(20);    // a trunk without streams
};

// The control node's end of all tunnels: one trunk per host that has any. Called from the threads of the
// API and of the agents' link, and by tick() from the loop's; callbacks run outside the lock.
class Tunnels final : public TunnelGate, private AgentLinkListener {
 public:
  static constexpr std::size_t kMostStreams = 256;

  // Takes its frames from the switch as long as it lives. Streams must be gone before it.
  Tunnels(Api& api, AgentLink& agents, TunnelSwitch& from, SteadyClock& clock, Random& random,
          TunnelTiming timing = {});
  ~Tunnels() override;
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  void open(const std::string& cluster, Done done) override;

  // Ends what is silent or idle, and asks the agents.
  void tick();
  // When to call tick() again.
  SteadyPoint next_wake();

 private:
  class Stream;
  struct Pipe;
  struct Trunk;
  using PipePtr = std::shared_ptr<Pipe>;
  using Calls = std::vector<std::function<void()>>;

  void on_agent_message(const HostId& host, std::string bytes) override;
  void begin(const std::string& cluster, Result<std::vector<ApiServerNode>> nodes, Done done);

  // With the lock held; what is to be called back is added to `calls`.
  void try_next(const PipePtr& pipe, Calls& calls);
  bool ask(const PipePtr& pipe, const ApiServerNode& node, Calls& calls);
  Trunk& trunk_to(const HostId& host);
  void obey(Trunk& trunk, TunnelBody&& body, Calls& calls);
  void opened(const PipePtr& pipe, Calls& calls);
  void end(const PipePtr& pipe, const std::string& reason, Calls& calls);
  void wake_blocked(const HostId& host, Calls& calls);
  void flush(const HostId& host, Calls& calls);
  void drop(const HostId& host, const std::string& reason, Calls& calls);
  void close(const PipePtr& pipe, TunnelReason reason, Calls& calls);
  void tick_trunk(const HostId& host, Calls& calls);
  Trunk* trunk_of(const Pipe& pipe);

  Api& api_;
  AgentLink& agents_;
  TunnelSwitch& from_;
  SteadyClock& clock_;
  Random& random_;
  const TunnelTiming timing_;

  std::mutex mutex_;  // guards what follows
  std::map<HostId, std::unique_ptr<Trunk>> trunks_;
  std::set<PipePtr> pipes_;
};

}  // namespace dure::control
