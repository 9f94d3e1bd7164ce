#include "tests/unit/controlnode/core/scenario_expect.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controlnode/core/lifecycle.h"
#include "controlnode/core/operations.h"

namespace dure::control::test {
namespace {

using Seen = std::optional<std::string>;

// Compares, and shows what there is where it differs.
Seen compare(const std::string& seen, const std::string& wanted) {
  return seen == wanted ? Seen{} : Seen{seen};
}

std::string with_reason(std::string_view state, const std::string& reason) {
  return reason.empty() ? std::string(state) : std::string(state) + ": " + reason;
}

// "says some text": the text is part of the reason.
bool says(Words& words, const std::string& reason) {
  return !words.take("says") || reason.find(words.rest()) != std::string::npos;
}

template <class Enum>
void require_word(std::string_view word, Enum last, std::string_view what) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (to_string(static_cast<Enum>(i)) == word) return;
  }
  unknown_word(word, what);
}

std::string describe(const Refusal& refusal) {
  const std::string text = refusal.host_name + " " + std::string(to_string(refusal.dimension));
  if (!refusal.detail.empty()) return text;
  return text + " wanted " + std::to_string(refusal.wanted) + " free " +
         std::to_string(refusal.free) + " total " + std::to_string(refusal.total);
}

std::string describe(const World& world) {
  if (!world.reply) return "no request";
  if (const auto* no = std::get_if<Refused>(&*world.reply)) {
    std::string text = "refused " + with_reason(to_string(no->error.code), no->error.message);
    for (const Refusal& refusal : no->refusals) text += "; " + describe(refusal);
    return text;
  }
  std::string text = "accepted";
  for (const PlannedNode& node : std::get<Accepted>(*world.reply).plan) {
    text += " " + node.name + "@" + node.host;
  }
  return text;
}

// "accepted demo-cp1@h1 demo-w1@h2": the whole plan in its order; without nodes: any.
Seen expect_accepted(const World& world, Words& words) {
  std::string wanted = "accepted";
  const bool any = words.empty();
  while (!words.empty()) {
    const std::string word = words.next("node@host");
    const auto at = word.find('@');
    if (at == std::string::npos) unknown_word(word, "node@host");
    world.host(word.substr(at + 1));
    wanted += " " + word;
  }
  const std::string seen = describe(world);
  if (any && world.reply && accepted(*world.reply)) return std::nullopt;
  return compare(seen, wanted);
}

// "refused no-capacity says 2 of 3 nodes do not fit"
Seen expect_refused(const World& world, Words& words) {
  const std::string code = words.next("code");
  require_word(code, Errc::internal, "code");
  const auto* no = world.reply ? std::get_if<Refused>(&*world.reply) : nullptr;
  const bool said = says(words, no == nullptr ? "" : no->error.message);
  if (no != nullptr && said && to_string(no->error.code) == code) return std::nullopt;
  return describe(world);
}

// "refusal h1 memory wanted 2048 free 1024 total 8192", or "refusal h1 distinct-host"
Seen expect_refusal(const World& world, Words& words) {
  Refusal wanted;
  wanted.host_name = words.next("host");
  world.host(wanted.host_name);
  const std::string dimension = words.next("dimension");
  require_word(dimension, Dimension::round_trip, "dimension");
  std::string text = wanted.host_name + " " + dimension;
  for (const char* word : {"wanted", "free", "total"}) {
    if (!words.take(word)) break;
    text += std::string(" ") + word + " " + std::to_string(words.number(word));
  }
  const auto* no = world.reply ? std::get_if<Refused>(&*world.reply) : nullptr;
  if (no == nullptr) return describe(world);
  for (const Refusal& refusal : no->refusals) {
    if (describe(refusal) == text) return std::nullopt;
  }
  return describe(world);
}

