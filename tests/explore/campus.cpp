#include "tests/explore/campus.h"

#include <array>
#include <string_view>

#include "controlnode/core/lifecycle.h"
#include "tests/explore/agent.h"
#include "tests/explore/control_side.h"
#include "tests/explore/machine.h"
#include "tests/support/model_builder.h"

namespace dure::explore {
namespace {

using Kind = Ask::Kind;

constexpr control::Resources kOneVm{4, 1024, 20}, kTwoVms{4, 2048, 40}, kOneMember{8, 2048, 20}, kFourMembers{8, 8192, 80};

Ask create(const std::string& name, std::uint32_t planes, std::uint32_t workers, std::uint8_t times = 1) {
  return {Kind::create, name, planes, workers, 0, {}, times};
}
Ask of(Kind kind, const std::string& cluster, std::uint8_t times = 1) { return {kind, cluster, 1, 0, 0, {}, times}; }
Ask scale(const std::string& cluster, std::uint32_t workers) { return {Kind::scale, cluster, 1, workers}; }
Ask on_host(Kind kind, std::size_t pc) { return {kind, {}, 1, 0, pc}; }
Ask on_node(Kind kind, const std::string& cluster, const std::string& node) { return {kind, cluster, 1, 0, 0, node}; }

using Faults = std::vector<std::pair<Fault, std::uint8_t>>;

// What goes wrong with one object.
const Faults kSmallFaults{
    {Fault::op_fails, 1}, {Fault::op_in_doubt, 1}, {Fault::op_hangs, 1},     {Fault::blind_look, 1}, {Fault::crash, 1},
    {Fault::pause, 1},    {Fault::guest_off, 1},   {Fault::guest_reboots, 1}, {Fault::guest_mute, 1}, {Fault::agent_restarts, 1},
    {Fault::pc_reboots, 1}};
// What goes wrong between PCs.
const Faults kGreatFaults{
    {Fault::pc_dies, 1}, {Fault::link_cut, 1}, {Fault::control_restarts, 1}, {Fault::late_report, 1}, {Fault::agent_restarts, 1}};

// The least that a node can be of.
control::Resources flavor_of(const Config& config) {
  return config.kubernetes ? control::Resources{2, 2048, 10} : control::Resources{1, 1024, 10};
}

Config config(const char* name, const char* about, std::vector<control::Resources> hosts, std::vector<Ask> asks, std::uint8_t max_asks,
              Faults faults, std::uint8_t max_faults, Pace pace) {
  Config made{name, about, std::move(hosts), std::move(asks), max_asks, max_faults, std::move(faults)};
  made.pace = pace;
  return made;
}

std::vector<Config> on_one_host() {
  std::vector<Config> all{
      config("one", "one cluster on one PC, whose image is not there yet, and all that may go wrong with it", {kOneVm},
             {create("a", 1, 0), of(Kind::remove, "a"), of(Kind::cancel, "a"), of(Kind::repair, "a")}, 2, kSmallFaults, 1, Pace::fine),
      config("again", "the same, made and deleted and made again", {kOneVm}, {create("a", 1, 0, 2), of(Kind::remove, "a", 2), of(Kind::repair, "a")},
             4, {}, 0, Pace::fine),
      config("twice", "two things go wrong with it", {kOneVm}, {create("a", 1, 0, 2), of(Kind::remove, "a"), of(Kind::repair, "a")}, 2,
             kSmallFaults, 2, Pace::brisk),
      config("beside", "two clusters on one PC", {kTwoVms},
             {create("a", 1, 0), of(Kind::remove, "a"), create("b", 1, 0), of(Kind::remove, "b")}, 3, {}, 0, Pace::fine),
      config("near", "two clusters on one PC, and what may go wrong with their objects", {kTwoVms},
             {create("a", 1, 0), of(Kind::remove, "a"), create("b", 1, 0)}, 2, kSmallFaults, 1, Pace::brisk),
      config("power", "a node is switched off, on and anew, by its user or its guest", {kOneVm},
             {create("a", 1, 0), on_node(Kind::stop, "a", "a-cp1"), on_node(Kind::start, "a", "a-cp1"), on_node(Kind::reboot, "a", "a-cp1"),
              of(Kind::remove, "a")}, 2, kSmallFaults, 1, Pace::fine),
  };
  all[0].image_there = false;
  return all;
}

std::vector<Config> on_more_hosts() {
  std::vector<Config> all{
      config("lost", "PCs go for ever, are given up and replaced", {kOneVm, kOneVm},
             {create("a", 1, 1), of(Kind::remove, "a"), of(Kind::repair, "a"), on_host(Kind::lose, 0), on_host(Kind::lose, 1),
              on_host(Kind::replace_host, 0), on_host(Kind::replace_host, 1)}, 3, kGreatFaults, 1, Pace::swift),
      config("moved", "a cluster grows and shrinks over two PCs that may lose each other", {kOneVm, kTwoVms},
             {create("a", 1, 0), scale("a", 1), scale("a", 0), of(Kind::remove, "a")}, 2, kGreatFaults, 1, Pace::swift),
      config("spare", "a worker's PC goes, and another takes its place", {kOneVm, kOneVm, kOneVm},
             {create("a", 1, 1), of(Kind::repair, "a"), of(Kind::repair_lost, "a"), on_host(Kind::lose, 1), of(Kind::remove, "a")}, 2,
             {{Fault::pc_dies, 1}, {Fault::link_cut, 1}}, 1, Pace::swift),
      config("drain", "a Kubernetes cluster gives up a worker and gets another", {kOneMember, kOneMember},
             {create("a", 1, 1), scale("a", 0), scale("a", 1), of(Kind::remove, "a")}, 3,
             {{Fault::pc_dies, 1}, {Fault::guest_mute, 1}, {Fault::control_restarts, 1}}, 1, Pace::swift),
  };
  all.back().kubernetes = true;
  all.push_back(config("tight", "a Kubernetes cluster has all addresses of its network, gives up a worker and gets another", {kFourMembers},
                       {create("a", 1, 3), scale("a", 2), scale("a", 3)}, 3, {}, 0, Pace::swift));
  all.back().kubernetes = true;
  all.back().network_prefix = 28;
  return all;
}

// About four fifths of what each walk had when it was measured last.
constexpr std::array<std::pair<std::string_view, std::size_t>, 11> kLeastStates{{
    {"one", 240'000}, {"again", 11'000}, {"twice", 650'000}, {"beside", 330'000}, {"near", 157'000}, {"power", 160'000},
    {"lost", 960'000}, {"moved", 81'000}, {"spare", 780'000}, {"drain", 795'000}, {"tight", 124'000},
}};

}  // namespace

std::vector<Config> configs() {
  auto all = on_one_host();
  for (Config& config : on_more_hosts()) all.push_back(std::move(config));
  for (Config& config : all) {
    for (const auto& [name, states] : kLeastStates) {
      if (name == config.name) config.least_states = states;
    }
    if (!config.kubernetes) continue;
    for (Ask& ask : config.asks) {
      if (ask.kind == Kind::create) ask.image = "kubernetes";
    }
  }
  return all;
}

Config deeper(Config config) {
  ++config.max_faults;
  ++config.max_asks;
  return config;
}

namespace {

// The order of what is waited for is that of the real settings; the steps are whole minutes.
control::Settings settings_of(const Config& config) {
  control::Settings settings;
  settings.silent_after_s = 60;
  settings.missing_after_s = 180;
  settings.node_deadline_s = 900;
  settings.drain_deadline_s = 600;
  settings.cluster_prefix_length = config.network_prefix;
  return settings;
}

// Of the one that runs.
std::string kind_of_operation(const control::Model& model, const std::string& cluster) {
  for (const auto& [id, operation] : model.operations) {
    if (operation.cluster_name == cluster) return std::string(control::to_string(operation.kind));
  }
  return "cluster-create";
}

}  // namespace

State first_state(const Config& config) {
  control::test::Campus campus;
  campus.site("a");
  State state;
  for (const auto& capacity : config.hosts) {
    const auto id = campus.host("h" + std::to_string(state.pc_count + 1), "a", capacity, control::HostClass::scavenged, false);
    Pc pc = new_pc(id);
    Machine machine;
    machine.image = config.image_there;
    pc.machine = make_machine(std::move(machine));
    begin_look(pc, false);
    end_look(pc);
    state.pcs[state.pc_count++] = make_pc(std::move(pc));
  }
  const auto flavor = flavor_of(config);
  campus.catalog(flavor);
  campus.model.settings = settings_of(config);
  state.control = make_control(campus.model, control::test::steady(campus.now));
  for (std::size_t i = 0; i < state.pc_count; ++i) {
    state.control = take_report(state.control, report_of(*state.pcs[i], campus.model.system, campus.now));
  }
  return state;
}

std::string in_words(const Ask& ask, const control::Model& model) {
  const std::string host = "h" + std::to_string(ask.pc + 1);
  switch (ask.kind) {
    case Kind::create:
      return "create " + ask.cluster + " control-planes " + std::to_string(ask.planes) + " workers " + std::to_string(ask.workers) +
             (ask.image.empty() ? "" : " image " + ask.image);
    case Kind::scale: return "scale " + ask.cluster + " " + std::to_string(ask.workers);
    case Kind::repair: return "repair " + ask.cluster;
    case Kind::repair_lost: return "repair " + ask.cluster + " lost";
    case Kind::remove: return "delete " + ask.cluster;
    case Kind::cancel: return "cancel " + kind_of_operation(model, ask.cluster);
    case Kind::stop: return "stop " + ask.cluster + " " + ask.node;
    case Kind::start: return "start " + ask.cluster + " " + ask.node;
    case Kind::reboot: return "reboot " + ask.cluster + " " + ask.node;
    case Kind::lose: return "lose " + host;
    case Kind::replace_host: return "replace-host " + host;
  }
  return {};
}

std::string setting_in_words(const Config& config) {
  const auto settings = settings_of(config);
  std::string text = "settings silent-after " + std::to_string(settings.silent_after_s) + "s missing-after " +
                     std::to_string(settings.missing_after_s) + "s node-deadline " + std::to_string(settings.node_deadline_s) +
                     "s drain-deadline " + std::to_string(settings.drain_deadline_s) + "s network-prefix " +
                     std::to_string(settings.cluster_prefix_length) + "\nsite a\n";
  for (std::size_t i = 0; i < config.hosts.size(); ++i) {
    const auto& host = config.hosts[i];
    text += "host h" + std::to_string(i + 1) + " site a vcpus " + std::to_string(host.vcpus) + " memory " + std::to_string(host.memory_mib) +
            " disk " + std::to_string(host.disk_gib) + "\n";
  }
  const auto flavor = flavor_of(config);
  return text + "flavor small " + std::to_string(flavor.vcpus) + " " + std::to_string(flavor.memory_mib) + " " +
         std::to_string(flavor.disk_gib) + "\n";
}

}  // namespace dure::explore
