// Random walks over requests, reports and time, with what must hold checked after every step.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "controlnode/core/host_orders.h"
#include "controlnode/core/lifecycle.h"
#include "controlnode/core/placement.h"
#include "controlnode/core/placement/fleet.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}
  std::uint32_t below(std::uint32_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>((state_ >> 33) % limit);
  }

 private:
  std::uint64_t state_;
};

// seen_at and sequence of a heartbeat stay in memory on purpose.
std::map<HostId, HostObservation> settled(std::map<HostId, HostObservation> observations) {
  for (auto& [id, seen] : observations) {
    seen.seen_at = {};
    seen.sequence = 0;
  }
  return observations;
}

void check_replay(Model before, const Decision& decision, const Model& after) {
  for (const Change& change : decision.changes) control::apply(before, change);
  CHECK(before.hosts == after.hosts);
  CHECK(before.clusters == after.clusters);
  CHECK(before.nodes == after.nodes);
  CHECK(before.networks == after.networks);
  CHECK(before.claims == after.claims);
  CHECK(before.removals == after.removals);
  CHECK(before.operations == after.operations);
  CHECK(before.idempotency == after.idempotency);
  CHECK(settled(before.observations) == settled(after.observations));
  CHECK(before.last_event == after.last_event);
  CHECK(before.next_vni == after.next_vni);
}

void check_rows(const Model& model, TimePoint now) {
  for (const Candidate& host : candidates(model, at(now))) {
    CHECK(host.free.vcpus >= 0);
    CHECK(host.free.memory_mib >= 0);
    CHECK(host.free.disk_gib >= 0);
  }
  std::set<Mac> macs;
  std::set<Ipv4> addresses;
  std::set<std::string> names;
  std::set<std::pair<ClusterId, HostId>> planes;
  for (const auto& [id, node] : model.nodes) {
    CHECK(macs.insert(node.mac).second);
    CHECK(addresses.insert(node.address).second);
    CHECK(model.claims.contains(id));
    CHECK(model.claims.at(id).host == node.host);
    CHECK(model.clusters.contains(node.cluster));
    if (node.role == Role::control_plane) CHECK(planes.insert({node.cluster, node.host}).second);
    if (node.state == NodeState::creating || node.state == NodeState::booting) {
      CHECK(node.deadline.has_value());
    }
    if (node.state == NodeState::ready || node.state == NodeState::failed) {
      CHECK_FALSE(node.deadline.has_value());
    }
    if (node.state == NodeState::ready) CHECK(node.observed_generation == node.generation);
  }
  CHECK(model.claims.size() == model.nodes.size());
  std::set<std::uint32_t> vnis;
  for (const auto& [id, network] : model.networks) CHECK(vnis.insert(network.vni).second);
  for (const auto& [id, cluster] : model.clusters) {
    CHECK(names.insert(cluster.name).second);
    if (is_transitional(cluster.state)) {
      CHECK(cluster.operation.has_value());
    }
    if (cluster.operation) {
      CHECK(model.operations.at(*cluster.operation).state == OperationState::running);
    }
  }
}

// No object is wanted and removed by the same order, and a VM is removed only when it is deleting.
void check_orders(const Campus& campus) {
  for (const auto& [host, order] : campus.orders) {
    std::set<NodeId> wanted;
    for (const VmSpec& vm : order.vms) wanted.insert(vm.id);
    for (const VmRemoval& removal : order.removed_vms) CHECK_FALSE(wanted.contains(removal.id));
    for (const NetworkRemoval& removal : order.removed_networks) {
      for (const NetworkSpec& network : order.networks) CHECK(network.id != removal.id);
    }
    CHECK(order.generation == campus.model.hosts.at(host).generation);
  }
}

