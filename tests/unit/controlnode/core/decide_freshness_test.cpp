// What is shown of a node is of now: the guest's boot and last word, and what its cluster calls it.
#include <doctest/doctest.h>

#include <algorithm>

#include "controlnode/core/bootstrap_plan.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

// A Kubernetes cluster of two nodes, each on a host of its own, that is ready.
struct Demo : Campus {
  Demo() {
    site("east");
    one = host("pc-1", "east", kCapacity, HostClass::anchor);
    two = host("pc-2", "east");
    catalog({2, 2048, 10});
    auto request = create_request("demo", 1, 1);
    request.image = "kubernetes";
    REQUIRE(accepted(ask(request)));
    if (node("demo-cp1")->host != one) std::swap(one, two);
    REQUIRE(node("demo-w1")->host == two);
    report_all();
    report_all();
    REQUIRE(cluster("demo")->state == ClusterState::ready);
  }
  // What a host says when something is other than it should be with its only VM.
  template <class Change>
  void tell_of(const HostId& host, const Change& change) {
    HostReport report = report_of(host);
    REQUIRE(report.vms.size() == 1);
    change(report.vms[0]);
    tell(report);
  }
  const Node& worker() const { return *node("demo-w1"); }

  HostId one, two;
};

}  // namespace

TEST_CASE("freshness: a new boot begins anew, and is ready when the guest says so") {
  Demo demo;
  const Uuid next = Campus::boot_of(demo.worker().id, 7);
  demo.tell_of(demo.two, [&](VmReport& vm) {
    vm.boot = next;
    vm.stages = {{"booted", 900}};
  });
  CHECK(demo.worker().state == NodeState::booting);
  CHECK(demo.worker().stages.size() == 1);
  CHECK(demo.worker().deadline == steady(demo.now) + Duration{900'000'000});
  CHECK(demo.cluster("demo")->state == ClusterState::degraded);
  demo.tell_of(demo.two, [&](VmReport& vm) { vm.boot = next; });
  CHECK(demo.worker().state == NodeState::ready);
  CHECK(demo.cluster("demo")->state == ClusterState::ready);
}

TEST_CASE("freshness: a guest that hangs in a new boot fails at its deadline, and no operation waits for it") {
  Demo demo;
  for (int second = 0; second <= 900; second += 10) {
    demo.now = seconds_in(second);
    demo.report(demo.one);
    demo.tell_of(demo.two, [&](VmReport& vm) {
      vm.boot = Campus::boot_of(demo.worker().id, 7);
      vm.stages = {{"booted", 900}};
    });
    demo.tick();
  }
  CHECK(demo.worker().state == NodeState::failed);
  CHECK(demo.worker().reason.find("'network' is missing") != std::string::npos);
  CHECK_FALSE(demo.cluster("demo")->operation);
}

TEST_CASE("freshness: a guest that hangs in its first boot is told with the way out, long before its deadline; its first word is the end of that") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.catalog();
  REQUIRE(accepted(campus.create("demo", 1, 0)));
  const auto mute = [&](std::uint32_t seconds) {
    HostReport report = campus.report_of(host);
    REQUIRE(report.vms.size() == 1);
    report.vms[0].boot = {};
    report.vms[0].stages.clear();
    report.vms[0].silent_s = seconds;
    campus.now = seconds_in(seconds);
    campus.tell(report);
    return campus.node("demo-cp1");
  };
  CHECK(mute(59)->state == NodeState::booting);
  CHECK(campus.node("demo-cp1")->reason.empty());
  const std::string told = "its guest has said nothing since " + to_rfc3339(seconds_in(0)) +
                           ": 'dure node reboot demo-cp1' begins its boot anew";
  CHECK(mute(60)->reason == told);
  mute(90);
  CHECK(campus.node("demo-cp1")->reason == told);
  CHECK(campus.last.changes.empty());
  REQUIRE(accepted(campus.ask(PowerNode{"demo", "demo-cp1", PowerAction::reboot})));
  CHECK(campus.node("demo-cp1")->restart == 1);
  CHECK(campus.cluster("demo")->operation);
  HostReport slow = campus.report_of(host);
  slow.vms[0].stages = {{"booted", 900}};
  campus.tell(slow);
  CHECK(campus.node("demo-cp1")->state == NodeState::booting);
  CHECK(campus.node("demo-cp1")->reason.empty());
  campus.report(host);
  CHECK(campus.node("demo-cp1")->state == NodeState::ready);
}

