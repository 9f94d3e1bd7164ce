#include <doctest/doctest.h>

#include <algorithm>

#include "controlnode/core/placement.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct Demo : Campus {
  explicit Demo(bool hardware = true) {
    site("east");
    one = host("pc-1", "east");
    two = host("pc-2", "east");
    for (auto& [id, seen] : model.observations) seen.capacity.hardware_virtualisation = hardware;
    catalog();
    created = create("demo", 1, 1);
    if (node("demo-cp1")->host != one) std::swap(one, two);
  }
  // Heartbeats of both hosts at a later time, at these stages.
  void beat(std::int64_t seconds, int first, int second) {
    now = seconds_in(seconds);
    report(one, first);
    report(two, second);
  }
  HostId one, two;  // of demo-cp1 and demo-w1
  Reply created = Accepted{};
};

}  // namespace

TEST_CASE("tick: a passed deadline fails the node and names the stage that is missing") {
  Demo campus;
  campus.report_all(1);
  campus.beat(899, 4, 1);
  campus.tick();
  CHECK(campus.node("demo-w1")->state == NodeState::booting);
  CHECK(campus.last.wake_at == steady(seconds_in(900)));
  campus.beat(900, 4, 1);
  campus.tick();
  CHECK(campus.node("demo-w1")->state == NodeState::failed);
  CHECK(campus.node("demo-w1")->reason == "timed out after 900 s: booted, but 'network' is missing");
  CHECK(campus.cluster("demo")->state == ClusterState::failed);
  const Operation& operation = campus.operation(campus.created);
  CHECK(operation.state == OperationState::failed);
  CHECK(operation.error.find("'network' is missing") != std::string::npos);
  CHECK(std::any_of(operation.steps.begin(), operation.steps.end(), [](const auto& step) {
    return step.name == "network" && step.state == StepState::failed;
  }));
}

TEST_CASE("tick: a late success still makes node and cluster ready; the operation stays failed") {
  Demo campus;
  campus.beat(900, 4, 0);
  campus.tick();
  REQUIRE(campus.cluster("demo")->state == ClusterState::failed);
  campus.beat(1000, 4, 3);
  CHECK(campus.node("demo-w1")->state == NodeState::failed);
  campus.beat(1001, 4, 4);
  CHECK(campus.node("demo-w1")->state == NodeState::ready);
  CHECK(campus.node("demo-w1")->reason.empty());
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
  CHECK(campus.operation(campus.created).state == OperationState::failed);
}

TEST_CASE("tick: scaling to the same count tries a failed node again, with a new deadline") {
  Demo campus;
  campus.beat(900, 4, 0);
  campus.tick();
  const Reply retried = campus.scale("demo", 1);
  REQUIRE(accepted(retried));
  CHECK(campus.node("demo-w1")->state == NodeState::creating);
  CHECK(campus.node("demo-w1")->deadline == steady(seconds_in(1800)));
  CHECK(campus.cluster("demo")->state == ClusterState::scaling);
  CHECK(campus.last.ordered.size() == 2);
  campus.beat(1000, 4, 4);
  CHECK(campus.operation(retried).state == OperationState::succeeded);
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
}

TEST_CASE("tick: a host without hardware virtualisation has more time") {
  Demo campus(false);
  CHECK(campus.node("demo-cp1")->deadline == steady(seconds_in(5400)));
}

TEST_CASE("tick: silence makes nodes unknown, the cluster degraded, and a report brings them back") {
  Demo campus;
  campus.report_all();
  campus.now = seconds_in(10);
  campus.report(campus.one);
  CHECK(campus.last.wake_at == steady(seconds_in(15)));
  campus.now = seconds_in(15);
  campus.tick();
  CHECK(campus.node("demo-cp1")->state == NodeState::ready);
  CHECK(campus.node("demo-w1")->state == NodeState::unknown);
  CHECK(campus.node("demo-w1")->reason.find("pc-2 has been silent since") != std::string::npos);
  CHECK(campus.cluster("demo")->state == ClusterState::degraded);
  CHECK(campus.last.ordered.empty());
  campus.report(campus.two);
  CHECK(campus.node("demo-w1")->state == NodeState::ready);
  CHECK(campus.node("demo-w1")->reason.empty());
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
}

TEST_CASE("tick: a ready node stays unknown however long its host is silent") {
  Demo campus;
  campus.report_all();
  campus.now = seconds_in(10'000'000);
  campus.tick();
  CHECK(campus.node("demo-w1")->state == NodeState::unknown);
  CHECK(campus.model.claims.size() == 2);
  CHECK(campus.last.ordered.empty());
}

