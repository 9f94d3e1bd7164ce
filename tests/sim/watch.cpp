#include "tests/sim/watch.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "tests/sim/campus.h"

namespace dure::sim {
namespace {

constexpr Duration kSlack = std::chrono::seconds(61);         // a date may be wrong by so much without a jump
constexpr Duration kRemovalEnds = std::chrono::minutes(6);    // somebody waits for it for five
constexpr Duration kFresh = std::chrono::minutes(2);
constexpr Duration kSwitchedOff = std::chrono::minutes(3);
constexpr Duration kNextTick = std::chrono::minutes(1);
constexpr Duration kKeyRefused = std::chrono::seconds(15);
constexpr std::size_t kMostIdleWakeups = 20;                  // of an agent in one second
constexpr std::size_t kMostIdleDecisions = 200;               // of the control node: some of them for commits under way
constexpr std::uint64_t kMostEpochs = 100'000;                // in one run; who lies says much more

[[noreturn]] void breach(const std::string& text) { throw std::runtime_error(text); }

}  // namespace

void Watch::trouble() { trouble_ = campus_.world().now(); }

void Watch::step() {
  if (++steps_ % 4 == 0) check();
}

void Watch::check() {
  claims_fit();
  identities_run_once();
  every_vm_is_accounted_for();
  nobody_spins();
  filters_stand();
  ready_was_reported();
  addresses_are_unique();
  what_is_shown_is_fresh();
  who_is_off_does_not_run();
  leases_last();
  lost_hosts_are_not_heard();
  who_owes_gets_nothing();
  what_is_gone_is_not_owed();
  dead_ends_are_none();
  epochs_are_ours();
  if (!campus_.kubernetes().broken().empty()) breach("Kubernetes:" + campus_.kubernetes().broken());
}

// I1: claims never exceed what a host has.
void Watch::claims_fit() const {
  const auto& stored = campus_.stored();
  std::map<HostId, control::Resources> claimed;
  for (const auto& [node, claim] : stored.claims) {
    claimed[claim.host].memory_mib += claim.amount.memory_mib;
    claimed[claim.host].disk_gib += claim.amount.disk_gib;
  }
  for (const auto& [id, sum] : claimed) {
    const auto& host = stored.hosts.at(id);
    if (sum.memory_mib > host.capacity.memory_mib - host.reserve.memory_mib ||
        sum.disk_gib > host.capacity.disk_gib - host.reserve.disk_gib) {
      breach("I1: claims exceed host " + host.name);
    }
  }
}

// I3: one identity is on one PC.
void Watch::identities_run_once() const {
  std::set<NodeId> seen;
  for (const auto& host : campus_.hosts()) {
    if (host->dead()) continue;
    for (const auto& vm : host->hypervisor().domains()) {
      if (!seen.insert(vm.id).second) breach("I3: VM on two hosts " + vm.id.str());
    }
  }
}

// I2: a VM is where it has its row and claim, or its host is known to owe its removal.
void Watch::every_vm_is_accounted_for() const {
  const auto& stored = campus_.stored();
  for (const auto& host : campus_.hosts()) {
    const auto row = stored.hosts.find(host->id());
    if (host->dead() || row == stored.hosts.end() || row->second.lost_at) continue;
    const auto removals = stored.removals.find(host->id());
    for (const auto& vm : host->hypervisor().domains()) {
      const auto node = stored.nodes.find(vm.id);
      if (node != stored.nodes.end() && node->second.host == host->id()) continue;
      const bool owed = removals != stored.removals.end() &&
                        std::any_of(removals->second.begin(), removals->second.end(),
                                    [&](const auto& removal) { return removal.owed && removal.object == vm.id.uuid; });
      if (!owed) breach("I2: a VM that nobody knows, " + vm.id.str() + ", is on " + host->name());
    }
  }
}

// I17: an agent wakes up for what happens, for heartbeats, looks and retries, and not for nothing.
void Watch::nobody_spins() const {
  for (const auto& host : campus_.hosts()) {
    if (host->idle_wakeups() > kMostIdleWakeups) breach("I17: the agent of " + host->name() + " spins");
  }
  if (campus_.control().idle_wakeups() > kMostIdleDecisions) breach("I17: the control node spins");
}

// The filter never opens beside a guest that an order of this campus has started.
void Watch::filters_stand() const {
  for (const auto& host : campus_.hosts()) {
    if (host->firewall().there()) continue;
    const auto domains = host->hypervisor().domains();
    if (std::any_of(domains.begin(), domains.end(), [](const auto& vm) { return vm.state == VmState::running; })) {
      breach("a guest runs beside an open packet filter on " + host->name());
    }
  }
}

// I13: what the rows say runs was reported by its host under that generation.
void Watch::ready_was_reported() const {
  for (const auto& [id, node] : campus_.stored().nodes) {
    if (node.state == control::NodeState::ready && node.observed_generation != node.generation) {
      breach("I13: ready at a generation nobody reported: " + node.name);
    }
  }
}

void Watch::addresses_are_unique() const {
  std::set<std::pair<ClusterId, Ipv4>> taken;
  const auto take = [&](const ClusterId& cluster, Ipv4 address, const std::string& name) {
    if (!taken.emplace(cluster, address).second) breach("the address of " + name + " is another's as well");
  };
  for (const auto& [id, node] : campus_.stored().nodes) take(node.cluster, node.address, node.name);
  for (const auto& [id, cluster] : campus_.stored().clusters) {
    for (const auto& departing : cluster.departing) {
      const auto& nodes = campus_.stored().nodes;
      const bool there = std::any_of(nodes.begin(), nodes.end(), [&cluster = cluster, &departing](const auto& entry) {
        return entry.second.cluster == cluster.id && entry.second.name == departing.name;
      });
      if (!there) take(id, departing.address, departing.name);
    }
  }
}

namespace {

// Of whom `wrong` is true, since when; whoever it is true of for longer than this is named.
template <class Wrong>
std::string wrong_for(const Campus& campus, Duration at_most, std::map<NodeId, TimePoint>& since, const Wrong& wrong) {
  std::map<NodeId, TimePoint> still;
  std::string names;
  for (const auto& host : campus.hosts()) {
    if (host->dead() || !host->agent_runs()) continue;
    for (const auto& vm : host->hypervisor().domains()) {
      const auto node = campus.stored().nodes.find(vm.id);
      if (node == campus.stored().nodes.end() || node->second.host != host->id() || !wrong(*host, vm, node->second)) continue;
      const auto known = since.find(vm.id);
      const auto& begin = still.emplace(vm.id, known == since.end() ? campus.world().now() : known->second).first->second;
      if (campus.world().now() - begin > at_most) names += node->second.name + " ";
    }
  }
  since = std::move(still);
  return names;
}

}  // namespace

// H5: what is shown as ready is, or was minutes ago.
void Watch::what_is_shown_is_fresh() {
  if (!campus_.control().serving() || campus_.world().now() - trouble_ < kFresh) return green_since_.clear();
  const auto names = wrong_for(campus_, kFresh, green_since_, [](const SimHost& host, const auto& vm, const control::Node& node) {
    return node.state == control::NodeState::ready && !host.guests().ready(vm.id);
  });
  if (!names.empty()) breach(names + "shown as ready, and is not");
}

// H9: what is to be off is switched off.
void Watch::who_is_off_does_not_run() {
  if (!campus_.control().serving() || campus_.world().now() - trouble_ < kSwitchedOff) return on_since_.clear();
  const auto names = wrong_for(campus_, kSwitchedOff, on_since_, [](const SimHost&, const auto& vm, const control::Node& node) {
    return (node.power == control::Power::off || node.power == control::Power::lapsed) && vm.state == VmState::running;
  });
  if (!names.empty()) breach(names + "is to be off, and runs");
}

// A lease ends no earlier than its date truly comes, switches off first, and nothing else ends a cluster but its user.
void Watch::leases_last() {
  const auto now = campus_.world().now() + kSlack;
  const auto grace = std::chrono::seconds(campus_.control().settings().lease_grace_s);
  const auto& clusters = campus_.stored().clusters;
  for (const auto& [id, cluster] : clusters) {
    if (cluster.delete_at && cluster.until && now < *cluster.until) breach("the lease of " + cluster.name + " has ended before its time");
    if (cluster.state == control::ClusterState::deleting) continue;
    ends_[id] = cluster.until.value_or(TimePoint{std::numeric_limits<std::int64_t>::max() / 2});
  }
  for (auto known = ends_.begin(); known != ends_.end();) {
    const auto row = clusters.find(known->first);
    const bool goes = row == clusters.end() || row->second.state == control::ClusterState::deleting;
    if (goes && !asked_to_go_.contains(known->first) && now < known->second + grace) {
      breach("cluster " + known->first.str() + " goes although nobody has asked for it");
    }
    known = goes ? ends_.erase(known) : std::next(known);
  }
}

void Watch::lost_hosts_are_not_heard() {
  const auto now = campus_.world().now();
  for (const auto& [id, host] : campus_.stored().hosts) {
    if (!host.lost_at || !campus_.control().serving()) {
      lost_since_.erase(id);
    } else if (now - lost_since_.try_emplace(id, now).first->second > kKeyRefused && campus_.network().admits(id)) {
      breach("the key of " + host.name + ", which was given up, is admitted");
    }
  }
}

void Watch::who_owes_gets_nothing() {
  const auto& stored = campus_.stored();
  std::set<HostId> owing;
  for (const auto& [host, removals] : stored.removals) {
    if (std::any_of(removals.begin(), removals.end(), [](const auto& removal) { return removal.owed; })) owing.insert(host);
  }
  std::set<NodeId> nodes;
  for (const auto& [id, node] : stored.nodes) {
    nodes.insert(id);
    if (!nodes_.contains(id) && owing.contains(node.host) && owing_.contains(node.host)) {
      breach(node.name + " is given to a host that owes removals");
    }
  }
  nodes_ = std::move(nodes);
  owing_ = std::move(owing);
}

// C4: what its host has removed and can say so is not waited for until nobody waits any longer.
void Watch::what_is_gone_is_not_owed() {
  const auto& stored = campus_.stored();
  std::set<std::pair<HostId, Uuid>> owed;
  for (const auto& [id, removals] : stored.removals) {
    const auto host = std::find_if(campus_.hosts().begin(), campus_.hosts().end(), [&host_id = id](const auto& each) { return each->id() == host_id; });
    for (const auto& removal : removals) {
      if (!removal.owed) continue;
      owed.emplace(id, removal.object);
      const bool is_new = !owed_.contains({id, removal.object});
      if (!is_new || removal.kind != ObjectKind::vm || host == campus_.hosts().end() || (*host)->dead() || stored.hosts.at(id).lost_at) continue;
      if (campus_.world().now() - trouble_ > kRemovalEnds && !(*host)->hypervisor().find(NodeId{removal.object})) {
        breach(removal.name + " is gone from " + (*host)->name() + ", and was waited for until nobody did");
      }
    }
  }
  owed_ = std::move(owed);
}

// C1: nobody waits for one host's word without an end.
void Watch::dead_ends_are_none() {
  if (!campus_.control().serving() || campus_.world().now() - trouble_ < kNextTick) return;
  const auto& model = campus_.control().model();
  for (const auto& [host, removals] : model.removals) {
    for (const auto& removal : removals) {
      if (!removal.owed && removal.due + kNextTick < campus_.control().steady_now()) breach(removal.name + " is waited for without an end");
    }
  }
}

// S1: no host's word alone raises the epoch.
void Watch::epochs_are_ours() const {
  if (campus_.control().store().epoch() > kMostEpochs) breach("a host's word has raised the epoch");
}

}  // namespace dure::sim
