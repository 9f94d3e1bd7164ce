// What one host, one guest or one user can do to the others: nothing that lasts.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "controlnode/core/removals.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct Lab : Campus {
  Lab() {
    site("east");
    one = host("pc-1", "east", kCapacity, HostClass::anchor);
    two = host("pc-2", "east");
    catalog();
  }
  // A Kubernetes cluster of two nodes, each on a host of its own, that is ready.
  void kubernetes() {
    model.flavors.begin()->second = {model.flavors.begin()->first, "small", 2, 2048, 10};
    auto request = create_request("demo", 1, 1);
    request.image = "kubernetes";
    REQUIRE(accepted(ask(request)));
    if (node("demo-cp1")->host != one) std::swap(one, two);
    REQUIRE(node("demo-w1")->host == two);
    report_all();
    report_all();
    REQUIRE(cluster("demo")->state == ClusterState::ready);
  }
  template <class Change>
  void tell_of(const HostId& host, const Change& change) {
    HostReport report = report_of(host);
    REQUIRE(report.vms.size() == 1);
    change(report.vms[0]);
    tell(report);
  }
  std::size_t events_in(const Decision& decision) const {
    return static_cast<std::size_t>(std::count_if(decision.changes.begin(), decision.changes.end(), [](const Change& change) {
      return std::holds_alternative<EventRow>(change);
    }));
  }
  Errc code(const Reply& reply) const {
    REQUIRE_FALSE(accepted(reply));
    return refused(reply).error.code;
  }
  HostId one, two;
};

bool has_condition(const HostObservation& seen, ConditionCode code) {
  return std::any_of(seen.conditions.begin(), seen.conditions.end(),
                     [&](const SeenCondition& each) { return each.condition.code == code; });
}

}  // namespace

TEST_CASE("hostile: a guest that boots again and again, or seems to switch itself off, makes no creation longer") {
  for (const bool shuts_down : {false, true}) {
    CAPTURE(shuts_down);
    Lab lab;
    const Reply reply = lab.create("demo", 1, 0);
    REQUIRE(accepted(reply));
    const HostId host = lab.node("demo-cp1")->host;
    for (int second = 0; second <= 900; second += 30) {
      lab.now = seconds_in(second);
      lab.tell_of(host, [&](VmReport& vm) {
        vm.boot = Campus::boot_of(vm.id, static_cast<std::uint64_t>(second / 30));
        vm.stages = {{"booted", 900}};
        if (shuts_down && second % 60 == 0) vm.state = VmState::shut_down;
      });
      lab.tick();
    }
    CHECK(lab.operation(reply).state != OperationState::running);
    CHECK_FALSE(lab.cluster("demo")->operation);
    CHECK(lab.node("demo-cp1")->state != NodeState::booting);
  }
}

TEST_CASE("hostile: a host that is silent now and then makes no creation longer") {
  Lab lab;
  const Reply reply = lab.create("demo", 1, 0);
  REQUIRE(accepted(reply));
  const HostId host = lab.node("demo-cp1")->host;
  for (int second = 0; second <= 900; second += 20) {
    lab.now = seconds_in(second);
    lab.tick();
    lab.tell_of(host, [&](VmReport& vm) {
      vm.stages.clear();
      vm.boot = {};
      if (second % 40 == 0) vm.state = VmState::shut_down;
    });
  }
  lab.tick();
  CHECK(lab.operation(reply).state != OperationState::running);
}

TEST_CASE("hostile: a user's own reboot gives the node its whole time again") {
  Lab lab;
  REQUIRE(accepted(lab.create("demo", 1, 0)));
  lab.now = seconds_in(600);
  lab.report(lab.node("demo-cp1")->host, 0);
  REQUIRE(accepted(lab.ask(PowerNode{"demo", "demo-cp1", PowerAction::reboot})));
  CHECK(lab.node("demo-cp1")->deadline == steady(seconds_in(1500)));
}

