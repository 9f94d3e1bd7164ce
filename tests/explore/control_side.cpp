#include "tests/explore/control_side.h"

#include <algorithm>
#include <exception>

#include "controlnode/core/bootstrap_plan.h"
#include "controlnode/core/host_orders.h"
#include "controlnode/core/next_wake.h"
#include "controlnode/core/silence.h"
#include "protocol/wire/replay_guard.h"
#include "tests/explore/agent.h"
#include "tests/explore/control_hash.h"
#include "tests/support/model_builder.h"

namespace dure::explore {
namespace {

using control::Model;

control::Now at(SteadyPoint now) { return {TimePoint{now.us}, now}; }

using Seed = std::array<std::uint8_t, 16>;

// What has ended is history: nothing is decided by it.
void forget_history(Model& model) {
  std::erase_if(model.operations, [](const auto& entry) { return entry.second.state != control::OperationState::running; });
  model.placements.reset();
  for (auto& [id, host] : model.hosts) {
    if (!host.order) continue;
    host.order = OrderId{id.uuid};
    host.order->uuid.bytes[2] = static_cast<std::uint8_t>(host.generation >> 8);
    host.order->uuid.bytes[3] = static_cast<std::uint8_t>(host.generation);
  }
}

std::optional<SteadyPoint> waited_for(const Model& model) {
  std::optional<SteadyPoint> first;
  const auto due = [&](SteadyPoint when) { first = first ? std::min(*first, when) : when; };
  for (const auto& [id, node] : model.nodes) {
    if (control::waits(node)) due(*node.deadline);
  }
  for (const auto& [host, removals] : model.removals) {
    for (const auto& removal : removals) {
      if (!removal.owed) due(removal.due);
    }
  }
  return first;
}

// Who is gone has left its Kubernetes cluster when that has said so. Until then the cluster is told to let it go.
void check_departures(const Model& before, const Model& after, std::span<const control::Event> events) {
  const auto said = [&](const std::string& name) {
    return std::any_of(events.begin(), events.end(), [&](const control::Event& event) {
      const auto* report = std::get_if<control::ReportEvent>(&event);
      return report != nullptr && std::any_of(report->report.vms.begin(), report->report.vms.end(), [&](const VmReport& vm) {
               return std::find(vm.departed.begin(), vm.departed.end(), name) != vm.departed.end();
             });
    });
  };
  for (const auto& [id, node] : before.nodes) {
    const auto cluster = after.clusters.find(node.cluster);
    if (after.nodes.contains(id) || cluster == after.clusters.end() || cluster->second.kubernetes.version.empty() ||
        cluster->second.state == control::ClusterState::deleting) {
      continue;
    }
    const auto& departing = cluster->second.departing;
    const std::string& name = node.name;
    const bool told = std::any_of(departing.begin(), departing.end(), [&name](const auto& each) { return each.name == name; });
    if (!told && !said(name)) throw Broken{name + " is gone, and its cluster is not told to let it go"};
  }
}

struct Decided {
  Model model;
  control::Decision decision;
};

Decided decided(const Model& before, std::span<const control::Event> events, SteadyPoint now, const Seed& seed) {
  Decided result{before, {}};
  control::IdStream ids(seed);
  try {
    result.decision = control::decide(result.model, events, at(now), ids);
  } catch (const std::exception& thrown) {
    throw Broken{std::string("decide() threw: ") + thrown.what()};
  }
  if (const auto due = waited_for(result.model); due && (!result.decision.wake_at || *result.decision.wake_at > *due)) {
    throw Broken{"nobody is woken when a deadline has come"};
  }
  check_departures(before, result.model, events);
  forget_history(result.model);
  return result;
}

bool same_generations(const Model& a, const Model& b) {
  for (const auto& [id, host] : a.hosts) {
    const auto other = b.hosts.find(id);
    if (other == b.hosts.end() || other->second.generation != host.generation) return false;
  }
  return std::equal(a.removals.begin(), a.removals.end(), b.removals.begin(), b.removals.end(), [](const auto& x, const auto& y) {
    return std::equal(x.second.begin(), x.second.end(), y.second.begin(), y.second.end(),
                      [](const auto& one, const auto& two) { return one.ordered_at == two.ordered_at; });
  });
}

control::Request request_of(const Model& model, const Ask& ask, std::uint8_t occurrence) {
  using Kind = Ask::Kind;
  const auto host = "h" + std::to_string(ask.pc + 1);
  switch (ask.kind) {
    case Kind::create: {
      control::CreateCluster create;
      create.name = ask.cluster;
      create.control_planes = ask.planes;
      create.workers = ask.workers;
      create.flavor = "small";
      create.image = ask.image.empty() ? "debian-13" : ask.image;
      create.key_pair = "me";
      return create;
    }
    case Kind::scale: {
      control::ScaleCluster scale;
      scale.cluster = ask.cluster;
      scale.workers = ask.workers;
      return scale;
    }
    case Kind::repair:
    case Kind::repair_lost: {
      control::RepairCluster repair;
      repair.cluster = ask.cluster;
      repair.lost = ask.kind == Kind::repair_lost;
      return repair;
    }
    case Kind::remove: {
      control::DeleteCluster remove;
      remove.cluster = ask.cluster;
      return remove;
    }
    case Kind::cancel: {
      for (const auto& [id, cluster] : model.clusters) {
        if (cluster.name == ask.cluster && cluster.operation) return control::CancelOperation{*cluster.operation};
      }
      return control::CancelOperation{};
    }
    case Kind::stop: return control::PowerNode{ask.cluster, ask.node, control::PowerAction::stop};
    case Kind::start: return control::PowerNode{ask.cluster, ask.node, control::PowerAction::start};
    case Kind::reboot: return control::PowerNode{ask.cluster, ask.node, control::PowerAction::reboot};
    case Kind::lose: return control::LoseHost{host, true};
    case Kind::replace_host:
      return control::ReplaceHost{host, replacement_id(ask.pc, occurrence),
                                  std::string(39, 'r') + static_cast<char>('0' + ask.pc * 3 + occurrence), std::nullopt};
  }
  return control::CancelOperation{};
}

// What the documents of Kubernetes nodes say, as far as guests act on it here.
void add_documents(const Model& model, HostOrder& order) {
  for (VmSpec& vm : order.vms) {
    const auto node = model.nodes.find(vm.id);
    if (node == model.nodes.end() || model.clusters.at(node->second.cluster).kubernetes.version.empty()) continue;
    const auto plan = control::bootstrap_plan(model, node->second);
    vm.bootstrap = plan.role == control::BootstrapRole::init ? "init" : "join";
    for (const auto& name : plan.departing) vm.bootstrap += " " + name;
  }
}

bool in_session(const Control& control, const Pc& pc) {
  const auto seen = control.model.observations.find(pc.id);
  return seen != control.model.observations.end() && control::heard(control.model, pc.id) &&
         seen->second.session.uuid.bytes[15] == static_cast<std::uint8_t>(pc.session);
}

}  // namespace

ControlRef make_control(Model model, SteadyPoint now) {
  auto made = std::make_shared<Control>();
  made->model = std::move(model);
  made->now = now;
  made->hash = hash_of(made->model, now);
  return made;
}

ControlRef ask(const Control& before, const Ask& ask, std::uint8_t occurrence) {
  // Ids are a function of what was asked for, so that they are the same on every way to a state.
  Seed seed{static_cast<std::uint8_t>(ask.kind), occurrence, static_cast<std::uint8_t>(ask.cluster.empty() ? 0 : ask.cluster[0]),
            static_cast<std::uint8_t>(ask.planes), static_cast<std::uint8_t>(ask.workers), static_cast<std::uint8_t>(ask.pc)};
  if (!ask.node.empty()) seed[6] = static_cast<std::uint8_t>(ask.node.back());
  const control::Event event = control::RequestEvent{1, request_of(before.model, ask, occurrence)};
  auto result = decided(before.model, {&event, 1}, before.now, seed);
  if (!std::holds_alternative<control::Accepted>(result.decision.replies.at(0).reply)) return nullptr;
  auto after = make_control(std::move(result.model), before.now);
  const bool same = after->hash == before.hash && same_generations(after->model, before.model);
  return same ? nullptr : after;
}

ControlRef take_report(const ControlRef& before, HostReport report) {
  const Hash hash = hash_of(report);
  for (const Answered& known : before->answered) {
    if (known.report == hash) return known.control ? known.control : before;
  }
  const auto earlier = before->model.observations.find(report.host);
  report.sequence = earlier == before->model.observations.end() ? 1 : earlier->second.sequence + 1;
  const HostId host = report.host;
  const control::Event event = control::ReportEvent{host, std::move(report)};
  auto result = decided(before->model, {&event, 1}, before->now, {0xee});
  auto after = make_control(std::move(result.model), before->now);
  const bool same = after->hash == before->hash && same_generations(after->model, before->model);
  before->answered.push_back({hash, same ? nullptr : after});
  return same ? before : after;
}

ControlRef tick(const Control& before, SteadyPoint now, std::vector<HostReport> reports) {
  std::vector<control::Event> events;
  for (HostReport& report : reports) {
    const auto earlier = before.model.observations.find(report.host);
    report.sequence = earlier == before.model.observations.end() ? 1 : earlier->second.sequence + 1;
    const HostId host = report.host;
    events.emplace_back(control::ReportEvent{host, std::move(report)});
  }
  events.emplace_back(control::TickEvent{});
  auto result = decided(before.model, events, now, {0xef});
  return make_control(std::move(result.model), now);
}

ControlRef restart(const Control& before) {
  Model model = before.model;
  control::test::take_the_lead(model, before.now);
  return make_control(std::move(model), before.now);
}

const control::Host* host_of(const Control& control, const Pc& pc) {
  const auto found = control.model.hosts.find(pc.id);
  return found == control.model.hosts.end() ? nullptr : &found->second;
}

bool speaks(const Control& control, const Pc& pc) {
  const auto* host = host_of(control, pc);
  return host != nullptr && !host->lost_at && !pc.dead && !pc.cut;
}

std::shared_ptr<const HostOrder> due_order(const Control& control, const Pc& pc, std::size_t slot) {
  if (!speaks(control, pc) || !in_session(control, pc)) return nullptr;
  const auto generation = host_of(control, pc)->generation;
  if (generation <= (pc.order ? pc.order->generation : 0)) return nullptr;
  auto& kept = control.orders.at(slot);
  if (kept && kept->host == pc.id) return kept;
  auto order = control::host_order(control.model, pc.id, TimePoint{control.now.us});
  add_documents(control.model, order);
  order.sequence = order.generation;
  kept = std::make_shared<const HostOrder>(std::move(order));
  return kept;
}

std::optional<SteadyPoint> next_due(const State& state) {
  const Control& control = *state.control;
  const Model& model = control.model;
  std::optional<SteadyPoint> first;
  const auto due = [&](SteadyPoint when) {
    when = std::max(when, control.now);
    first = first ? std::min(*first, when) : when;
  };
  if (const auto waited = waited_for(model)) due(*waited);
  for (const auto& [id, host] : model.hosts) {
    const bool reports = std::any_of(state.pcs.begin(), state.pcs.begin() + static_cast<std::ptrdiff_t>(state.pc_count),
                                     [&, &host_id = id](const PcRef& pc) { return pc->id == host_id && speaks(control, *pc); });
    if (reports) continue;
    const auto silent = control::silent_at(model, id), missing = control::missing_at(model, id);
    const auto seen = model.observations.find(id);
    if (seen != model.observations.end() && !host.lost_at && !seen->second.silent) due(silent);
    bool any = false;
    for (const auto& [node_id, node] : model.nodes) {
      if (node.host != id) continue;
      any = true;
      if (control::watched(node)) due(silent);
    }
    if (const auto removals = model.removals.find(id); removals != model.removals.end()) {
      any = any || std::any_of(removals->second.begin(), removals->second.end(), [](const auto& each) { return !each.owed; });
    }
    // What may be repaired then is another thing.
    if (any && missing > control.now) due(missing);
  }
  return first;
}

void add_relation(Hasher& hasher, const Control& control, const Pc& pc, const LateReport* late) {
  const auto* host = host_of(control, pc);
  const std::uint64_t accepted = pc.order ? pc.order->generation : 0;
  std::uint64_t bits = static_cast<std::uint64_t>(in_session(control, pc));
  if (host != nullptr) bits |= static_cast<std::uint64_t>(accepted == host->generation) << 1;
  hasher.add(bits);
  const auto removals = control.model.removals.find(pc.id);
  if (removals == control.model.removals.end()) return;
  for (const auto& removal : removals->second) {
    hasher.add(static_cast<std::uint64_t>(accepted >= removal.ordered_at) |
               static_cast<std::uint64_t>(pc.applied_generation >= removal.ordered_at) << 1 |
               static_cast<std::uint64_t>(late != nullptr && late->report.accepted_generation >= removal.ordered_at) << 2 |
               static_cast<std::uint64_t>(late != nullptr && late->report.applied_generation >= removal.ordered_at) << 3);
  }
}

HostId replacement_id(std::size_t pc, std::uint8_t occurrence) {
  return control::test::numbered<HostId>(0xa0, static_cast<std::uint32_t>(100 + 10 * pc + occurrence));
}

}  // namespace dure::explore
