#include "tests/explore/liveness.h"

#include <algorithm>
#include <set>

#include "controlnode/core/lifecycle.h"
#include "tests/explore/control_side.h"
#include "tests/explore/history.h"

namespace dure::explore {
namespace {

constexpr std::size_t kMostSteps = 4000;
constexpr std::uint8_t kByOperator = 9;   // occurrences of requests beyond those of the walk

std::set<std::string> cluster_names(const State& state) {
  std::set<std::string> names;
  for (const auto& [id, cluster] : state.control->model.clusters) names.insert(cluster.name);
  return names;
}

const control::Cluster* find(const State& state, const std::string& name) {
  for (const auto& [id, cluster] : state.control->model.clusters) {
    if (cluster.name == name) return &cluster;
  }
  return nullptr;
}

// Nothing is in the way of anything.
bool all_well(const State& state, const control::Cluster& cluster) {
  const auto& model = state.control->model;
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    const Pc& pc = *state.pcs[i];
    if (hangs(pc)) return false;
    const auto& vms = pc.machine->vms;
    if (std::any_of(vms.begin(), vms.end(), [](const Domain& vm) { return vm.guest == Guest::mute; })) return false;
  }
  std::size_t planes = 0;
  for (const auto& [id, node] : model.nodes) {
    if (node.cluster != cluster.id) continue;
    if (node.power != control::Power::on) return false;
    planes += static_cast<std::size_t>(node.role == control::Role::control_plane);
    const bool lives = std::any_of(state.pcs.begin(), state.pcs.begin() + static_cast<std::ptrdiff_t>(state.pc_count),
                                   [&, &on = node.host](const PcRef& pc) { return pc->id == on && speaks(*state.control, *pc); });
    if (!lives) return false;
  }
  return planes == cluster.control_planes.count;
}

}  // namespace

void Operator::tell(const std::string& line) {
  if (told_ != nullptr) told_->push_back(line);
}

void Operator::tell_end(const State& state) {
  if (told_ != nullptr) told_->push_back("# then:\n" + where_all_stands(state));
}

bool Operator::asked(State& state, const Ask& wish, Findings& findings) {
  try {
    auto next = after_ask(state, wish, kByOperator);
    if (!next) return false;
    tell("> " + in_words(wish, state.control->model));
    state = std::move(*next);
    check_state(state, findings);
    return true;
  } catch (const Broken& broken) {
    findings.push_back({"broken-decision", broken.what});
    return false;
  }
}

bool Operator::to_rest(State& state, Findings& findings) {
  std::vector<Step> steps;
  for (std::size_t count = 0; count < kMostSteps; ++count) {
    if (!findings.empty()) return false;
    const Hash here = hash_of(state);
    steps_from(config_, state, steps);
    bool moved = false;
    for (const Step& step : steps) {
      if (!cooperative(step)) break;
      try {
        auto next = after(config_, state, step, findings);
        if (!next || hash_of(*next) == here) continue;
        if (told_ != nullptr) tell(in_words(config_, state, *next, step));
        state = std::move(*next);
      } catch (const Broken& broken) {
        findings.push_back({"broken-decision", broken.what});
      }
      moved = true;
      break;
    }
    if (!moved) return true;
  }
  findings.push_back({"no-rest", "it goes on for ever"});
  return false;
}

void Operator::give_up(State& state, Findings& findings) {
  for (std::size_t i = 0; i < state.pc_count && findings.empty(); ++i) {
    const auto* host = host_of(*state.control, *state.pcs[i]);
    if (!state.pcs[i]->dead || host == nullptr || host->lost_at) continue;
    Ask lose;
    lose.kind = Ask::Kind::lose;
    lose.pc = i;
    asked(state, lose, findings);
    if (to_rest(state, findings)) check_rest(state, findings);
  }
}

void Operator::repair(State& state, Findings& findings) {
  for (const std::string& name : cluster_names(state)) {
    Ask wish;
    wish.kind = Ask::Kind::repair;
    wish.cluster = name;
    if (!asked(state, wish, findings)) continue;
    if (!to_rest(state, findings)) return;
    check_rest(state, findings);
    const auto* cluster = find(state, name);
    if (cluster == nullptr || !all_well(state, *cluster) || cluster->state == control::ClusterState::ready) continue;
    findings.push_back({"repaired-in-vain", name + " was repaired, nothing is in its way, and it is " +
                                                std::string(control::to_string(cluster->state))});
  }
}

void Operator::remove_all(State& state, Findings& findings) {
  const Hash here = hash_of(state);
  if (!findings.empty() || removed_.contains(here)) return;
  for (const std::string& name : cluster_names(state)) {
    Ask wish;
    wish.kind = Ask::Kind::remove;
    wish.cluster = name;
    asked(state, wish, findings);
  }
  if (!to_rest(state, findings)) return;
  check_empty(state, findings);
  if (findings.empty()) removed_.insert(here);
}

void Operator::visit(const State& rest, Findings& findings, std::vector<std::string>* told) {
  told_ = told;
  const Hash here = hash_of(rest);
  State state = rest;
  if (!repaired_.contains(here)) {
    tell("# PCs that are dead are given up, and clusters repaired");
    give_up(state, findings);
    if (findings.empty()) repair(state, findings);
    if (findings.empty()) repaired_.insert(here);
    remove_all(state, findings);
    if (!findings.empty()) return tell_end(state);
    if (told != nullptr) told->clear();
    state = rest;
  }
  tell("# all clusters are deleted");
  remove_all(state, findings);
  if (!findings.empty()) tell_end(state);
}

}  // namespace dure::explore