TEST_CASE("hostile: nodes that are replaced one after the other do not fill the campus beside their quota") {
  Lab lab;
  REQUIRE(accepted(lab.ask(UpdateProject{"default", false, {{"nodes", 3}}})));
  REQUIRE(accepted(lab.create("demo", 1, 2)));
  lab.report_all();
  REQUIRE(accepted(lab.ask(ReplaceNode{"demo", "demo-w1", false, {}})));
  REQUIRE(accepted(lab.ask(ReplaceNode{"demo", "demo-w2", false, {}})));
  REQUIRE(accepted(lab.ask(ReplaceNode{"demo", "demo-w3", false, {}})));
  CHECK(lab.code(lab.ask(ReplaceNode{"demo", "demo-w4", false, {}})) == Errc::conflict);
  CHECK(lab.model.claims.size() == 6);
  // They are gone when their hosts say so.
  lab.report_all();
  CHECK(accepted(lab.ask(ReplaceNode{"demo", "demo-w4", false, {}})));
}

TEST_CASE("hostile: a host that changes its word with every report leads to no more events than a few, and says how many are missing") {
  Lab lab;
  for (int i = 0; i < 6; ++i) REQUIRE(accepted(lab.create("c" + std::to_string(i), 1, 0)));
  lab.report_all();
  std::size_t events = 0;
  for (int i = 0; i < 2000; ++i) {
    HostReport report = lab.report_of(lab.one);
    if (i % 2 == 1) {
      for (VmReport& vm : report.vms) vm.state = VmState::crashed;
      report.conditions = {{ConditionCode::no_space, "full"}};
    }
    events += lab.events_in(lab.tell(report));
  }
  CHECK(events <= Heard::kEvents + 1);
  CHECK(events > Heard::kEvents / 2);
  // What others cause is told.
  CHECK(lab.events_in(lab.decide_all({RequestEvent{1, CordonHost{"pc-1", true}}})) == 1);
  lab.now = seconds_in(10);
  HostReport report = lab.report_of(lab.one);
  report.conditions = {{ConditionCode::no_space, "full"}};
  const Decision later = lab.tell(report);
  CHECK(std::any_of(later.changes.begin(), later.changes.end(), [](const Change& change) {
    const auto* event = std::get_if<EventRow>(&change);
    return event != nullptr && event->kind == "host.untold";
  }));
}

TEST_CASE("hostile: a control plane that hangs, or is being begun anew, judges nobody") {
  Lab lab;
  lab.kubernetes();
  const auto judged = [&](const auto& change) {
    lab.tell_of(lab.one, [&](VmReport& vm) {
      vm.judges = true;
      vm.not_ready = {"demo-w1"};
      change(vm);
    });
    const bool not_ready = lab.node("demo-w1")->not_ready;
    lab.tell_of(lab.one, [](VmReport& vm) { vm.judges = true; });
    return not_ready;
  };
  CHECK(judged([](VmReport&) {}));
  CHECK_FALSE(judged([](VmReport& vm) { vm.silent_s = 60; }));
  CHECK_FALSE(judged([](VmReport& vm) { vm.state = VmState::stopped; }));
  REQUIRE(accepted(lab.ask(PowerNode{"demo", "demo-cp1", PowerAction::reboot})));
  CHECK_FALSE(judged([](VmReport& vm) { vm.restart = 0; }));
}

TEST_CASE("hostile: a node that is switched off is not judged, and costs nothing while it is off") {
  Lab lab;
  lab.kubernetes();
  REQUIRE(accepted(lab.ask(PowerNode{"demo", "demo-w1", PowerAction::stop})));
  lab.report(lab.two);
  REQUIRE(lab.node("demo-w1")->state == NodeState::stopped);
  const auto verdict = [](VmReport& vm) {
    vm.judges = true;
    vm.not_ready = {"demo-w1"};
  };
  lab.tell_of(lab.one, verdict);
  for (int i = 0; i < 3; ++i) {
    lab.tell_of(lab.one, verdict);
    CHECK(lab.last.changes.empty());
    lab.report(lab.two);
    CHECK(lab.last.changes.empty());
  }
}