// Orders are made when they are sent, and hosts are sent one when their generation has risen: whatever changes
// an order raises it. But what a host has confirmed to have dropped is not named any more.
void check_generations(const Model& before, const Model& after) {
  for (const auto& [id, host] : after.hosts) {
    const auto earlier = before.hosts.find(id);
    if (earlier == before.hosts.end() || earlier->second.generation != host.generation) continue;
    HostOrder then = host_order(before, id, TimePoint{}), now = host_order(after, id, TimePoint{});
    const auto named = [](const auto& list, const auto& removal) { return std::find(list.begin(), list.end(), removal) != list.end(); };
    for (const VmRemoval& removal : now.removed_vms) CHECK(named(then.removed_vms, removal));
    for (const NetworkRemoval& removal : now.removed_networks) CHECK(named(then.removed_networks, removal));
    then.removed_vms = now.removed_vms;
    then.removed_networks = now.removed_networks;
    CHECK(then == now);
  }
}

// What is kept from round to round is what would be made anew.
void check_kept(Kept& kept, const Model& model, TimePoint now) {
  CHECK(kept.index(model) == ModelIndex(model));
  const auto hosts = candidates(model, at(now));
  const HostView& view = kept.hosts(model, at(now));
  CHECK(std::equal(hosts.begin(), hosts.end(), view.hosts().begin(), view.hosts().end()));
}

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : dice(seed) {
    campus.site("east");
    campus.site("west", 1400);
    for (std::uint32_t i = 0; i < 4; ++i) {
      hosts.push_back(campus.host("pc-" + std::to_string(i), i % 2 == 0 ? "east" : "west",
                                  {4, 4096, 60}));
    }
    campus.catalog();
    campus.kept = &kept;
  }

  void step() {
    const std::int64_t pause = dice.below(25) == 0 ? 1000 : std::int64_t{dice.below(4)} * 4;
    campus.now = campus.now + Duration{pause * 1'000'000};
    std::vector<Event> events;
    windows_changed = false;
    for (std::uint32_t i = 0; i <= dice.below(3); ++i) events.push_back(any_event());
    if (dice.below(4) == 0) events.push_back(TickEvent{});
    const Model before = campus.model;
    const auto earlier = campus.orders;
    Model apart = campus.model;
    IdStream ids = campus.ids;
    const Decision alone = decide(apart, events, at(campus.now), ids);
    const Decision decision = campus.decide_all(events);
    CHECK(alone.changes == decision.changes);
    const bool ticked = std::holds_alternative<TickEvent>(events.back());
    if (ticked) CHECK(decision.wake_at == alone.wake_at);
    if (alone.wake_at) CHECK((decision.wake_at && *decision.wake_at <= *alone.wake_at));
    check_kept(kept, campus.model, campus.now);
    if (dice.below(4) == 0) older = earlier;
    check_replay(before, decision, campus.model);
    check_rows(campus.model, campus.now);
    check_orders(campus);
    check_generations(before, campus.model);
    check_leases(before, std::holds_alternative<TickEvent>(events.back()));
    trace.push_back(decision.changes);
  }

  // Faults are over: everybody reports until nothing moves any more.
  void heal() {
    for (int round = 0; round < 6; ++round) {
      campus.report_all();
      campus.tick();
    }
  }

  Campus campus;
  Kept kept;
  std::vector<HostId> hosts;
  std::vector<std::vector<Change>> trace;
  std::map<HostId, HostOrder> older;  // what a slow agent still works on
  Dice dice;
  bool windows_changed = false;   // by the events of this step

 private:
  // No lease outlives its end, and no new node is on a host that its owner needs before that end.
  void check_leases(const Model& before, bool ticked) const {
    for (const auto& [id, cluster] : campus.model.clusters) {
      const bool over = cluster.until && *cluster.until <= campus.now;
      if (ticked && over) CHECK((cluster.state == ClusterState::deleting || cluster.delete_at > campus.now));
    }
    if (windows_changed) return;
    for (const auto& [id, node] : campus.model.nodes) {
      if (before.nodes.contains(id)) continue;
      const auto& until = campus.model.clusters.at(node.cluster).until;
      CHECK(meets(campus.model.hosts.at(node.host).busy, campus.now, until) == nullptr);
    }
  }

  TimePoint soon() { return campus.now + Duration{(1 + std::int64_t{dice.below(60)}) * 1'000'000}; }

  Event any_create(const std::string& name) {
    CreateCluster request = campus.create_request(name, 1 + 2 * dice.below(2), dice.below(4));
    if (dice.below(3) == 0) request.until = soon();
    request.layout.apart = dice.below(4) == 0;
    request.layout.strategy = dice.below(2) == 0 ? Strategy::pack : Strategy::spread;
    return RequestEvent{1, request};
  }

  Event any_extension(const std::string& name) {
    ExtendCluster request;
    request.cluster = name;
    if (dice.below(3) > 0) request.until = soon();
    return RequestEvent{1, request};
  }

  Event any_window() {
    UpdateHost request;
    request.host = "pc-" + std::to_string(dice.below(4));
    windows_changed = true;
    const TimePoint from = soon();
    request.busy.emplace();
    if (dice.below(2) == 0) request.busy->push_back({from, from + Duration{20'000'000}});
    if (dice.below(2) == 0) request.vcpu_overcommit_percent.emplace(100 * (1 + std::int64_t{dice.below(4)}));
    return RequestEvent{1, request};
  }

  Event any_event() {
    const std::string name(1, static_cast<char>('a' + dice.below(3)));
    switch (dice.below(12)) {
      case 0: return any_create(name);
      case 8: return any_extension(name);
      case 9: return any_window();
      case 1: {
        ScaleCluster scale;
        scale.cluster = name;
        scale.workers = dice.below(5);
        return RequestEvent{1, scale};
      }
      case 2: {
        DeleteCluster gone;
        gone.cluster = name;
        return RequestEvent{1, gone};
      }
      case 3: return TickEvent{};
      default: return any_report(hosts[dice.below(4)]);
    }
  }

  Event any_report(const HostId& host) {
    const auto newest = campus.orders;
    if (dice.below(5) == 0) campus.orders = older;
    HostReport report = campus.report_of(host, static_cast<int>(dice.below(5)));
    campus.orders = newest;
    if (dice.below(6) == 0 && !report.vms.empty()) report.vms.erase(report.vms.begin());
    if (dice.below(6) == 0 && !report.vms.empty()) report.vms[0].state = VmState::crashed;
    if (dice.below(8) == 0) report.observed = false;
    if (dice.below(8) == 0) report.session = numbered<SessionId>(0x5e, 2 + dice.below(3));
    if (dice.below(5) == 0) report.applied_generation = 0;
    return ReportEvent{host, report};
  }
};

}  // namespace

