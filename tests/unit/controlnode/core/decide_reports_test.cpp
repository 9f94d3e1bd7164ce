#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct Running : Campus {
  Running() {
    site("east");
    one = host("pc-1", "east");
    two = host("pc-2", "east");
    catalog();
    created = create("demo", 1, 1);
    if (node("demo-cp1")->host != one) std::swap(one, two);
  }
  HostId one, two;  // of demo-cp1 and demo-w1
  Reply created = Accepted{};
};

// All that a report may not change: everything but the rows of its own host.
std::vector<Node> nodes_elsewhere(const Model& model, const HostId& host) {
  std::vector<Node> nodes;
  for (const auto& [id, node] : model.nodes) {
    if (node.host != host) nodes.push_back(node);
  }
  return nodes;
}

bool has_event(const Decision& decision, const std::string& kind) {
  return std::any_of(decision.changes.begin(), decision.changes.end(), [&](const Change& change) {
    const auto* event = std::get_if<EventRow>(&change);
    return event != nullptr && event->kind == kind;
  });
}

}  // namespace

TEST_CASE("report: a heartbeat without news changes nothing to store and sends nothing") {
  Running campus;
  campus.report_all();
  campus.now = seconds_in(5);
  const Decision decision = campus.report(campus.one);
  CHECK(decision.changes.empty());
  CHECK(decision.ordered.empty());
  CHECK(campus.model.observations.at(campus.one).seen_at == seconds_in(5));
}

TEST_CASE("report: of another host, system, sequence or beyond all bounds changes nothing") {
  Running campus;
  const HostReport good = campus.report_of(campus.one);
  const Model before = campus.model;
  const auto ignored = [&](auto change) {
    HostReport report = good;
    HostId speaker = campus.one;
    change(report, speaker);
    const Decision decision = campus.decide_all({ReportEvent{speaker, report}});
    return decision.changes.empty() && decision.ordered.empty() &&
           campus.model.observations == before.observations;
  };
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  CHECK(ignored([&](auto&, HostId& speaker) { speaker = campus.two; }));
  CHECK(ignored([&](auto& report, auto&) { report.host = campus.two; }));
  CHECK(ignored([](auto& report, auto&) { report.system = numbered<SystemId>(0x51, 2); }));
  CHECK(ignored([](auto& report, HostId& speaker) {
    speaker = report.host = numbered<HostId>(0xa0, 99);
  }));
  CHECK(ignored([](auto& report, auto&) { report.sequence = 1; }));
  CHECK(ignored([](auto& report, auto&) { report.sequence = kMax; }));
  CHECK(ignored([](auto& report, auto&) { report.accepted_generation = kMax; }));
  CHECK(ignored([](auto& report, auto&) { report.applied_generation = 7; }));
  CHECK(ignored([](auto& report, auto&) { report.capacity.memory_mib = kMax; }));
  CHECK(ignored([](auto& report, auto&) { report.vms.resize(2000); }));
  CHECK(ignored([](auto& report, auto&) { report.vms[0].generation = kMax; }));
  CHECK_FALSE(ignored([](auto&, auto&) {}));
}

TEST_CASE("report: about a node of another host changes nothing there and is a stranger") {
  Running campus;
  const auto before = nodes_elsewhere(campus.model, campus.one);
  HostReport report = campus.report_of(campus.one);
  for (const VmReport& foreign : campus.report_of(campus.two).vms) report.vms.push_back(foreign);
  const Decision decision = campus.tell(report);
  CHECK(nodes_elsewhere(campus.model, campus.one) == before);
  CHECK(campus.node("demo-w1")->state == NodeState::creating);
  CHECK(campus.model.observations.at(campus.one).strangers ==
        std::vector<NodeId>{campus.node("demo-w1")->id});
  CHECK(has_event(decision, "host.strangers"));
}

TEST_CASE("report: a stranger is told once and left alone") {
  Running campus;
  HostReport report = campus.report_of(campus.one);
  VmReport stranger;
  stranger.id = numbered<NodeId>(0xee, 1);
  stranger.state = VmState::running;
  report.vms.push_back(stranger);
  CHECK(has_event(campus.tell(report), "host.strangers"));
  ++report.sequence;
  const Decision again = campus.tell(report);
  CHECK(again.changes.empty());
  CHECK(again.ordered.empty());
}

TEST_CASE("report: a VM of another generation does not make its node run") {
  Running campus;
  HostReport report = campus.report_of(campus.one);
  for (VmReport& vm : report.vms) vm.generation = 0;
  campus.tell(report);
  CHECK(campus.node("demo-cp1")->state == NodeState::creating);
  report = campus.report_of(campus.one);
  for (VmReport& vm : report.vms) vm.generation = 2;
  campus.tell(report);
  CHECK(campus.node("demo-cp1")->state == NodeState::creating);
}