TEST_CASE("freshness: a guest that says nothing is unknown since then, and its next word brings it back") {
  Demo demo;
  demo.now = seconds_in(10);
  demo.report_all();
  demo.now = seconds_in(69);
  demo.tell_of(demo.two, [](VmReport& vm) { vm.silent_s = 30; });
  CHECK(demo.worker().state == NodeState::ready);
  demo.now = seconds_in(70);
  demo.tell_of(demo.two, [](VmReport& vm) { vm.silent_s = 60; });
  CHECK(demo.worker().state == NodeState::unknown);
  CHECK(demo.worker().reason == "its guest has been silent since " + to_rfc3339(seconds_in(10)));
  CHECK(demo.cluster("demo")->state == ClusterState::degraded);
  CHECK(demo.worker().since == seconds_in(70));
  CHECK(demo.cluster("demo")->since == seconds_in(70));
  // How long is told by the date: what the agent counts on changes nothing.
  demo.now = seconds_in(99);
  demo.tell_of(demo.two, [](VmReport& vm) { vm.silent_s = 90; });
  CHECK(demo.last.changes.empty());
  CHECK(demo.worker().since == seconds_in(70));
  demo.report(demo.two);
  CHECK(demo.worker().state == NodeState::ready);
  CHECK(demo.worker().reason.empty());
  CHECK(demo.worker().since == seconds_in(99));
  CHECK(demo.cluster("demo")->since == seconds_in(99));
}

TEST_CASE("freshness: an agent that has just begun to listen says nothing against a ready node, nor for an unknown one") {
  Demo demo;
  const auto unheard = [](VmReport& vm) {
    vm.boot = {};
    vm.stages.clear();
  };
  demo.tell_of(demo.two, unheard);
  CHECK(demo.worker().state == NodeState::ready);
  demo.now = seconds_in(20);
  demo.report(demo.one);
  demo.tick();
  REQUIRE(demo.worker().state == NodeState::unknown);
  demo.tell_of(demo.two, unheard);
  CHECK(demo.worker().state == NodeState::unknown);
  CHECK(demo.worker().reason == "its guest has not spoken yet since pc-2 is back");
  demo.report(demo.two);
  CHECK(demo.worker().state == NodeState::ready);
}

TEST_CASE("freshness: a stage that a booted guest withdraws is told, with its reason") {
  Demo demo;
  demo.tell_of(demo.two, [](VmReport& vm) {
    std::erase_if(vm.stages, [](const GuestStage& stage) { return stage.name == "network"; });
    vm.guest_error = "its gateway does not answer";
  });
  CHECK(demo.worker().state == NodeState::unknown);
  CHECK(demo.worker().reason == "its guest says that 'network' is not there any more: its gateway does not answer");
  demo.report(demo.two);
  CHECK(demo.worker().state == NodeState::ready);
}

TEST_CASE("freshness: a guest that says 'ready' no more is unknown until it does again, and no new deadline runs") {
  Demo demo;
  const auto withdraw = [&] {
    demo.tell_of(demo.two, [](VmReport& vm) {
      std::erase_if(vm.stages, [](const GuestStage& stage) { return stage.name == "ready"; });
      vm.guest_error = "its kubelet does not answer";
    });
  };
  for (int i = 0; i < 2; ++i) {
    withdraw();
    CHECK(demo.worker().state == NodeState::unknown);
    CHECK(demo.worker().reason == "its guest says that 'ready' is not there any more: its kubelet does not answer");
    CHECK_FALSE(demo.worker().deadline);
  }
  demo.report(demo.two);
  CHECK(demo.worker().state == NodeState::ready);
}