// "remedy shorter-lease says if it ends by": one of the changes that are offered.
Seen expect_remedy(const World& world, Words& words) {
  const std::string code = words.next("code");
  require_word(code, RemedyKind::uncordon, "code of a remedy");
  const std::string part = words.take("says") ? words.rest() : std::string();
  const auto* no = world.reply ? std::get_if<Refused>(&*world.reply) : nullptr;
  if (no == nullptr) return describe(world);
  std::string seen = "remedies";
  for (const Remedy& remedy : no->remedies) {
    if (to_string(remedy.kind) == code && remedy.text.find(part) != std::string::npos) return std::nullopt;
    seen += "; " + with_reason(to_string(remedy.kind), remedy.text);
  }
  return seen;
}

// "no-remedy without-pool-rules": this kind of change is not offered.
Seen expect_no_remedy(const World& world, Words& words) {
  const std::string code = words.next("code");
  require_word(code, RemedyKind::uncordon, "code of a remedy");
  const auto* no = world.reply ? std::get_if<Refused>(&*world.reply) : nullptr;
  if (no == nullptr) return describe(world);
  for (const Remedy& remedy : no->remedies) {
    if (to_string(remedy.kind) == code) return with_reason(code, remedy.text);
  }
  return std::nullopt;
}

// "same-operation": the last two answers name one operation.
Seen expect_same_operation(const World& world, Words&) {
  const auto& answers = world.answers;
  if (!world.reply || !accepted(*world.reply)) return describe(world);
  if (!std::get<Accepted>(*world.reply).operation) return "an answer without operation";
  if (answers.size() < 2) return "fewer than two answers";
  if (answers[answers.size() - 2] == answers.back()) return std::nullopt;
  return "another operation";
}

std::string seen_orders(const World& world) {
  return "orders " + joined(world.host_names(world.ordered));
}

Seen expect_orders(const World& world, Words& words) {
  std::set<HostId> wanted;
  for (const std::string& name : words.list("host")) wanted.insert(world.host(name));
  return wanted == world.ordered ? Seen{} : Seen{seen_orders(world)};
}

Seen expect_no_orders(const World& world, Words&) {
  return compare(seen_orders(world), "orders none");
}

Seen expect_no_changes(const World& world, Words&) {
  return compare(std::to_string(world.changes) + " changes", "0 changes");
}

std::string vms_of(const HostOrder& order) {
  std::vector<std::string> names;
  for (const VmSpec& vm : order.vms) names.push_back(vm.name);
  std::sort(names.begin(), names.end());
  return joined(names);
}

std::string removed_of(const World& world, const HostOrder& order) {
  std::vector<std::string> names;
  for (const VmRemoval& removal : order.removed_vms) names.push_back(world.node_name(removal.id));
  std::sort(names.begin(), names.end());
  return joined(names);
}

std::string entries_of(const HostOrder& order) {
  std::size_t count = 0;
  for (const NetworkSpec& network : order.networks) count += network.entries.size();
  return std::to_string(count);
}

std::string mtu_of(const HostOrder& order) {
  return order.networks.empty() ? "none" : std::to_string(order.networks.front().mtu);
}

std::string sorted_list(Words& words, std::string_view what) {
  auto names = words.list(what);
  std::sort(names.begin(), names.end());
  return joined(names);
}

// "order h1 generation 2 vms demo-cp1 removes demo-w1 entries 3 mtu 1450": the last event sent h1
// this order. Only what is named is compared.
Seen expect_order(const World& world, Words& words) {
  const HostId id = world.host(words.next("host"));
  const auto found = world.campus.orders.find(id);
  const bool sent = world.ordered.contains(id) && found != world.campus.orders.end();
  const HostOrder order = sent ? found->second : HostOrder{};
  std::string seen, wanted;
  const auto both = [&](const std::string& word, const std::string& is, const std::string& should) {
    seen += " " + word + " " + is;
    wanted += " " + word + " " + should;
  };
  while (!words.empty()) {
    if (words.take("generation")) {
      both("generation", std::to_string(order.generation),
           std::to_string(words.number("generation")));
    } else if (words.take("vms")) {
      both("vms", vms_of(order), sorted_list(words, "node"));
    } else if (words.take("removes")) {
      both("removes", removed_of(world, order), sorted_list(words, "node"));
    } else if (words.take("entries")) {
      both("entries", entries_of(order), std::to_string(words.number("number of entries")));
    } else if (words.take("mtu")) {
      both("mtu", mtu_of(order), std::to_string(words.number("mtu")));
    } else {
      words.end();
    }
  }
  if (!sent) return seen_orders(world);
  return seen == wanted ? Seen{} : Seen{"order " + world.host_name(id) + seen};
}

