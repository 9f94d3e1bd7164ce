#include "tests/sim/campus.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>

#include "common/log.h"

namespace dure::sim {
namespace {

// Unwraps in set-up code, where a failure is a broken test.
template <class T>
T need(Result<T> result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().message);
  return std::move(result).value();
}

control::AddHost host_request(std::uint32_t index, const HostId& id, const std::string& site) {
  control::AddHost add;
  add.name = "h" + std::to_string(index + 1);
  add.site = site;
  add.id = id;
  add.address = Ipv4{0x0a5a0000 + index + 10};
  add.curve_key = std::string(39, 'k') + static_cast<char>('a' + index);
  add.host_class = index % 2 == 0 ? control::HostClass::anchor : control::HostClass::scavenged;
  add.capacity = {8, 8192, 100};
  return add;
}

}  // namespace

Campus::Campus(std::uint64_t seed, CampusShape shape)
    : world_(seed),
      network_(world_),
      system_(SystemId{uuid_from_random(world_.bytes16())}),
      // A fixed key: signatures are part of the trace, which has to be a function of the seed.
      key_(need(wire::SigningKey::from_bytes(std::string(32, '\x07')), "key")),
      public_key_(need(wire::VerifyingKey::from_bytes(key_.public_key()), "public key")),
      control_(world_, network_, system_, key_) {
  log::set_level(std::getenv("DURE_SIM_LOG") ? std::getenv("DURE_SIM_LOG") : "error");
  control_.start();
  for (std::uint32_t i = 0; i < shape.sites; ++i) {
    submit(control::CreateSite{"site" + std::to_string(i + 1),
                               static_cast<std::uint16_t>(i == 0 ? 1500 : 1450)});
  }
  run_for(std::chrono::seconds(1));
  for (std::uint32_t i = 0; i < shape.hosts; ++i) {
    const HostId id{uuid_from_random(world_.bytes16())};
    submit(host_request(i, id, "site" + std::to_string(i % shape.sites + 1)));
    hosts_.push_back(std::make_unique<SimHost>(world_, network_, id, system_, public_key_));
    for (std::uint32_t other = 0; other < shape.hosts; ++other) {
      hosts_.back()->round_trips().answers(host_request(other, {}, "").address, shape.round_trip_us);
    }
  }
  submit(control::CreateFlavor{"small", 1, 1024, 10});
  submit(control::CreateFlavor{"large", 4, 4096, 20});
  control::CreateImage image;
  image.name = "debian";
  image.disk = {Digest{{1}}, 1000};
  image.kernel = {Digest{{2}}, 100};
  image.cmdline = "root=/dev/vda";
  submit(image);
  submit(control::CreateKeyPair{
      "default", "key",
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl test"});
  run_for(std::chrono::seconds(1));
  for (auto& host : hosts_) host->start_agent();
  run_for(std::chrono::seconds(10));
}

void Campus::run_for(Duration time) {
  world_.run_until(world_.now() + time, [this] { check(); });
}

void Campus::submit(control::Request request) {
  submit(std::move(request), [](const Result<control::Reply>& reply) {
    if (!reply) throw std::runtime_error("request failed: " + reply.error().message);
    if (const auto* refused = std::get_if<control::Refused>(&*reply)) {
      throw std::runtime_error("request refused: " + refused->error.message);
    }
  });
}

void Campus::submit(control::Request request, std::function<void(Result<control::Reply>)> done) {
  control_.api().submit(std::move(request), std::move(done));
}

void Campus::check() const {
  // Every step would be thorough and slow; every fourth catches what lasts longer than that.
  if (++steps_ % 4 != 0) return;
  const auto& stored = const_cast<SimControl&>(control_).store().stored();
  // I1: claims never exceed what a host has.
  std::map<HostId, control::Resources> claimed;
  for (const auto& [node, claim] : stored.claims) {
    claimed[claim.host].memory_mib += claim.amount.memory_mib;
    claimed[claim.host].disk_gib += claim.amount.disk_gib;
  }
  for (const auto& [id, sum] : claimed) {
    const auto& host = stored.hosts.at(id);
    if (sum.memory_mib > host.capacity.memory_mib - host.reserve.memory_mib ||
        sum.disk_gib > host.capacity.disk_gib - host.reserve.disk_gib) {
      throw std::runtime_error("I1: claims exceed host " + host.name);
    }
  }
  // I3: one identity runs once; I2: and only where it has, or had, its claim.
  std::set<NodeId> seen;
  for (const auto& host : hosts_) {
    const auto domains = host->hypervisor().list();
    if (!domains) continue;
    for (const auto& vm : *domains) {
      if (!seen.insert(vm.id).second) throw std::runtime_error("I3: VM on two hosts " + vm.id.str());
    }
  }
  // I17: an agent wakes up for what happens, for heartbeats, looks and retries, and not for nothing.
  constexpr std::size_t kMostIdleWakeups = 20;
  for (const auto& host : hosts_) {
    if (host->idle_wakeups() > kMostIdleWakeups) throw std::runtime_error("I17: an agent spins: " + host->id().str());
  }
  // The filter never opens beside a guest that an order of this campus has started.
  for (const auto& host : hosts_) {
    if (host->firewall().there()) continue;
    const auto domains = host->hypervisor().domains();
    if (std::any_of(domains.begin(), domains.end(), [](const auto& vm) { return vm.state == VmState::running; })) {
      throw std::runtime_error("a guest runs beside an open packet filter on " + host->id().str());
    }
  }
  // I13: what the rows say runs was reported by its host under that generation.
  for (const auto& [id, node] : stored.nodes) {
    if (node.state == control::NodeState::ready && node.observed_generation != node.generation) {
      throw std::runtime_error("I13: ready at a generation nobody reported: " + node.name);
    }
  }
}

std::string Campus::difference() const {
  const auto& stored = const_cast<SimControl&>(control_).store().stored();
  std::string text;
  for (const auto& host : hosts_) {
    std::set<NodeId> wanted, present;
    std::set<std::uint32_t> wanted_networks;
    for (const auto& [id, node] : stored.nodes) {
      if (node.host != host->id() || node.state == control::NodeState::deleting) continue;
      wanted.insert(id);
      wanted_networks.insert(stored.networks.at(stored.clusters.at(node.cluster).network).vni);
    }
    for (const auto& vm : host->hypervisor().list().value()) {
      if (vm.state == VmState::running) present.insert(vm.id);
      if (vm.state != VmState::running) text += " not running: " + vm.id.str();
    }
    if (wanted != present) {
      text += " host " + host->id().str() + " has " + std::to_string(present.size()) + " VMs for " +
              std::to_string(wanted.size());
    }
    const auto files = host->seeds().list().value().size() + host->hypervisor().volumes().value().size();
    if (files != 2 * wanted.size()) text += " files left: " + std::to_string(files);
    std::set<std::uint32_t> networks;
    for (const auto& network : host->dataplane().list().value()) networks.insert(network.spec.vni);
    if (networks != wanted_networks) text += " networks differ on " + host->id().str();
    const auto obligations = host->journal().obligations().value().size();
    if (obligations != wanted.size() + wanted_networks.size()) {
      text += " obligations left: " + std::to_string(obligations);
    }
  }
  return text;
}

bool Campus::converged() const {
  const auto& stored = const_cast<SimControl&>(control_).store().stored();
  const bool running = std::any_of(
      stored.operations.begin(), stored.operations.end(),
      [](const auto& entry) { return entry.second.state == control::OperationState::running; });
  const bool settled = std::all_of(stored.clusters.begin(), stored.clusters.end(), [](const auto& entry) {
    return entry.second.state == control::ClusterState::ready;
  });
  return !running && settled && difference().empty();
}

}  // namespace dure::sim
