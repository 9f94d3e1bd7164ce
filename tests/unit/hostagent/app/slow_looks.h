#pragma once

#include <functional>
#include <map>

#include "tests/unit/hostagent/app/agent_bench.h"

namespace dure::host {

// What asks libvirt takes a while, as with a real one: longer than the time between two events.
struct SlowLooks : AgentBench {
  struct Lane : TaskRunner {
    std::multimap<SteadyPoint, std::function<void()>> jobs;
    SteadyClock& clock;
    Duration takes = std::chrono::milliseconds(40);
    explicit Lane(SteadyClock& steady_clock) : clock(steady_clock) {}
    void run(std::function<void()> job) override { jobs.emplace(clock.now() + takes, std::move(job)); }
  };
  Lane looks{steady}, vms{steady};

  AgentLoop slow{{steady, clock, {looks, *this, *this, *this, vms}, *this, *this, journal, hypervisor, dataplane, firewall, blobs,
                  seeds, guests, machine, public_key, &tunnels, &round_trips},
                 identity()};
  std::size_t slow_steps = 0;

  SlowLooks() {
    REQUIRE(slow.start().ok());
    queue.clear();
  }
  void give_slowly(const HostOrder& order) {
    post(EnvelopeReceived{wire::seal(wire::EnvelopeKind::order, wire::encode(order), key).value()});
  }
  void run_for(Duration time) {
    const auto end = steady.time + time;
    SteadyPoint due = steady.time;
    while (steady.time < end) {
      for (auto* lane : {&looks, &vms}) {
        while (!lane->jobs.empty() && lane->jobs.begin()->first <= steady.time) lane->jobs.extract(lane->jobs.begin()).mapped()();
      }
      if (!queue.empty() || due <= steady.time) {
        std::vector<AgentEvent> events(std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
        queue.clear();
        due = slow.step(std::move(events));
        ++slow_steps;
        CHECK(due > steady.time);
      }
      if (!queue.empty()) continue;
      auto next = std::min(due, end);
      for (auto* lane : {&looks, &vms}) {
        if (!lane->jobs.empty()) next = std::min(next, lane->jobs.begin()->first);
      }
      steady.time = std::max(next, steady.time);
    }
  }
};

}  // namespace dure::host
