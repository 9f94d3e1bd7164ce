#include "tests/sim/faults.h"

#include <array>
#include <functional>
#include <string>
#include <utility>

namespace dure::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kMostDead = 2;  // of the PCs of one campus, for ever
constexpr std::array kCalls{"fetch", "list",          "volumes",        "start",         "stop", "remove",
                            "seed",  "apply-network", "remove-network", "apply-firewall"};
// Those that need not work for anything to be told.
constexpr std::array kActions{"start", "seed", "apply-network", "fetch"};

}  // namespace

const std::vector<Faults::Kind>& Faults::kinds() {
  static const std::vector<Kind> all{
      {&Faults::weather, 60, true},          {&Faults::cut_one_way, 8, true},     {&Faults::cut_site, 5, true},
      {&Faults::commit_fails, 15, true},     {&Faults::database_away, 5, true},   {&Faults::kill_control, 8, true},
      {&Faults::reboot_control, 4, true},    {&Faults::set_control_date, 6, false}, {&Faults::set_host_date, 6, false},
      {&Faults::kill_agent, 15, true},       {&Faults::switch_off, 8, true},      {&Faults::die, 3, true},
      {&Faults::hang, 8, true},              {&Faults::call_fails, 25, false},    {&Faults::call_always_fails, 8, false},
      {&Faults::disk_fills, 6, false},       {&Faults::crash_vm, 10, false},      {&Faults::pause_vm, 8, false},
      {&Faults::lie, 5, true},               {&Faults::reboot_guest, 8, false},   {&Faults::mute_guest, 6, false},
      {&Faults::guest_powers_off, 5, false}, {&Faults::kubelet_dies, 6, false}};
  return all;
}

Faults::Faults(Campus& campus) : campus_(campus) {
  auto& world = campus.world();
  const auto share = static_cast<unsigned>(world.between(Duration{15}, Duration{70}).count());
  for (const auto& kind : kinds()) {
    if (world.chance(share)) chosen_.push_back(kind);
  }
}

void Faults::step() {
  for (const auto& kind : chosen_) {
    if (!campus_.world().chance(kind.percent)) continue;
    (this->*kind.how)();
    if (kind.delays_words) campus_.watch().trouble();
  }
}

SimHost* Faults::some_host() {
  auto& hosts = campus_.hosts();
  auto& host = *hosts[campus_.world().below(hosts.size())];
  return host.dead() ? nullptr : &host;
}

NodeId Faults::some_vm(SimHost& host) {
  const auto vms = host.hypervisor().domains();
  return vms.empty() ? NodeId{} : vms[campus_.world().below(vms.size())].id;
}

// Mended after a while, unless all is mended before.
void Faults::later(Duration at_most, std::function<void()> what) {
  auto& world = campus_.world();
  world.after(world.between(seconds(5), at_most), [this, round = round_, what = std::move(what)] {
    if (round == round_) what();
  });
}

void Faults::weather() {
  auto& world = campus_.world();
  auto& weather = campus_.network().weather;
  weather.loss_percent = static_cast<unsigned>(world.chance(30) ? world.below(60) : 0);
  weather.duplicate_percent = static_cast<unsigned>(world.chance(30) ? world.below(40) : 0);
  weather.flip_percent = static_cast<unsigned>(world.chance(20) ? world.below(20) : 0);
  weather.slowest = world.chance(20) ? Duration(seconds(20)) : Duration(std::chrono::milliseconds(50));
}

void Faults::cut_one_way() {
  auto* host = some_host();
  if (host == nullptr) return;
  const bool to_host = campus_.world().chance(60);
  campus_.network().cut(host->id(), {to_host, !to_host || campus_.world().chance(30)});
  later(minutes(5), [this, host] {
    campus_.network().cut(host->id(), {});
    campus_.watch().trouble();
  });
}

void Faults::cut_site() {
  const auto site = campus_.world().below(2);
  const auto cut = [this, site](Cut how) {
    for (std::size_t i = site; i < campus_.hosts().size(); i += 2) campus_.network().cut(campus_.hosts()[i]->id(), how);
    campus_.watch().trouble();
  };
  cut({true, true});
  later(minutes(5), [cut] { cut({}); });
}

void Faults::commit_fails() {
  using Fault = control::FakeStore::Fault;
  constexpr std::array how{Fault::unavailable, Fault::in_doubt_applied, Fault::in_doubt_not_applied};
  campus_.control().store().fail_next_commit(how[campus_.world().below(how.size())]);
}

void Faults::database_away() {
  campus_.control().store().set_down(true);
  later(minutes(3), [this] {
    campus_.control().store().set_down(false);
    campus_.watch().trouble();
  });
}