TEST_CASE("freshness: whom the cluster calls NotReady is not ready here, until it says otherwise; who has not asked says nothing") {
  Demo demo;
  const auto say = [&](bool judges, std::vector<std::string> not_ready) {
    demo.tell_of(demo.one, [&](VmReport& vm) {
      vm.judges = judges;
      vm.not_ready = std::move(not_ready);
    });
    demo.report(demo.two);
  };
  say(false, {"demo-w1"});
  CHECK(demo.worker().state == NodeState::ready);
  say(true, {"demo-w1", "somebody-elses"});
  CHECK(demo.worker().state == NodeState::unknown);
  CHECK(demo.worker().reason == "its cluster calls it NotReady");
  CHECK(demo.node("demo-cp1")->state == NodeState::ready);
  say(false, {});
  CHECK(demo.worker().state == NodeState::unknown);
  say(true, {});
  CHECK(demo.worker().state == NodeState::ready);
  // A worker is no judge.
  demo.tell_of(demo.two, [](VmReport& vm) {
    vm.judges = true;
    vm.not_ready = {"demo-cp1"};
  });
  demo.report(demo.one);
  CHECK(demo.node("demo-cp1")->state == NodeState::ready);
}

TEST_CASE("freshness: repair switches off and on what runs and is stuck, and waits for the boot after that") {
  Demo demo;
  demo.tell_of(demo.two, [](VmReport& vm) { vm.silent_s = 60; });
  const Reply reply = demo.ask(RepairCluster{"demo", false, false, {}});
  REQUIRE(accepted(reply));
  CHECK(demo.worker().state == NodeState::creating);
  CHECK(demo.worker().generation == 1);
  CHECK(demo.orders.at(demo.two).vms[0].restart == 1);
  // The word of before is none of now.
  demo.tell_of(demo.two, [&](VmReport& vm) {
    vm.restart = 0;
    vm.boot = Campus::boot_of(demo.worker().id);
  });
  CHECK(demo.worker().state == NodeState::creating);
  CHECK(demo.operation(reply).state == OperationState::running);
  demo.report(demo.two);
  CHECK(demo.worker().state == NodeState::ready);
  CHECK(demo.operation(reply).state == OperationState::succeeded);
}

TEST_CASE("freshness: repair asks anew for what is off, so that its host starts it without a pause, and lets be what is paused") {
  Demo demo;
  for (const auto state : {VmState::stopped, VmState::crashed, VmState::paused}) {
    CAPTURE(to_string(state));
    const auto before = demo.worker().restart;
    demo.tell_of(demo.two, [&](VmReport& vm) { vm.state = state; });
    REQUIRE(demo.worker().state == NodeState::failed);
    REQUIRE(accepted(demo.ask(RepairCluster{"demo", false, false, {}})));
    CHECK(demo.worker().generation == 1);
    CHECK(demo.orders.at(demo.two).vms[0].restart == before + (state == VmState::paused ? 0 : 1));
    demo.report(demo.two);
    REQUIRE(demo.worker().state == NodeState::ready);
  }
}

TEST_CASE("freshness: repair makes anew what has never been of use, and nothing else") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.catalog();
  REQUIRE(accepted(campus.create("demo", 1, 0)));
  const auto late = [&] {
    campus.now = campus.now + Duration{900'000'000};
    campus.report(host, 2);
    campus.tick();
    REQUIRE(campus.node("demo-cp1")->state == NodeState::failed);
  };
  campus.report(host, 2);
  late();
  REQUIRE(accepted(campus.ask(RepairCluster{"demo", false, false, {}})));
  CHECK(campus.node("demo-cp1")->generation == 2);
  CHECK(campus.orders.at(host).vms[0].generation == 2);
  campus.report(host);
  REQUIRE(campus.node("demo-cp1")->state == NodeState::ready);
  const auto repeat = [&](HostReport& said) {
    said.sequence = campus.report_of(host).sequence;
    said.clock = campus.now;
    campus.tell(said);
  };
  // It has been ready: its disk is somebody's. It hangs in its next boot.
  HostReport report = campus.report_of(host, 2);
  report.vms[0].boot = Campus::boot_of(report.vms[0].id, 9);
  campus.tell(report);
  REQUIRE(campus.node("demo-cp1")->state == NodeState::booting);
  campus.now = campus.now + Duration{900'000'000};
  repeat(report);
  campus.tick();
  REQUIRE(campus.node("demo-cp1")->state == NodeState::failed);
  for (int again = 1; again <= 2; ++again) {
    REQUIRE(accepted(campus.ask(RepairCluster{"demo", false, false, {}})));
    CHECK(campus.node("demo-cp1")->generation == 2);
    CHECK(campus.node("demo-cp1")->restart == static_cast<std::uint64_t>(again));
    report = campus.report_of(host, 1);
    report.vms[0].boot = Campus::boot_of(report.vms[0].id, 20 + static_cast<std::uint64_t>(again));
    campus.tell(report);
    campus.now = campus.now + Duration{900'000'000};
    repeat(report);
    campus.tick();
    REQUIRE(campus.node("demo-cp1")->state == NodeState::failed);
  }
}

