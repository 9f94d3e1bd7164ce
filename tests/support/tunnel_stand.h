#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/system.h"
#include "controlnode/app/tunnels.h"
#include "controlnode/edges/zmq/curve_keys.h"
#include "controlnode/edges/zmq/zmq_agent_link.h"
#include "hostagent/edges/tunnel/posix_tunnels.h"
#include "hostagent/edges/zmq/zmq_control_link.h"
#include "tests/support/agent_link_inbox.h"
#include "tests/support/tcp_server.h"

namespace dure::testing {

// Answers from a model that a test has made.
class ModelApi final : public control::Api {
 public:
  SystemSteadyClock clock;

  void submit(control::Request, std::function<void(Result<control::Reply>)> done) override {
    done(Error{Errc::unavailable, "read only"});
  }
  void query(std::function<void(const Result<control::ModelView>&)> read) override {
    const std::lock_guard lock(mutex);
    const control::ModelIndex index(model);
    read(control::ModelView(model, index, {{}, clock.now()}));
  }
  void events(std::uint64_t, std::size_t,
              std::function<void(Result<std::vector<control::EventRow>>)> done) override {
    done(Error{Errc::unavailable, "read only"});
  }
  void placements(control::PlacementQuery,
                  std::function<void(Result<std::vector<control::PlacementRecord>>)> done) override {
    done(Error{Errc::unavailable, "read only"});
  }
  void placement(std::uint64_t, std::function<void(Result<control::RecordedPlacement>)> done) override {
    done(Error{Errc::unavailable, "read only"});
  }
  std::mutex mutex;
  control::Model model;
};

// One host's agent: the real channel and the real tunnels.
class TunnelAgent {
 public:
  TunnelAgent(const std::string& endpoint, const std::string& secret_key, const std::string& server_key,
              std::uint16_t port) {
    link_ = host::ZmqControlLink::create(
                {endpoint, secret_key, server_key, std::chrono::milliseconds(500)}, incoming_)
                .value();
    host::PosixTunnelsOptions options;
    options.port = port;
    tunnels_ = host::PosixTunnels::start(*link_, incoming_, options).value();
  }
  host::Tunnels& tunnels() { return *tunnels_; }
  host::ControlLink& link() { return *link_; }
  HostInbox& inbox() { return inbox_; }

 private:
  HostInbox inbox_;
  host::TunnelSwitch incoming_{inbox_};
  std::unique_ptr<host::ZmqControlLink> link_;
  std::unique_ptr<host::PosixTunnels> tunnels_;
};

// The way of a stream from the gate to a TCP server, with nothing left out: Tunnels, ROUTER, DEALER,
// PosixTunnels. Cluster "demo" has one control-plane node that is ready, "vms" has plain VMs.
class TunnelStand {
 public:
  explicit TunnelStand(TcpServer::Serve serve) : server(std::move(serve)) {
    host.uuid.bytes.fill(0xa0);
    node.uuid.bytes.fill(0xb0);
    make_model();
    agents = control::ZmqAgentLink::create({"tcp://127.0.0.1:*", control_keys_.secret_key}, incoming).value();
    agents->admit({{host, agent_keys_.public_key}});
    gate = std::make_unique<control::Tunnels>(api, *agents, incoming, clock, random, timing());
    ticking_ = std::thread([this] {
      while (!stopping_) {
        gate->tick();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
    start_agent();
    agent->tunnels().allow({{node, Ipv4{0x7f000001}}});
  }
  ~TunnelStand() {
    stopping_ = true;
    ticking_.join();
  }
  TunnelStand(const TunnelStand&) = delete;
  TunnelStand& operator=(const TunnelStand&) = delete;

  void start_agent() {
    agent = std::make_unique<TunnelAgent>(agents->endpoint(), agent_keys_.secret_key,
                                          control_keys_.public_key, server.port());
    // The channel knows the way to a host once it has spoken.
    REQUIRE(eventually([&] { return agent->link().send("hello").ok(); }));
    REQUIRE(control_inbox.next().has_value());
  }

  static control::TunnelTiming timing() {
    control::TunnelTiming timing;
    timing.ask_every = std::chrono::milliseconds(100);
    timing.silence = std::chrono::seconds(3);
    timing.open_within = std::chrono::seconds(3);
    return timing;
  }

  TcpServer server;
  HostId host;
  NodeId node;
  ModelApi api;
  SystemSteadyClock& clock{api.clock};
  SystemRandom random;
  ControlInbox control_inbox;
  control::TunnelSwitch incoming{control_inbox};
  std::unique_ptr<control::ZmqAgentLink> agents;
  std::unique_ptr<TunnelAgent> agent;
  std::unique_ptr<control::Tunnels> gate;

 private:
  void make_model() {
    auto& model = api.model;
    const auto add = [&](std::uint8_t number, const std::string& name, const std::string& version) {
      control::Cluster cluster;
      cluster.id.uuid.bytes.fill(number);
      cluster.name = name;
      cluster.kubernetes.version = version;
      model.clusters[cluster.id] = cluster;
      return cluster.id;
    };
    add(1, "vms", "");
    add(3, "empty", "v1.32.13");
    control::Node row;
    row.id = node;
    row.cluster = add(2, "demo", "v1.32.13");
    row.name = "demo-cp1";
    row.role = control::Role::control_plane;
    row.host = host;
    row.state = control::NodeState::ready;
    model.nodes[node] = row;
    model.settings.silent_after_s = 3600;
    model.heard[host].at = clock.now();
  }

  control::CurveKeyPair control_keys_ = control::generate_curve_keys().value();
  control::CurveKeyPair agent_keys_ = control::generate_curve_keys().value();
  std::atomic<bool> stopping_{false};
  std::thread ticking_;
};

}  // namespace dure::testing
