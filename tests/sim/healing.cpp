#include "tests/sim/healing.h"

#include <algorithm>

#include "controlnode/core/lifecycle.h"

namespace dure::sim {
namespace {

constexpr int kPatience = 3;  // so often a cluster is repaired before it is given up
constexpr Duration kByItself = std::chrono::minutes(6);

void ignore(const Result<control::Reply>&) {}

}  // namespace

bool Healing::run(Duration at_most) {
  const auto end = campus_.world().now() + at_most;
  for (const auto& host : campus_.hosts()) campus_.submit(control::CordonHost{host->name(), false}, &ignore);
  campus_.submit(control::UpdateProject{"default", true, {}}, &ignore);
  give_up_the_dead();
  // What needs nobody's word comes first.
  campus_.run_for(kByItself);
  in_vain_ = left_paused();
  auto next = campus_.world().now();
  while (campus_.world().now() < end && in_vain_.empty()) {
    campus_.run_for(std::chrono::seconds(5));
    if (campus_.converged()) return true;
    if (campus_.world().now() < next) continue;
    next = campus_.world().now() + std::chrono::minutes(4);
    ask_for_what_is_wrong();
  }
  return false;
}

// Some are replaced, some only given up, and of some nobody says a word.
void Healing::give_up_the_dead() {
  auto& world = campus_.world();
  for (auto& host : campus_.hosts()) {
    const auto row = campus_.stored().hosts.find(host->id());
    const bool lost = row != campus_.stored().hosts.end() && row->second.lost_at.has_value();
    if (!lost) host->guests().leave_alone(false);
    if (!host->dead() && !lost) continue;
    if (!lost && world.chance(40)) continue;
    campus_.watch().trouble();
    campus_.submit(control::LoseHost{host->name(), true}, &ignore);
    if (!host->dead() || world.chance(60)) set_up_anew(*host);
  }
}

void Healing::set_up_anew(SimHost& host) {
  auto& world = campus_.world();
  const HostId id{uuid_from_random(world.bytes16())};
  host.set_up_anew(id, world.chance(50));
  campus_.submit(control::ReplaceHost{host.name(), id, campus_.fresh_key(), std::nullopt}, &ignore);
}

void Healing::ask_for_what_is_wrong() {
  const auto clusters = campus_.stored().clusters;
  for (const auto& [id, cluster] : clusters) {
    if (cluster.state == control::ClusterState::deleting || cluster.delete_at) continue;
    if (cluster.state == control::ClusterState::ready) {
      asked_.erase(id);
    } else {
      repair(cluster);
    }
  }
}

void Healing::repair(const control::Cluster& cluster) {
  for (const auto& [node, row] : campus_.stored().nodes) {
    const bool off = row.power != control::Power::on || row.vm_state == VmState::shut_down;
    // Once: who was started on a PC that is gone fails, and is replaced then.
    if (row.cluster == cluster.id && off && started_.insert(node).second) campus_.submit(control::PowerNode{cluster.id.str(), row.name, control::PowerAction::start}, &ignore);
  }
  // Nothing is asked for while something is under way: it ends by itself.
  if (cluster.operation) return;
  if (++asked_[cluster.id] > kPatience) return remove(cluster);
  campus_.submit(control::RepairCluster{cluster.id.str(), true, false, {}}, [this, id = cluster.id](const Result<control::Reply>& reply) {
    const auto* refused = reply ? std::get_if<control::Refused>(&*reply) : nullptr;
    if (refused != nullptr && refused->error.code == Errc::no_capacity) no_room_.insert(id);
  });
}

void Healing::remove(const control::Cluster& cluster) {
  if (!hopeless(cluster)) in_vain_ += " nothing helps " + cluster.name + ": " + cluster.reason;
  campus_.watch().may_go(cluster.id);
  campus_.submit(control::DeleteCluster{cluster.id.str(), {}}, &ignore);
}

bool Healing::hopeless(const control::Cluster& cluster) const {
  const bool kubernetes = !cluster.kubernetes.version.empty();
  if (no_room_.contains(cluster.id) || (kubernetes && !campus_.kubernetes().answers(cluster.name))) return true;
  std::uint32_t there = 0;
  for (const auto& [id, node] : campus_.stored().nodes) {
    const auto* host = campus_.find(node.host);
    there += node.cluster == cluster.id && node.role == control::Role::control_plane && host != nullptr && !host->dead() ? 1 : 0;
  }
  return there < cluster.control_planes.count;
}

// A paused VM goes on by itself.
std::string Healing::left_paused() const {
  std::string text;
  for (const auto& host : campus_.hosts()) {
    const auto row = campus_.stored().hosts.find(host->id());
    if (host->dead() || row == campus_.stored().hosts.end() || row->second.lost_at) continue;
    for (const auto& vm : host->hypervisor().domains()) {
      if (vm.state == VmState::paused) text += " " + vm.id.str() + " is left paused on " + host->name() + ";";
    }
  }
  return text;
}

std::string Healing::unfinished() const {
  std::string text;
  for (const auto& [id, operation] : campus_.stored().operations) {
    if (operation.state == control::OperationState::running) {
      text += " operation " + std::string(to_string(operation.kind)) + " of " + operation.cluster_name;
    }
  }
  for (const auto& [id, cluster] : campus_.stored().clusters) {
    if (cluster.state != control::ClusterState::ready) {
      text += " cluster " + cluster.name + " " + std::string(to_string(cluster.state)) + " " + cluster.reason;
    }
  }
  for (const auto& [id, node] : campus_.stored().nodes) {
    if (node.state != control::NodeState::ready) {
      text += " node " + node.name + " " + std::string(to_string(node.state)) + " " + node.reason;
    }
  }
  return in_vain_ + text + campus_.difference();
}

}  // namespace dure::sim
