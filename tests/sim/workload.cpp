#include "tests/sim/workload.h"

#include <algorithm>
#include <utility>

#include "controlnode/core/lifecycle.h"

namespace dure::sim {
namespace {

control::Idempotency idempotency(const std::string& key) {
  control::Idempotency result;
  result.key = key;
  result.request.bytes[0] = 1;
  return result;
}

}  // namespace

void Workload::storm(Duration time) {
  auto& world = campus_.world();
  const auto end = world.now() + time;
  while (world.now() < end) {
    campus_.run_for(world.between(std::chrono::milliseconds(200), std::chrono::seconds(6)));
    user_step();
    fault_step();
  }
}

void Workload::user_step() {
  auto& world = campus_.world();
  // An old question without an answer is asked again first.
  for (auto& [key, asked] : asked_) {
    if (!asked.answered && world.chance(70)) return ask(key);
  }
  const auto& clusters = campus_.control().store().stored().clusters;
  const auto key = "key-" + std::to_string(asked_.size());
  if (clusters.size() < 4 || world.chance(15)) {
    control::CreateCluster create;
    create.name = "c" + std::to_string(next_cluster_++);
    create.control_planes = world.chance(25) ? 3 : 1;
    create.workers = static_cast<std::uint32_t>(world.below(5));
    create.flavor = world.chance(30) ? "large" : "small";
    create.image = "debian";
    create.key_pair = "key";
    create.idempotency = idempotency(key);
    asked_[key].request = create;
  } else {
    const auto chosen = std::next(clusters.begin(), static_cast<std::ptrdiff_t>(
                                                        world.below(clusters.size())));
    if (world.chance(50)) {
      asked_[key].request = control::ScaleCluster{
          chosen->second.name, static_cast<std::uint32_t>(world.below(6)), false, idempotency(key)};
    } else {
      asked_[key].request = control::DeleteCluster{chosen->second.name, idempotency(key)};
    }
  }
  ask(key);
}

void Workload::ask(const std::string& key) {
  campus_.submit(asked_[key].request,
                 [this, key](const Result<control::Reply>& reply) { note_answer(key, reply); });
}

void Workload::note_answer(const std::string& key, const Result<control::Reply>& reply) {
  if (!reply) return;  // unavailable or in doubt: asked again
  auto& asked = asked_[key];
  const auto* accepted = std::get_if<control::Accepted>(&*reply);
  const Uuid object = accepted == nullptr ? Uuid{} : accepted->object;
  // I15: the same key gives the same thing. (A refusal claims nothing and may become a yes.)
  if (asked.answered && !asked.object.is_nil() && object != asked.object) {
    wrong_ += " key " + key + " gave two different answers;";
  }
  asked.answered = true;
  if (!object.is_nil()) asked.object = object;
}

void Workload::fault_step() {
  auto& world = campus_.world();
  auto& weather = campus_.network().weather;
  weather.loss_percent = static_cast<unsigned>(world.chance(30) ? world.below(60) : 0);
  weather.duplicate_percent = static_cast<unsigned>(world.chance(30) ? world.below(40) : 0);
  weather.flip_percent = static_cast<unsigned>(world.chance(20) ? world.below(20) : 0);
  weather.slowest = world.chance(20) ? Duration(std::chrono::seconds(20))
                                     : Duration(std::chrono::milliseconds(50));
  if (world.chance(25)) break_control();
  auto& host = *campus_.hosts()[world.below(campus_.hosts().size())];
  if (world.chance(35)) break_host(host);
}

void Workload::break_control() {
  auto& world = campus_.world();
  auto& control = campus_.control();
  using Fault = control::FakeStore::Fault;
  switch (world.below(4)) {
    case 0:
      control.store().fail_next_commit(Fault::unavailable);
      break;
    case 1:
      control.store().fail_next_commit(Fault::in_doubt_applied);
      break;
    case 2:
      control.store().fail_next_commit(Fault::in_doubt_not_applied);
      break;
    default:
      if (control.runs()) {
        control.kill();
      } else {
        control.start();
      }
  }
}

void Workload::break_host(SimHost& host) {
  auto& world = campus_.world();
  const auto error = Error{world.chance(50) ? Errc::in_doubt : Errc::unavailable, "injected"};
  switch (world.below(7)) {
    case 0:
    case 1:
      if (host.agent_runs()) {
        host.kill_agent();
      } else {
        host.start_agent();
      }
      break;
    case 2:
      campus_.network().cut(host.id(), world.chance(50));
      break;
    case 3: {  // libvirtd goes away, or comes back
      const bool away = world.chance(60);
      host.hypervisor().fail = [away, error](const std::string&, const NodeId&) {
        return away ? std::optional(error) : std::nullopt;
      };
      break;
    }
    case 4: {
      const bool fails = world.chance(60);
      host.dataplane().fail = [fails](const std::string& call) {
        return fails && call == "apply" ? std::optional(Error{Errc::internal, "injected"})
                                        : std::nullopt;
      };
      break;
    }
    case 5: {  // a QEMU process dies
      host.hypervisor().fail = nullptr;
      const auto vms = host.hypervisor().list();
      if (vms && !vms->empty()) host.hypervisor().crash((*vms)[world.below(vms->size())].id);
      break;
    }
    default: host.power_cycle();
  }
}

void Workload::heal() {
  campus_.network().weather = {};
  auto& control = campus_.control();
  control.store().fail_next_commit(control::FakeStore::Fault::none);
  if (!control.runs()) control.start();
  for (auto& host : campus_.hosts()) {
    campus_.network().cut(host->id(), false);
    host->hypervisor().fail = nullptr;
    host->dataplane().fail = nullptr;
    if (!host->agent_runs()) host->start_agent();
  }
  campus_.run_for(std::chrono::seconds(5));
  for (auto& [key, asked] : asked_) {
    if (!asked.answered) ask(key);
  }
  campus_.run_for(std::chrono::seconds(5));
  // Whatever failed while nothing worked is asked for again: retry is legal from every state.
  for (int round = 0; round < 3; ++round) {
    campus_.run_for(std::chrono::minutes(3));
    std::vector<control::ScaleCluster> retries;
    const auto& stored = control.store().stored();
    for (const auto& [id, cluster] : stored.clusters) {
      if (cluster.state == control::ClusterState::ready ||
          cluster.state == control::ClusterState::deleting) {
        continue;
      }
      retries.push_back({id.str(), cluster.workers.count, false, {}});
    }
    for (auto& retry : retries) campus_.submit(retry, [](const Result<control::Reply>&) {});
  }
}

std::string Workload::lost_answers() const {
  auto text = wrong_;
  for (const auto& [key, asked] : asked_) {
    if (!asked.answered) text += " key " + key + " was never answered;";
  }
  return text;
}

std::string Workload::unfinished() const {
  std::string text;
  const auto& stored = campus_.control().store().stored();
  for (const auto& [id, operation] : stored.operations) {
    if (operation.state == control::OperationState::running) {
      text += " operation " + std::string(to_string(operation.kind)) + " of " + operation.cluster_name;
    }
  }
  for (const auto& [id, cluster] : stored.clusters) {
    if (cluster.state != control::ClusterState::ready) {
      text += " cluster " + cluster.name + " " + std::string(to_string(cluster.state)) + " " +
              cluster.reason;
    }
  }
  for (const auto& [id, node] : stored.nodes) {
    if (node.state != control::NodeState::ready) {
      text += " node " + node.name + " " + std::string(to_string(node.state)) + " " + node.reason;
    }
  }
  return text;
}

}  // namespace dure::sim