TEST_CASE("tick: a creation whose host falls silent fails at its deadline, not before") {
  Demo campus;
  campus.now = seconds_in(20);
  campus.tick();
  CHECK(campus.node("demo-w1")->state == NodeState::unknown);
  CHECK(campus.cluster("demo")->state == ClusterState::creating);
  campus.report(campus.two, 0);
  CHECK(campus.node("demo-w1")->state == NodeState::booting);
  CHECK(campus.node("demo-w1")->deadline == steady(seconds_in(900)));
  campus.now = seconds_in(900);
  campus.tick();
  CHECK(campus.node("demo-cp1")->state == NodeState::failed);
  CHECK(campus.node("demo-cp1")->reason.find("has been silent since") != std::string::npos);
  CHECK(campus.operation(campus.created).state == OperationState::failed);
}

TEST_CASE("tick: a host that comes back without the VM it was to make goes on making it") {
  Demo campus;
  campus.now = seconds_in(20);
  campus.tick();
  HostReport report = campus.report_of(campus.two);
  report.vms.clear();
  campus.tell(report);
  CHECK(campus.node("demo-w1")->state == NodeState::creating);
}

TEST_CASE("tick: idempotency keys are dropped after a day") {
  Campus campus;
  campus.site("east");
  campus.host("pc-1", "east");
  campus.catalog();
  auto request = campus.create_request("demo", 1, 0);
  request.idempotency.key = "k1";
  campus.ask(request);
  campus.report_all();
  CHECK(campus.model.idempotency.size() == 1);
  DeleteCluster gone;
  gone.cluster = "demo";
  gone.idempotency.key = "k2";
  campus.ask(gone);
  campus.now = seconds_in(24 * 3600 - 1);
  campus.tick();
  CHECK(campus.model.idempotency.size() == 2);
  campus.now = seconds_in(24 * 3600);
  campus.tick();
  CHECK(campus.model.idempotency.empty());
}

TEST_CASE("tick: a second tick at the same instant finds nothing") {
  Demo campus;
  campus.report_all(1);
  for (const std::int64_t at : {16, 900, 5400}) {
    campus.now = seconds_in(at);
    campus.tick();
    CHECK(campus.tick().changes.empty());
    if (campus.last.wake_at) CHECK(*campus.last.wake_at > steady(campus.now));
  }
}

TEST_CASE("tick: nothing under way needs waking only for who may fall silent, once") {
  Campus campus;
  campus.site("east");
  campus.host("pc-1", "east");
  CHECK(campus.tick().wake_at == steady(seconds_in(15)));
  campus.now = seconds_in(15);
  const Decision decision = campus.tick();
  CHECK(std::any_of(decision.changes.begin(), decision.changes.end(), [](const Change& change) {
    const auto* event = std::get_if<EventRow>(&change);
    return event != nullptr && event->kind == "host.silent";
  }));
  CHECK_FALSE(decision.wake_at);
  CHECK(campus.tick().changes.empty());
}

TEST_CASE("tick: a removal that nobody confirms is waited for by nobody after a while, and never forgotten") {
  Demo campus;
  campus.report_all();
  const Reply removed = campus.remove("demo");
  campus.report(campus.one);
  campus.now = seconds_in(179);
  campus.tick();
  REQUIRE(campus.cluster("demo")->state == ClusterState::deleting);
  campus.now = seconds_in(180);
  campus.tick();
  CHECK(campus.cluster("demo") == nullptr);
  CHECK(campus.model.claims.empty());
  CHECK(campus.model.nodes.empty());
  CHECK(campus.operation(removed).state == OperationState::succeeded);
  CHECK(campus.operation(removed).warning == "pc-2 has not removed the VM of demo-w1; pc-2 has not removed the network of demo");
  // It is told for as long as it owes, and is given nothing before it has done it.
  CHECK(campus.model.removals.at(campus.two).size() == 2);
  CHECK(host_order(campus.model, campus.two, campus.now).removed_vms.size() == 1);
  campus.tell(campus.report_of(campus.two));
  CHECK(campus.model.removals.empty());
  CHECK(why_unusable(campus.model, campus.two, 0, at(campus.now)).code == Unusable::no);
}

TEST_CASE("tick: a host that reports and does not remove is not waited for longer than five minutes") {
  Demo campus;
  campus.report_all();
  HostReport stuck = campus.report_of(campus.two);
  const Reply removed = campus.remove("demo");
  campus.report(campus.one);
  for (int second = 10; second < 300; second += 10) {
    campus.now = seconds_in(second);
    ++stuck.sequence;
    campus.tell(stuck);
    campus.tick();
    REQUIRE(campus.cluster("demo") != nullptr);
  }
  campus.now = seconds_in(300);
  ++stuck.sequence;
  campus.tell(stuck);
  campus.tick();
  CHECK(campus.cluster("demo") == nullptr);
  const auto why = why_unusable(campus.model, campus.two, 0, at(campus.now));
  CHECK(why.code == Unusable::owes);
  CHECK(why.text == "has not removed demo-w1 yet, and 1 more");
}