TEST_CASE("freshness: a credential works when a control-plane member has let exactly these users in") {
  Demo demo;
  REQUIRE(accepted(demo.ask(GiveAccess{"demo", 3600})));
  const auto active = [&] { return demo.cluster("demo")->access_done >= demo.model.accesses.begin()->second.revision; };
  CHECK_FALSE(active());
  demo.tell_of(demo.one, [](VmReport& vm) { vm.access = 1; });
  CHECK_FALSE(active());
  const auto now = access_fingerprint(admins_of(demo.model, demo.cluster("demo")->id));
  demo.tell_of(demo.two, [&](VmReport& vm) { vm.access = now; });
  CHECK_FALSE(active());
  demo.tell_of(demo.one, [&](VmReport& vm) { vm.access = now; });
  CHECK(active());
  REQUIRE(accepted(demo.ask(GiveAccess{"demo", 3600})));
  demo.tell_of(demo.one, [&](VmReport& vm) { vm.access = now; });
  CHECK(demo.cluster("demo")->access_done < demo.cluster("demo")->access_revision);
}

TEST_CASE("freshness: a host tells what is wrong with it, since when, and is given nothing; an event comes and goes with it") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.catalog();
  const auto told = [&](const std::string& kind) {
    return std::count_if(campus.last.changes.begin(), campus.last.changes.end(), [&](const Change& change) {
      const auto* event = std::get_if<EventRow>(&change);
      return event != nullptr && event->kind == kind;
    });
  };
  HostReport report = campus.report_of(host);
  report.conditions = {{ConditionCode::hypervisor_away, "libvirtd does not answer"}};
  campus.tell(report);
  CHECK(told("host.unwell") == 1);
  campus.now = seconds_in(5);
  report.sequence += 10;
  report.clock = campus.now;
  report.conditions[0].message = "libvirtd does not answer for 10 s";
  campus.tell(report);
  CHECK(told("host.unwell") == 0);
  const auto& seen = campus.model.observations.at(host).conditions;
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].since == kStart);
  const Reply reply = campus.create("demo", 1, 0);
  REQUIRE_FALSE(accepted(reply));
  CHECK(refused(reply).error.message.find("libvirtd does not answer for 10 s") != std::string::npos);
  report = campus.report_of(host);
  report.sequence += 100;
  campus.tell(report);
  CHECK(told("host.well") == 1);
  CHECK(accepted(campus.create("demo", 1, 0)));
}

TEST_CASE("freshness: what a host has less than was typed is told and not given away; its clock is told as well") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east", {4, 8192, 100});
  campus.catalog({1, 4096, 10});
  HostReport report = campus.report_of(host);
  report.capacity.vcpus = 4;
  report.capacity.memory_mib = 7900;  // what is printed on a PC is a little more than it says itself
  report.capacity.disk_gib = 100;
  campus.tell(report);
  CHECK(campus.model.observations.at(host).conditions.empty());
  report.sequence += 10;
  report.capacity.memory_mib = 4096;
  report.clock = campus.now + std::chrono::hours(2);
  campus.tell(report);
  const auto& seen = campus.model.observations.at(host).conditions;
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].condition.message == "has less than was told of it: 4096 of 8192 MiB of memory");
  CHECK(seen[1].condition.message == "its clock is 2 h 0 min ahead of the control node's");
  CHECK_FALSE(accepted(campus.create("demo", 1, 1)));
  CHECK(accepted(campus.create("demo", 1, 0)));
}

