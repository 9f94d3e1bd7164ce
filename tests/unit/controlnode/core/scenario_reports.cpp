// The words of a scenario for what hosts say.
#include <algorithm>
#include <utility>

#include "controlnode/core/deciding.h"
#include "controlnode/core/lifecycle.h"
#include "tests/unit/controlnode/core/scenario_world.h"

namespace dure::control::test {
namespace {

std::vector<GuestStage> stages_of(Words& words) {
  std::vector<GuestStage> stages;
  for (const std::string& name : words.list("stage")) {
    if (std::find(std::begin(kKnownStages), std::end(kKnownStages), name) == std::end(kKnownStages)) {
      unknown_word(name, "boot stage");
    }
    stages.push_back({name, 1000 * (stages.size() + 1)});
  }
  return stages;
}

// What is said of VMs beside their state. What is not said is as the order has it, or nothing.
struct VmWords {
  std::optional<std::int64_t> generation, boot, restart;
  std::uint32_t silent_s = 0;
  std::vector<GuestStage> stages;
  std::vector<std::string> departed;

  // The next word if it is one of these.
  bool take(Words& words) {
    if (words.take("stages")) {
      stages = stages_of(words);
    } else if (words.take("generation")) {
      generation = words.number("generation");
    } else if (words.take("restart")) {
      restart = words.number("number of a restart");
    } else if (words.take("boot")) {
      boot = words.number("number of a boot");
    } else if (words.take("silent")) {
      silent_s = static_cast<std::uint32_t>(words.seconds());
    } else if (words.take("departed")) {
      departed = words.list("node");
    } else {
      return false;
    }
    return true;
  }
  void tell(VmReport& vm) const {
    if (generation) vm.generation = static_cast<std::uint64_t>(*generation);
    if (restart) vm.restart = static_cast<std::uint64_t>(*restart);
    if (boot) vm.boot = Campus::boot_of(vm.id, static_cast<std::uint64_t>(*boot));
    vm.silent_s = silent_s;
    vm.stages = stages;
    vm.departed = departed;
  }
};

}  // namespace

const HostOrder* World::order_of(const HostReport& report) const {
  const auto orders = sent_.find(report.host);
  if (orders == sent_.end()) return nullptr;
  const auto order = orders->second.find(report.applied_generation);
  return order == orders->second.end() ? nullptr : &order->second;
}

VmReport World::vm_of(const HostReport& report, const std::string& name) const {
  const auto known = nodes_.find(name);
  if (known == nodes_.end()) throw Malformed("there never was a node '" + name + "'");
  VmReport vm;
  vm.id = known->second;
  vm.generation = 1;
  const HostOrder* order = order_of(report);
  if (order == nullptr) return vm;
  vm.order = order->order;
  for (const VmSpec& spec : order->vms) {
    if (spec.id == vm.id) vm.generation = spec.generation;
  }
  return vm;
}

// A node by its name, or a cluster's network by the cluster's.
ObjectRef World::object_of(const std::string& name) const {
  if (const auto node = nodes_.find(name); node != nodes_.end()) return {ObjectKind::vm, node->second.uuid};
  if (const auto network = networks_.find(name); network != networks_.end()) return {ObjectKind::network, network->second.id.uuid};
  throw Malformed("there never was a node or cluster '" + name + "'");
}

void World::read_vms(Words& words, HostReport& report) const {
  while (!words.empty()) {
    const std::string word = words.next("state of a VM");
    const auto state = vm_state(word);
    if (!state) unknown_word(word, "state of a VM");
    const std::vector<std::string> names = words.list("node");
    VmWords said;
    while (said.take(words)) continue;
    for (const std::string& name : names) {
      VmReport vm = vm_of(report, name);
      vm.state = *state;
      said.tell(vm);
      report.vms.push_back(std::move(vm));
    }
  }
}

// What is said of the host itself; the next word if it is one of these.
bool World::take_report_word(Words& words, HostReport& report, bool& networks_told) const {
  const auto generation = [&] { return static_cast<std::uint64_t>(words.number("generation")); };
  if (words.take("accepted")) {
    report.accepted_generation = report.applied_generation = generation();
  } else if (words.take("applied")) {
    report.applied_generation = generation();
  } else if (words.take("session")) {
    report.session = numbered<SessionId>(0x5e, static_cast<std::uint32_t>(words.number("number of a session")));
  } else if (words.take("unobserved")) {
    report.observed = false;
  } else if (words.take("in-flight")) {
    for (const std::string& name : words.list("node or cluster")) report.in_flight.push_back(object_of(name));
    std::sort(report.in_flight.begin(), report.in_flight.end());
  } else if (words.take("networks")) {
    networks_told = true;
    for (const std::string& name : words.list("cluster")) {
      const auto network = networks_.find(name);
      if (network == networks_.end()) throw Malformed("there never was a cluster '" + name + "'");
      report.networks.push_back(network->second);
    }
  } else {
    return false;
  }
  return true;
}

// What the order that it has applied has made: its images, and its networks unless the line says which are there.
void World::add_ordered(HostReport& report, bool with_networks) const {
  if (report.applied_generation == 0) return;
  const HostOrder* order = order_of(report);
  if (order == nullptr) throw Malformed("the host was sent no such order");
  for (const ImageSpec& image : order->images) report.images.push_back({image.id, true, 1, 1});
  if (!with_networks) return;
  for (const NetworkSpec& network : order->networks) report.networks.push_back({network.id, network.vni});
}

// What the host says is all that it has: a VM that is not named is not there.
void World::report(Words& words) {
  const HostId id = host(words.next("host"));
  HostReport report = campus.idle_report(id);
  if (const auto orders = sent_.find(id); orders != sent_.end()) {
    report.accepted_generation = report.applied_generation = orders->second.rbegin()->first;
  }
  bool networks_told = false;
  while (take_report_word(words, report, networks_told)) continue;
  read_vms(words, report);
  add_ordered(report, !networks_told);
  say(std::move(report));
}

// The host has done all of its newest order, and its guests have come this far.
void World::confirm(Words& words) {
  std::vector<HostId> hosts;
  for (const std::string& name : words.list("host")) hosts.push_back(host(name));
  std::optional<std::vector<GuestStage>> stages;
  if (words.take("stages")) stages = stages_of(words);
  std::vector<std::string> departed;
  if (words.take("departed")) departed = words.list("node");
  words.end();
  for (const HostId& id : hosts) {
    HostReport report = campus.report_of(id);
    for (VmReport& vm : report.vms) {
      if (stages) vm.stages = *stages;
      vm.departed = departed;
    }
    say(std::move(report));
  }
}

// The host says again what it said last, and what it has measured since of these sites.
void World::measure(Words& words) {
  const HostId id = host(words.next("host"));
  HostReport report = said_.contains(id) ? said_.at(id) : campus.idle_report(id);
  report.sequence = campus.idle_report(id).sequence;
  report.clock = campus.now;
  report.round_trips.clear();
  ++rounds_;
  while (!words.empty()) {
    const std::string name = words.next("site");
    SiteRoundTrip trip{{}, rounds_, 5, 0, 0, 0};
    for (const auto& [site, row] : campus.model.sites) {
      if (row.name == name) trip.site = site;
    }
    if (trip.site.is_nil()) throw Malformed("there is no site '" + name + "'");
    if (!words.take("none")) {
      trip.answered = trip.sent;
      trip.least_us = trip.median_us = static_cast<std::uint32_t>(words.milliseconds() * 1000);
    }
    report.round_trips.push_back(trip);
  }
  say(std::move(report));
}

}  // namespace dure::control::test