TEST_CASE("report: an order that a host has not accepted, or a new session, is sent again") {
  Running campus;
  CHECK(campus.tell(campus.idle_report(campus.one)).ordered == std::vector<HostId>{campus.one});
  campus.report_all();
  CHECK(campus.report(campus.one).ordered.empty());
  HostReport restarted = campus.report_of(campus.one);
  restarted.session = numbered<SessionId>(0x5e, 2);
  restarted.sequence = 1;
  const Decision decision = campus.tell(restarted);
  CHECK(decision.ordered == std::vector<HostId>{campus.one});
  CHECK(campus.model.hosts.at(campus.one).generation == 1);
  restarted.sequence = 2;
  CHECK(campus.tell(restarted).ordered.empty());
}

TEST_CASE("report: a host that knows a newer order than the database is not sent an older one") {
  Running campus;
  HostReport report = campus.report_of(campus.one);
  report.accepted_generation = report.applied_generation = 9;
  const Decision decision = campus.tell(report);
  CHECK(decision.ordered.empty());
  CHECK(has_event(decision, "host.ahead"));
}

TEST_CASE("report: before libvirt was asked its lists mean nothing") {
  Running campus;
  campus.report_all();
  HostReport report = campus.idle_report(campus.one);
  report.accepted_generation = 1;
  report.observed = false;
  campus.tell(report);
  CHECK(campus.node("demo-cp1")->state == NodeState::ready);
}

TEST_CASE("report: a stopped or vanished VM of a ready node fails it, and its return heals it") {
  for (const bool vanished : {false, true}) {
    Running campus;
    campus.report_all();
    HostReport report = campus.report_of(campus.one);
    if (vanished) {
      report.vms.clear();
    } else {
      report.vms[0].state = VmState::crashed;
    }
    campus.tell(report);
    CHECK(campus.node("demo-cp1")->state == NodeState::failed);
    CHECK(campus.node("demo-cp1")->stages.empty());
    CHECK(campus.cluster("demo")->state == ClusterState::degraded);
    CHECK(campus.cluster("demo")->reason.find("demo-cp1 is failed: its VM") != std::string::npos);
    campus.report(campus.one, 1);
    CHECK(campus.node("demo-cp1")->state == NodeState::failed);
    campus.report(campus.one, 4);
    CHECK(campus.node("demo-cp1")->state == NodeState::ready);
    CHECK(campus.cluster("demo")->state == ClusterState::ready);
    CHECK(campus.cluster("demo")->reason.empty());
  }
}

TEST_CASE("report: a VM that stops while it boots goes on within the same deadline") {
  Running campus;
  campus.report_all(1);
  const auto deadline = campus.node("demo-cp1")->deadline;
  HostReport report = campus.report_of(campus.one);
  report.vms[0].state = VmState::stopped;
  campus.now = seconds_in(10);
  campus.tell(report);
  CHECK(campus.node("demo-cp1")->state == NodeState::creating);
  CHECK(campus.node("demo-cp1")->deadline == deadline);
  CHECK(campus.operation(campus.created).state == OperationState::running);
}

TEST_CASE("report: stages add up, so that a restarted agent that has lost them takes nothing back") {
  Running campus;
  campus.report(campus.one, 2);
  campus.report(campus.one, 0);
  CHECK(campus.node("demo-cp1")->stages.size() == 2);
  campus.report(campus.one, 4);
  campus.report(campus.one, 0);
  CHECK(campus.node("demo-cp1")->state == NodeState::ready);
}

TEST_CASE("report: stages that mean nothing to us are not kept") {
  Running campus;
  HostReport report = campus.report_of(campus.one, 1);
  for (int i = 0; i < 10'000; ++i) report.vms[0].stages.push_back({"s" + std::to_string(i), 1});
  campus.tell(report);
  CHECK(campus.node("demo-cp1")->stages.size() == 1);
}

TEST_CASE("report: a failure becomes the reason of its node and step, cleaned, the deadline stays") {
  Running campus;
  HostReport report = campus.report_of(campus.one);
  report.vms.clear();
  const ImageId image = campus.cluster("demo")->image;
  report.failures.push_back({ObjectKind::image, image.uuid, FailureCode::image_fetch, "no\x1b route"});
  const auto deadline = campus.node("demo-cp1")->deadline;
  campus.now = seconds_in(10);
  campus.tell(report);
  CHECK(campus.node("demo-cp1")->reason == "image-fetch: no? route");
  CHECK(campus.node("demo-cp1")->deadline == deadline);
  CHECK(campus.node("demo-w1")->reason.empty());
  const Operation& operation = campus.operation(campus.created);
  CHECK(std::any_of(operation.steps.begin(), operation.steps.end(), [](const auto& step) {
    return step.detail.find("image-fetch: no? route") != std::string::npos;
  }));
  campus.report(campus.one, 1);
  CHECK(campus.node("demo-cp1")->reason.empty());
}

TEST_CASE("report: dropping any report but the last one changes nothing about the end") {
  Running all, last;
  for (int stage = 0; stage <= 4; ++stage) all.report_all(stage);
  last.report_all(4);
  CHECK(all.node("demo-cp1")->state == last.node("demo-cp1")->state);
  CHECK(all.cluster("demo")->state == last.cluster("demo")->state);
  CHECK(all.operation(all.created).state == OperationState::succeeded);
  CHECK(last.operation(last.created).state == OperationState::succeeded);
}