TEST_CASE("freshness: a host that does not accept its order is given nothing, and its nodes say why they wait") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.catalog();
  REQUIRE(accepted(campus.create("demo", 1, 0)));
  HostReport report = campus.idle_report(host);
  report.refused = RefusedOrder{{}, 1, "no space left on device"};
  campus.tell(report);
  CHECK(campus.node("demo-cp1")->reason == "its host does not accept its order: no space left on device");
  const Reply reply = campus.create("other", 1, 0);
  CHECK(refused(reply).error.message.find("does not accept its order") != std::string::npos);
  campus.report(host);
  CHECK(campus.node("demo-cp1")->state == NodeState::ready);
  CHECK(accepted(campus.create("other", 1, 0)));
}

TEST_CASE("freshness: what a host that cannot look at its VMs has is unknown since it could, and ready again when it can") {
  Demo demo;
  const auto sightless = [&](int seconds) {
    HostReport report = demo.idle_report(demo.two);
    report.accepted_generation = report.applied_generation = demo.orders.at(demo.two).generation;
    report.observed = false;
    demo.now = seconds_in(seconds);
    demo.report(demo.one);
    demo.tell(report);
    return demo.worker().state;
  };
  demo.now = seconds_in(10);
  demo.report_all();
  CHECK(sightless(12) == NodeState::ready);
  CHECK(sightless(24) == NodeState::ready);
  CHECK(sightless(25) == NodeState::unknown);
  CHECK(demo.worker().reason == "pc-2 has not been able to look at its VMs since " + to_rfc3339(seconds_in(10)));
  CHECK(demo.node("demo-cp1")->state == NodeState::ready);
  CHECK(demo.cluster("demo")->state == ClusterState::degraded);
  CHECK(sightless(60) == NodeState::unknown);
  demo.report(demo.two);
  CHECK(demo.worker().state == NodeState::ready);
}

TEST_CASE("freshness: an emulated guest has as much more time for its first word as for its boot") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.catalog();
  const auto says = [&](int seconds) {
    HostReport report = campus.report_of(host, 0);
    report.capacity.hardware_virtualisation = false;
    for (VmReport& vm : report.vms) vm.silent_s = static_cast<std::uint32_t>(seconds);
    campus.now = seconds_in(seconds);
    campus.tell(report);
    return campus.node("demo-cp1") == nullptr ? std::string() : campus.node("demo-cp1")->reason;
  };
  says(0);
  REQUIRE(accepted(campus.create("demo", 1, 0)));
  CHECK(says(100).empty());
  CHECK(says(359).empty());
  CHECK(says(360).find("'dure node reboot demo-cp1'") != std::string::npos);
}

TEST_CASE("freshness: who is started a second time while he starts is not started once more, nor said to have switched himself off") {
  Demo demo;
  REQUIRE(accepted(demo.ask(PowerNode{"demo", "demo-w1", PowerAction::stop})));
  demo.tell_of(demo.two, [](VmReport& vm) { vm.state = VmState::shut_down; });
  REQUIRE(demo.worker().state == NodeState::stopped);
  REQUIRE(accepted(demo.ask(PowerNode{"demo", "demo-w1", PowerAction::start})));
  const auto restart = demo.worker().restart;
  REQUIRE(accepted(demo.ask(PowerNode{"demo", "demo-w1", PowerAction::start})));
  CHECK(demo.worker().restart == restart);
  demo.tell_of(demo.two, [&](VmReport& vm) {
    vm.state = VmState::shut_down;
    vm.restart = restart - 1;
    vm.stages.clear();
  });
  CHECK(demo.worker().state == NodeState::creating);
  CHECK(demo.worker().reason.empty());
  demo.report(demo.two);
  CHECK(demo.worker().state == NodeState::ready);
}

TEST_CASE("freshness: a guest that is shut down to be rebooted has not switched itself off") {
  Demo demo;
  REQUIRE(accepted(demo.ask(PowerNode{"demo", "demo-w1", PowerAction::reboot})));
  demo.tell_of(demo.two, [](VmReport& vm) {
    vm.state = VmState::shut_down;
    vm.restart = 0;
    vm.stages.clear();
  });
  CHECK(demo.worker().state == NodeState::booting);
  demo.report(demo.two);
  CHECK(demo.worker().state == NodeState::ready);
}