void Faults::kill_control() {
  auto& control = campus_.control();
  if (!control.runs()) return;
  control.kill();
  later(minutes(2), [this] {
    if (!campus_.control().runs()) campus_.control().start();
    campus_.watch().trouble();
  });
}

void Faults::reboot_control() { campus_.control().reboot(); }

// For minutes only: a date that stays for longer is believed, as it must be.
void Faults::set_control_date() {
  auto& clocks = campus_.control().clocks();
  if (clocks.ahead() != Duration{}) return;
  clocks.set_ahead(campus_.world().chance(50) ? Duration(hours(40 * 24)) : Duration(-hours(9)));
  later(minutes(4), [this] { campus_.control().clocks().set_ahead({}); });
}

void Faults::set_host_date() {
  auto* host = some_host();
  if (host == nullptr || host->clocks().ahead() != Duration{}) return;
  host->clocks().set_ahead(campus_.world().chance(50) ? Duration(hours(1000)) : Duration(-hours(9)));
  later(minutes(4), [host] { host->clocks().set_ahead({}); });
}

void Faults::kill_agent() {
  auto* host = some_host();
  if (host == nullptr || !host->agent_runs()) return;
  host->kill_agent();
  later(minutes(1), [this, host] {
    if (!host->dead() && !host->agent_runs()) host->start_agent();
    campus_.watch().trouble();
  });
}

void Faults::switch_off() {
  if (auto* host = some_host()) host->power_cycle();
}

void Faults::die() {
  auto* host = some_host();
  if (host == nullptr || dead_ >= kMostDead) return;
  ++dead_;
  host->die();
}

void Faults::hang() {
  auto* host = some_host();
  if (host == nullptr) return;
  const auto lane = static_cast<SimHost::LaneName>(campus_.world().below(SimHost::kLanes));
  host->hang(lane, true);
  later(minutes(4), [this, host, lane] {
    host->hang(lane, false);
    campus_.watch().trouble();
  });
}

void Faults::call_fails() {
  auto* host = some_host();
  if (host != nullptr) host->fail_next(kCalls[campus_.world().below(kCalls.size())], campus_.world().chance(50) ? 1 : 2);
}

void Faults::call_always_fails() {
  auto* host = some_host();
  if (host == nullptr) return;
  const std::string call = kActions[campus_.world().below(kActions.size())];
  host->fail_always(call, true);
  later(minutes(10), [host, call] { host->fail_always(call, false); });
}

void Faults::disk_fills() {
  auto* host = some_host();
  if (host == nullptr) return;
  host->fill_disk(true);
  later(minutes(4), [host] { host->fill_disk(false); });
}

void Faults::crash_vm() {
  if (auto* host = some_host()) host->hypervisor().crash(some_vm(*host));
}

void Faults::pause_vm() {
  if (auto* host = some_host()) host->hypervisor().set_state(some_vm(*host), VmState::paused);
}

void Faults::lie() {
  auto* host = some_host();
  if (host == nullptr) return;
  host->lie(true);
  later(minutes(2), [host] { host->lie(false); });
}

void Faults::reboot_guest() {
  if (auto* host = some_host()) host->guests().reboot(some_vm(*host));
}

void Faults::mute_guest() {
  auto* host = some_host();
  if (host == nullptr) return;
  const auto vm = some_vm(*host);
  host->guests().fall_silent(vm, true);
  later(minutes(4), [host, vm] { host->guests().fall_silent(vm, false); });
}

void Faults::guest_powers_off() {
  auto* host = some_host();
  if (host == nullptr) return;
  const auto vm = host->hypervisor().find(some_vm(*host));
  if (vm && vm->seen.state == VmState::running) host->hypervisor().set_state(vm->seen.id, VmState::shut_down);
}

void Faults::kubelet_dies() {
  auto* host = some_host();
  if (host == nullptr) return;
  const auto vm = some_vm(*host);
  host->guests().kill_kubelet(vm, true);
  later(minutes(4), [host, vm] { host->guests().kill_kubelet(vm, false); });
}

void Faults::end() {
  ++round_;
  auto& control = campus_.control();
  campus_.network().weather = {};
  control.store().fail_next_commit(control::FakeStore::Fault::none);
  control.store().set_down(false);
  control.clocks().set_ahead({});
  if (!control.runs()) control.start();
  for (auto& host : campus_.hosts()) {
    campus_.network().cut(host->id(), {});
    if (host->dead()) continue;
    host->work_again();
    host->fill_disk(false);
    host->lie(false);
    host->clocks().set_ahead({});
    host->guests().wake_all();
    if (!host->agent_runs()) host->start_agent();
  }
  campus_.watch().trouble();
}

}  // namespace dure::sim
