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

control::AddHost host_request(std::uint32_t index, const HostId& id, const std::string& site, const std::string& key) {
  control::AddHost add;
  add.name = "h" + std::to_string(index + 1);
  add.site = site;
  add.id = id;
  add.address = Ipv4{0x0a5a0000 + index + 10};
  add.curve_key = key;
  add.host_class = index % 2 == 0 ? control::HostClass::anchor : control::HostClass::scavenged;
  add.capacity = {8, 8192, 100};
  return add;
}

control::CreateImage image(const std::string& name, const std::string& kubernetes) {
  control::CreateImage image;
  image.name = name;
  image.disk = {Digest{{1}}, 1000};
  image.kernel = {Digest{{2}}, 100};
  image.cmdline = "root=/dev/vda";
  image.kubernetes = kubernetes;
  return image;
}

}  // namespace

Campus::Campus(std::uint64_t seed, CampusShape shape)
    : world_(seed),
      network_(world_),
      kubernetes_(world_),
      system_(SystemId{uuid_from_random(world_.bytes16())}),
      // A fixed key: signatures are part of the trace, which has to be a function of the seed.
      key_(need(wire::SigningKey::from_bytes(std::string(32, '\x07')), "key")),
      public_key_(need(wire::VerifyingKey::from_bytes(key_.public_key()), "public key")),
      control_(world_, network_, system_, key_),
      watch_(*this) {
  log::set_level(std::getenv("DURE_SIM_LOG") ? std::getenv("DURE_SIM_LOG") : "off");
  control_.start();
  for (std::uint32_t i = 0; i < shape.sites; ++i) {
    submit(control::CreateSite{"site" + std::to_string(i + 1),
                               static_cast<std::uint16_t>(i == 0 ? 1500 : 1450)});
  }
  run_for(std::chrono::seconds(1));
  for (std::uint32_t i = 0; i < shape.hosts; ++i) {
    const auto request = host_request(i, HostId{uuid_from_random(world_.bytes16())}, "site" + std::to_string(i % shape.sites + 1),
                                      fresh_key());
    submit(request);
    hosts_.push_back(std::make_unique<SimHost>(world_, network_, kubernetes_, request.name, request.id, system_, public_key_));
    for (std::uint32_t other = 0; other < shape.hosts; ++other) {
      hosts_.back()->round_trips().answers(host_request(other, {}, "", "").address, shape.round_trip_us);
    }
  }
  submit(control::CreateFlavor{"small", 1, 1024, 10});
  submit(control::CreateFlavor{"large", 4, 4096, 20});
  submit(control::CreateFlavor{"node", 2, 2048, 10});
  submit(image("debian", ""));
  submit(image("kubernetes", "v1.32.13"));
  submit(control::CreateKeyPair{
      "default", "key",
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl test"});
  run_for(std::chrono::seconds(1));
  for (auto& host : hosts_) host->start_agent();
  run_for(std::chrono::seconds(10));
}

std::string Campus::fresh_key() {
  auto digits = std::to_string(++keys_);
  return std::string(40 - digits.size(), 'k') + digits;
}

SimHost* Campus::find(const HostId& id) {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(), [&](const auto& host) { return host->id() == id; });
  return found == hosts_.end() ? nullptr : found->get();
}

void Campus::run_for(Duration time) {
  world_.run_until(world_.now() + time, [this] { watch_.step(); });
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

namespace {

// What one PC has that its rows do not say, or the other way round.
std::string difference_on(const SimHost& host, const control::Model& stored) {
  std::string text;
  std::set<NodeId> wanted, present;
  std::set<std::uint32_t> wanted_networks;
  for (const auto& [id, node] : stored.nodes) {
    if (node.host != host.id() || node.state == control::NodeState::deleting) continue;
    wanted.insert(id);
    wanted_networks.insert(stored.networks.at(stored.clusters.at(node.cluster).network).vni);
  }
  for (const auto& vm : host.hypervisor().domains()) {
    present.insert(vm.id);
    const auto node = stored.nodes.find(vm.id);
    const bool off = node != stored.nodes.end() && node->second.state == control::NodeState::stopped;
    if (off == (vm.state == VmState::running)) text += " " + vm.id.str() + (off ? " runs" : " does not run");
    if (off || node == stored.nodes.end()) continue;
    if (!host.guests().ready(vm.id)) text += " the guest of " + node->second.name + " is not ready";
    if (host.guests().boot_of(vm.id) != node->second.guest_boot) text += " " + node->second.name + " has booted since";
  }
  if (wanted != present) text += " has " + std::to_string(present.size()) + " VMs for " + std::to_string(wanted.size());
  const auto files = host.seeds().list().value().size() + host.hypervisor().volumes().value().size();
  if (files != 2 * wanted.size()) text += " files: " + std::to_string(files);
  for (const auto& held : {host.seeds().list().value(), host.hypervisor().volumes().value()}) {
    for (const auto& file : held) {
      if (!wanted.contains(file.id)) text += " a file of " + file.id.str() + " is left";
    }
  }
  std::set<std::uint32_t> networks;
  for (const auto& network : host.dataplane().list().value()) networks.insert(network.spec.vni);
  if (networks != wanted_networks) text += " networks differ";
  const auto obligations = host.journal().obligations().value().size();
  if (obligations != wanted.size() + wanted_networks.size()) text += " obligations: " + std::to_string(obligations);
  if (const auto owed = stored.removals.find(host.id()); owed != stored.removals.end() && !owed->second.empty()) text += " owes removals";
  return text.empty() ? text : " " + host.name() + ":" + text;
}

}  // namespace

std::string Campus::difference() const {
  std::string text;
  for (const auto& host : hosts_) {
    const auto row = stored().hosts.find(host->id());
    if (!host->dead() && row != stored().hosts.end() && !row->second.lost_at) text += difference_on(*host, stored());
  }
  for (const auto& [id, cluster] : stored().clusters) {
    if (cluster.kubernetes.version.empty() || cluster.state == control::ClusterState::stopped) continue;
    std::set<std::string> wanted;
    for (const auto& [node, row] : stored().nodes) {
      if (row.cluster == id && row.joined) wanted.insert(row.name);
    }
    const auto known = kubernetes_.nodes(cluster.name);
    for (const auto& name : known) {
      if (!wanted.contains(name)) text += " a Node object " + name + " is left;";
    }
    for (const auto& name : wanted) {
      if (!known.contains(name)) text += " no Node object " + name + ";";
    }
  }
  return text;
}

bool Campus::converged() const {
  const bool running = std::any_of(
      stored().operations.begin(), stored().operations.end(),
      [](const auto& entry) { return entry.second.state == control::OperationState::running; });
  const bool settled = std::all_of(stored().clusters.begin(), stored().clusters.end(), [](const auto& entry) {
    return entry.second.state == control::ClusterState::ready || entry.second.state == control::ClusterState::stopped;
  });
  return !running && settled && difference().empty();
}

}  // namespace dure::sim