Seen expect_gone(const std::string& kind, const std::string& name, bool there,
                 const std::string& state) {
  return there ? Seen{kind + " " + name + " " + state} : Seen{};
}

// "node demo-w1 failed says 'configured' is missing", "node demo-w1 gone"
Seen expect_node(const World& world, Words& words) {
  const std::string name = words.next("node");
  const std::string state = words.next("state");
  const Node* node = world.campus.node(name);
  const std::string seen =
      node == nullptr ? "gone" : with_reason(to_string(node->state), node->reason);
  if (state == "gone") return expect_gone("node", name, node != nullptr, seen);
  if (!node_state(state)) unknown_word(state, "state of a node");
  const bool said = says(words, node == nullptr ? "" : node->reason);
  const bool same = node != nullptr && said && to_string(node->state) == state;
  return same ? Seen{} : Seen{"node " + name + " " + seen};
}

// "cluster demo degraded says h2 has been silent", "cluster demo gone"
Seen expect_cluster(const World& world, Words& words) {
  const std::string name = words.next("cluster");
  const std::string state = words.next("state");
  const Cluster* cluster = world.campus.cluster(name);
  const std::string seen =
      cluster == nullptr ? "gone" : with_reason(to_string(cluster->state), cluster->reason);
  if (state == "gone") return expect_gone("cluster", name, cluster != nullptr, seen);
  if (!cluster_state(state)) unknown_word(state, "state of a cluster");
  const bool said = says(words, cluster == nullptr ? "" : cluster->reason);
  const bool same = cluster != nullptr && said && to_string(cluster->state) == state;
  return same ? Seen{} : Seen{"cluster " + name + " " + seen};
}

// "operation cluster-create failed says timed out": the newest of its kind.
Seen expect_operation(const World& world, Words& words) {
  const std::string kind = words.next("kind of operation");
  const std::string state = words.next("state");
  if (!operation_kind(kind)) unknown_word(kind, "kind of operation");
  if (!operation_state(state)) unknown_word(state, "state of an operation");
  const Operation* newest = nullptr;
  for (const OperationId& id : world.answers) {
    const Operation& operation = world.campus.model.operations.at(id);
    if (to_string(operation.kind) == kind) newest = &operation;
  }
  const bool said = says(words, newest == nullptr ? "" : newest->error);
  if (newest == nullptr) return "no operation " + kind;
  if (said && to_string(newest->state) == state) return std::nullopt;
  return "operation " + kind + " " + with_reason(to_string(newest->state), newest->error);
}

// "step removed running says waiting for h2": of the newest operation.
Seen expect_step(const World& world, Words& words) {
  const std::string name = words.next("step");
  const std::string state = words.next("state");
  if (!step_state(state)) unknown_word(state, "state of a step");
  if (world.answers.empty()) throw Malformed("no operation was asked for");
  const Operation& operation = world.campus.model.operations.at(world.answers.back());
  for (const OperationStep& step : operation.steps) {
    if (step.name != name) continue;
    const bool said = says(words, step.detail);
    if (said && to_string(step.state) == state) return std::nullopt;
    return "step " + name + " " + with_reason(to_string(step.state), step.detail);
  }
  unknown_word(name, "step of the operation");
}