TEST_CASE("walk: what must hold holds after every step, and the changes tell all that happened") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Walk walk(seed);
    for (int i = 0; i < 60; ++i) walk.step();
  }
}

TEST_CASE("walk: after the faults every cluster ends ready or gone, and then nothing is sent") {
  for (std::uint64_t seed = 100; seed <= 160; ++seed) {
    CAPTURE(seed);
    Walk walk(seed);
    for (int i = 0; i < 50; ++i) walk.step();
    walk.heal();
    for (const auto& [id, cluster] : walk.campus.model.clusters) {
      const std::string reason = cluster.reason;
      CAPTURE(reason);
      CHECK(cluster.state == (cluster.delete_at ? ClusterState::stopped : ClusterState::ready));
    }
    CHECK(walk.campus.model.removals.empty());
    for (const auto& [id, operation] : walk.campus.model.operations) {
      CHECK(operation.state != OperationState::running);
    }
    for (const HostId& host : walk.hosts) {
      const Decision quiet = walk.campus.report(host);
      CHECK(quiet.changes.empty());
      CHECK(quiet.ordered.empty());
    }
  }
}

TEST_CASE("walk: the same seed gives the same changes") {
  Walk one(7), two(7);
  for (int i = 0; i < 80; ++i) {
    one.step();
    two.step();
  }
  CHECK(one.trace == two.trace);
}