TEST_CASE("hostile: the last words of a PC that is given up are not believed, however they come") {
  Lab lab;
  REQUIRE(accepted(lab.create("demo", 1, 1)));
  lab.report_all();
  const HostReport bare = lab.idle_report(lab.two);
  HostReport lie = bare;
  lie.accepted_generation = lie.applied_generation = 1'000'000;
  REQUIRE(accepted(lab.ask(LoseHost{"pc-2", true})));
  const auto owed = lab.model.removals.at(lab.two);
  REQUIRE_FALSE(owed.empty());
  lab.tell(lie);
  CHECK(lab.last.changes.empty());
  CHECK(lab.model.removals.at(lab.two) == owed);
  CHECK_FALSE(lab.model.heard.contains(lab.two));
}

TEST_CASE("hostile: a host that reports is not given up by a slip of the hand") {
  Lab lab;
  REQUIRE(accepted(lab.create("demo", 1, 1)));
  lab.report_all();
  const Reply reply = lab.ask(LoseHost{"pc-2"});
  CHECK(lab.code(reply) == Errc::conflict);
  CHECK(refused(reply).error.message.find("'pc-2' reports, and has 1 nodes") != std::string::npos);
  CHECK(refused(reply).error.message.find("--force") != std::string::npos);
  CHECK(lab.model.nodes.size() == 2);
  CHECK(accepted(lab.ask(LoseHost{"pc-2", true})));
  // Who is silent needs no force.
  lab.now = seconds_in(60);
  CHECK(accepted(lab.ask(LoseHost{"pc-1"})));
}

TEST_CASE("hostile: a date that most hosts contradict is told, with whose clocks differ; dates that cannot be are refused") {
  Lab lab;
  const HostId three = lab.host("pc-3", "east");
  REQUIRE(accepted(lab.ask(CordonHost{"pc-3", true})));
  const auto say = [&](const HostId& host, Duration off) {
    HostReport report = lab.report_of(host);
    report.clock = lab.now + off;
    lab.tell(report);
  };
  const Duration hours = std::chrono::hours(9);
  say(lab.one, hours);
  say(lab.two, hours);
  say(three, Duration{});
  Now doubted = at(lab.now);
  doubted.dates_hold = false;
  doubted.against = 2;
  doubted.asked = 3;
  const std::vector<Event> tick{TickEvent{}};
  const auto texts = [](const Decision& decision) {
    std::string all;
    for (const Change& change : decision.changes) {
      const auto* event = std::get_if<EventRow>(&change);
      if (event != nullptr && event->kind == "control.clock") all += event->message;
    }
    return all;
  };
  CHECK(texts(decide(lab.model, tick, doubted, lab.ids)).find("2 of 3 hosts say that the control node's date is wrong") !=
        std::string::npos);
  CHECK(texts(decide(lab.model, tick, doubted, lab.ids)).empty());
  CHECK(has_condition(lab.model.observations.at(lab.one), ConditionCode::clock));
  CHECK_FALSE(has_condition(lab.model.observations.at(three), ConditionCode::clock));
  CHECK(texts(decide(lab.model, tick, at(lab.now), lab.ids)).find("nobody contradicts it") != std::string::npos);

  for (const std::int64_t date : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), std::int64_t{-1}}) {
    HostReport report = lab.report_of(three);
    report.clock = TimePoint{date};
    lab.tell(report);
    CHECK(lab.last.changes.empty());
  }
}

TEST_CASE("hostile: a clock that is off by about a minute comes and goes once") {
  Lab lab;
  std::size_t told = 0;
  for (int i = 0; i < 20; ++i) {
    HostReport report = lab.report_of(lab.one);
    report.clock = lab.now + Duration{i % 2 == 0 ? 60'100'000 : 59'900'000};
    told += lab.events_in(lab.tell(report));
  }
  CHECK(told == 1);
  HostReport report = lab.report_of(lab.one);
  report.clock = lab.now + Duration{44'000'000};
  CHECK(lab.events_in(lab.tell(report)) == 1);
}