// "claims h1 demo-cp1,demo-w1": the nodes that hold room on the host.
Seen expect_claims(const World& world, Words& words) {
  const std::string name = words.next("host");
  const HostId id = world.host(name);
  const std::string wanted = sorted_list(words, "node");
  std::vector<std::string> nodes;
  for (const auto& [node, claim] : world.campus.model.claims) {
    if (claim.host == id) nodes.push_back(world.node_name(node));
  }
  std::sort(nodes.begin(), nodes.end());
  return joined(nodes) == wanted ? Seen{} : Seen{"claims " + name + " " + joined(nodes)};
}

// "strangers h2 demo-cp1": VMs that the host has and should not; nobody touches them.
Seen expect_strangers(const World& world, Words& words) {
  const std::string name = words.next("host");
  const auto found = world.campus.model.observations.find(world.host(name));
  const std::string wanted = sorted_list(words, "node");
  std::vector<std::string> nodes;
  if (found != world.campus.model.observations.end()) {
    for (const NodeId& id : found->second.strangers) nodes.push_back(world.node_name(id));
  }
  std::sort(nodes.begin(), nodes.end());
  return joined(nodes) == wanted ? Seen{} : Seen{"strangers " + name + " " + joined(nodes)};
}

std::string owed_by(const World& world, const HostId& host) {
  std::vector<std::string> names;
  const auto found = world.campus.model.removals.find(host);
  if (found == world.campus.model.removals.end()) return joined(names);
  for (const Removal& removal : found->second) {
    if (removal.owed) names.push_back(removal.name);
  }
  std::sort(names.begin(), names.end());
  return joined(names);
}

// "owes h2 demo,demo-w1": what nobody waits for any longer, by node and cluster.
Seen expect_owes(const World& world, Words& words) {
  const std::string name = words.next("host");
  const std::string seen = owed_by(world, world.host(name));
  return seen == sorted_list(words, "node or cluster") ? Seen{} : Seen{"owes " + name + " " + seen};
}

Seen expect_nothing_left(const World& world, Words&) {
  const Model& model = world.campus.model;
  const auto waited_for = static_cast<std::size_t>(
      std::count_if(model.removals.begin(), model.removals.end(), [](const auto& entry) {
        return std::any_of(entry.second.begin(), entry.second.end(), [](const Removal& removal) { return !removal.owed; });
      }));
  const std::pair<const char*, std::size_t> rows[] = {
      {"clusters", model.clusters.size()}, {"nodes", model.nodes.size()}, {"claims", model.claims.size()},
      {"networks", model.networks.size()}, {"hosts with removals", waited_for}};
  std::string seen;
  for (const auto& [what, count] : rows) {
    if (count > 0) seen += (seen.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  }
  return compare(seen, "");
}

using Check = Seen (*)(const World&, Words&);
constexpr std::array<std::pair<std::string_view, Check>, 18> kChecks{{
    {"accepted", expect_accepted},
    {"refused", expect_refused},
    {"refusal", expect_refusal},
    {"remedy", expect_remedy},
    {"no-remedy", expect_no_remedy},
    {"same-operation", expect_same_operation},
    {"orders", expect_orders},
    {"order", expect_order},
    {"no-orders", expect_no_orders},
    {"no-changes", expect_no_changes},
    {"node", expect_node},
    {"cluster", expect_cluster},
    {"operation", expect_operation},
    {"step", expect_step},
    {"claims", expect_claims},
    {"strangers", expect_strangers},
    {"owes", expect_owes},
    {"nothing-left", expect_nothing_left},
}};

}  // namespace

std::optional<std::string> expect(const World& world, Words& words) {
  const std::string word = words.next("expectation");
  for (const auto& [name, check] : kChecks) {
    if (word != name) continue;
    auto seen = check(world, words);
    words.end();
    return seen;
  }
  unknown_word(word, "expectation");
}

}  // namespace dure::control::test
