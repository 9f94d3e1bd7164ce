#include "tests/sim/workload.h"

#include <algorithm>
#include <utility>

#include "controlnode/core/lifecycle.h"

namespace dure::sim {
namespace {

constexpr std::size_t kClusters = 5;

control::Idempotency idempotency(const std::string& key) {
  control::Idempotency result;
  result.key = key;
  result.request.bytes[0] = 1;
  return result;
}

void ignore(const Result<control::Reply>&) {}

}  // namespace

void Workload::step() {
  auto& world = campus_.world();
  if (world.chance(10)) return operator_step();
  // An old question without an answer is asked again first.
  for (auto& [key, asked] : asked_) {
    if (!asked.answered && world.chance(70)) return ask(key);
  }
  const auto& clusters = campus_.stored().clusters;
  const auto key = "key-" + std::to_string(asked_.size());
  if (clusters.size() < kClusters || world.chance(10)) {
    asked_[key].request = creation(idempotency(key));
  } else {
    const auto chosen = std::next(clusters.begin(), static_cast<std::ptrdiff_t>(world.below(clusters.size())));
    asked_[key].request = change_of(chosen->second, idempotency(key));
  }
  ask(key);
}

control::Request Workload::creation(const control::Idempotency& idempotency) {
  auto& world = campus_.world();
  control::CreateCluster create;
  create.name = "c" + std::to_string(next_cluster_++);
  create.control_planes = world.chance(35) ? 3 : 1;
  create.workers = static_cast<std::uint32_t>(world.below(4));
  const bool kubernetes = world.chance(50);
  create.flavor = kubernetes ? "node" : world.chance(30) ? "large" : "small";
  create.image = kubernetes ? "kubernetes" : "debian";
  create.key_pair = "key";
  if (create.control_planes == 3 && world.chance(50)) create.layout.survive = control::Survive::host;
  if (world.chance(30)) create.until = world.now() + world.between(std::chrono::minutes(3), std::chrono::minutes(20));
  create.idempotency = idempotency;
  return create;
}

control::Request Workload::change_of(const control::Cluster& cluster, const control::Idempotency& idempotency) {
  auto& world = campus_.world();
  const auto name = cluster.id.str();
  switch (world.below(10)) {
    case 0:
    case 1: return control::ScaleCluster{name, static_cast<std::uint32_t>(world.below(5)), false, idempotency};
    case 2: return leave(cluster, control::DeleteCluster{name, idempotency});
    case 3: return control::ReplaceNode{name, some_node(cluster.id, true), false, idempotency};
    case 4: return control::RepairCluster{name, world.chance(30), false, idempotency};
    case 5: return power(cluster);
    case 6: return access(cluster);
    case 7:
      if (!cluster.operation || world.chance(60)) return power(cluster);
      return leave(cluster, control::CancelOperation{*cluster.operation});
    case 8: {
      control::ExtendCluster extend{name, std::nullopt};
      if (world.chance(70)) extend.until = world.now() + world.between(std::chrono::minutes(5), std::chrono::minutes(30));
      return extend;
    }
    default: return control::RepairCluster{name, false, false, idempotency};
  }
}

control::Request Workload::leave(const control::Cluster& cluster, control::Request request) {
  campus_.watch().may_go(cluster.id);
  return request;
}

control::Request Workload::power(const control::Cluster& cluster) {
  constexpr control::PowerAction actions[] = {control::PowerAction::stop, control::PowerAction::start, control::PowerAction::reboot};
  return control::PowerNode{cluster.id.str(), some_node(cluster.id, false), actions[campus_.world().below(3)]};
}

control::Request Workload::access(const control::Cluster& cluster) {
  for (const auto& [id, access] : campus_.stored().accesses) {
    if (access.cluster == cluster.id && campus_.world().chance(30)) return control::RevokeAccess{cluster.id.str(), access.user};
  }
  return control::GiveAccess{cluster.id.str(), 600 + static_cast<std::int64_t>(campus_.world().below(3600))};
}

std::string Workload::some_node(const ClusterId& cluster, bool worker) {
  std::vector<std::string> names;
  for (const auto& [id, node] : campus_.stored().nodes) {
    if (node.cluster == cluster && (!worker || node.role == control::Role::worker)) names.push_back(node.name);
  }
  return names.empty() ? "none" : names[campus_.world().below(names.size())];
}

void Workload::operator_step() {
  auto& world = campus_.world();
  auto& host = *campus_.hosts()[world.below(campus_.hosts().size())];
  switch (world.below(4)) {
    case 0: return campus_.submit(control::CordonHost{host.name(), world.chance(40)}, &ignore);
    case 1: return campus_.submit(control::UpdateProject{"default", true, {{"nodes", 6 + static_cast<std::int64_t>(world.below(10))}}}, &ignore);
    case 2: return campus_.submit(control::UpdateProject{"default", true, {}}, &ignore);
    default:
      // Who is given up is truly gone, mostly.
      if (!host.dead() && !world.chance(15)) return;
      campus_.watch().trouble();
      host.guests().leave_alone(true);
      campus_.submit(control::LoseHost{host.name(), true}, &ignore);
  }
}

void Workload::ask(const std::string& key) {
  campus_.submit(asked_[key].request, [this, key](const Result<control::Reply>& reply) { note_answer(key, reply); });
}

void Workload::note_answer(const std::string& key, const Result<control::Reply>& reply) {
  auto& asked = asked_[key];
  if (!reply) return;  // unavailable or in doubt: asked again
  const auto* accepted = std::get_if<control::Accepted>(&*reply);
  const auto* refused = std::get_if<control::Refused>(&*reply);
  const Uuid object = accepted == nullptr ? Uuid{} : accepted->object;
  // I15: the same key gives the same thing. (A refusal claims nothing and may become a yes.)
  if (asked.answered && !asked.object.is_nil() && object != asked.object) wrong_ += " key " + key + " gave two different answers;";
  // Nobody else gives these names.
  if (refused != nullptr && asked.object.is_nil() && std::holds_alternative<control::CreateCluster>(asked.request) &&
      refused->error.code == Errc::already_exists) {
    wrong_ += " key " + key + " was carried out and refused;";
  }
  asked.answered = true;
  if (!object.is_nil()) asked.object = object;
}

void Workload::ask_again() {
  for (auto& [key, asked] : asked_) {
    if (!asked.answered) ask(key);
  }
}

std::string Workload::lost_answers() const {
  auto text = wrong_;
  for (const auto& [key, asked] : asked_) {
    if (!asked.answered) text += " key " + key + " was never answered;";
  }
  return text;
}

}  // namespace dure::sim
