#include <doctest/doctest.h>

#include <algorithm>

#include "controlnode/core/lead.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct TwoHosts : Campus {
  TwoHosts() {
    site("east");
    site("west");
    one = host("pc-1", "east");
    two = host("pc-2", "west");
    catalog();
  }
  HostId one, two;
};

const OperationStep& step(const Operation& operation, const std::string& name) {
  for (const OperationStep& found : operation.steps) {
    if (found.name == name) return found;
  }
  FAIL("no step " << name);
  return operation.steps.front();
}

// Removals are confirmed and the cluster's rows have gone.
bool clean(const Model& model) {
  return model.clusters.empty() && model.nodes.empty() && model.claims.empty() &&
         model.networks.empty() && model.removals.empty();
}

}  // namespace

TEST_CASE("create: rows, claims, numbers, one order per host and the plan come from one decision") {
  TwoHosts campus;
  const Reply reply = campus.create("demo", 1, 2);
  REQUIRE(accepted(reply));
  const auto& answer = std::get<Accepted>(reply);
  CHECK(answer.name == "demo");
  CHECK(answer.plan.size() == 3);
  CHECK(answer.plan[0].name == "demo-cp1");
  CHECK(campus.model.nodes.size() == 3);
  CHECK(campus.model.claims.size() == 3);
  CHECK(campus.cluster("demo")->state == ClusterState::creating);
  CHECK(campus.cluster("demo")->next_worker == 3);
  CHECK((campus.cluster("demo")->control_planes.count == 1 && campus.cluster("demo")->workers.count == 2));
  CHECK(campus.node("demo-w2")->state == NodeState::creating);
  CHECK(campus.node("demo-w2")->deadline == steady(seconds_in(900)));
  CHECK(campus.last.ordered == std::vector<HostId>{campus.one, campus.two});
  CHECK(campus.model.hosts.at(campus.one).generation == 1);
  CHECK(campus.last.wake_at == steady(seconds_in(15)));
  const Operation& operation = campus.operation(reply);
  CHECK(operation.state == OperationState::running);
  CHECK(operation.steps.size() == 8);
  CHECK(step(operation, "placed").state == StepState::done);
  CHECK(step(operation, "ordered").state == StepState::done);
  CHECK(step(operation, "image").state == StepState::running);
  CHECK(step(operation, "ready").total == 3);
}

TEST_CASE("create: reports lead through booting to ready and end the operation") {
  TwoHosts campus;
  const Reply reply = campus.create("demo", 1, 1);
  campus.report_all(0);
  CHECK(campus.node("demo-cp1")->state == NodeState::booting);
  CHECK(step(campus.operation(reply), "started").state == StepState::done);
  CHECK(step(campus.operation(reply), "booted").state == StepState::running);
  campus.report_all(2);
  CHECK(step(campus.operation(reply), "network").state == StepState::done);
  CHECK(step(campus.operation(reply), "configured").detail.find("demo-cp1 on pc-") !=
        std::string::npos);
  campus.report(campus.one, 4);
  CHECK(campus.cluster("demo")->state == ClusterState::creating);
  CHECK(step(campus.operation(reply), "ready").done == 1);
  campus.report(campus.two, 4);
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
  CHECK_FALSE(campus.cluster("demo")->operation);
  CHECK(campus.operation(reply).state == OperationState::succeeded);
  CHECK(campus.node("demo-w1")->ready_at == campus.now);
  CHECK_FALSE(campus.node("demo-w1")->deadline);
}

TEST_CASE("create: a request that does not fit is refused with numbers and claims nothing") {
  TwoHosts campus;
  const Model before = campus.model;
  const Reply reply = campus.create("demo", 1, 16);
  REQUIRE_FALSE(accepted(reply));
  CHECK(refused(reply).error.code == Errc::no_capacity);
  REQUIRE(refused(reply).refusals.size() == 2);
  CHECK(refused(reply).refusals[0].wanted == 1024);
  CHECK(refused(reply).refusals[0].free == 0);
  CHECK(refused(reply).refusals[0].total == 8192);
  CHECK(only_recorded(campus.last));
  CHECK(campus.model.claims.empty());
  CHECK(campus.model.nodes == before.nodes);
}

TEST_CASE("create, scale: who has just begun to lead and has not heard all hosts does not refuse for want of room, but says so") {
  TwoHosts campus;
  REQUIRE(accepted(campus.create("demo", 1, 0)));
  campus.report_all();
  // The next control node: it knows what the rows say, and has heard nobody.
  campus.now = seconds_in(100);
  begin_lead(campus.model, Model{}, steady(campus.now));
  const auto code = [&](const Reply& reply) {
    REQUIRE_FALSE(accepted(reply));
    return refused(reply).error.code;
  };
  CHECK(code(campus.create("next", 1, 0)) == Errc::unavailable);
  CHECK(code(campus.ask(ScaleCluster{"demo", 2, false, {}})) == Errc::unavailable);
  CHECK(campus.model.clusters.size() == 1);
  campus.report(campus.one);
  CHECK(accepted(campus.create("next", 1, 0)));
  CHECK(code(campus.create("large", 1, 16)) == Errc::unavailable);
  campus.report(campus.two);
  CHECK(code(campus.create("large", 1, 16)) == Errc::no_capacity);
  // Who is silent is not waited for.
  campus.model.heard.erase(campus.two);
  campus.now = seconds_in(116);
  campus.report(campus.one);
  CHECK(code(campus.create("large", 1, 16)) == Errc::no_capacity);
}

TEST_CASE("create: of two requests racing for the last place exactly one gets it") {
  TwoHosts campus;
  REQUIRE(accepted(campus.create("filler", 1, 14)));
  const Decision both = campus.decide_all({RequestEvent{1, campus.create_request("a", 1, 0)},
                                           RequestEvent{2, campus.create_request("b", 1, 0)}});
  REQUIRE(both.replies.size() == 2);
  CHECK(accepted(both.replies[0].reply));
  REQUIRE_FALSE(accepted(both.replies[1].reply));
  CHECK(refused(both.replies[1].reply).error.code == Errc::no_capacity);
  CHECK(campus.model.clusters.size() == 2);
}

TEST_CASE("create: a dry run answers with the plan and changes nothing") {
  TwoHosts campus;
  auto request = campus.create_request("demo", 1, 1);
  request.dry_run = true;
  const Reply reply = campus.ask(request);
  REQUIRE(accepted(reply));
  CHECK(std::get<Accepted>(reply).dry_run);
  CHECK(std::get<Accepted>(reply).plan.size() == 2);
  CHECK_FALSE(std::get<Accepted>(reply).operation);
  CHECK(campus.last.changes.empty());
  CHECK(campus.last.ordered.empty());
}

TEST_CASE("create: the same key and request give the same answer, another request is refused") {
  TwoHosts campus;
  auto request = campus.create_request("demo", 1, 1);
  request.idempotency.key = "k1";
  request.idempotency.request.bytes[0] = 1;
  const Reply first = campus.ask(request);
  const Reply again = campus.ask(request);
  REQUIRE(accepted(again));
  CHECK(campus.last.changes.empty());
  CHECK(std::get<Accepted>(again).operation == std::get<Accepted>(first).operation);
  CHECK(std::get<Accepted>(again).object == std::get<Accepted>(first).object);
  CHECK(std::get<Accepted>(again).plan.size() == 2);
  CHECK(std::get<Accepted>(again).name == "demo");
  request.idempotency.request.bytes[0] = 2;
  const Reply other = campus.ask(request);
  REQUIRE_FALSE(accepted(other));
  CHECK(refused(other).error.code == Errc::conflict);
  CHECK(refused(other).error.message.rfind("idempotency key", 0) == 0);
  CHECK(campus.model.clusters.size() == 1);
}

TEST_CASE("create: each fault of a request is refused with its own code") {
  TwoHosts campus;
  const auto code = [&](auto change) {
    auto request = campus.create_request("demo", 1, 1);
    change(request);
    const Reply reply = campus.ask(request);
    CHECK((campus.last.changes.empty() || only_recorded(campus.last)));
    return accepted(reply) ? std::optional<Errc>{} : refused(reply).error.code;
  };
  CHECK(code([](auto& r) { r.name = "Demo"; }) == Errc::invalid_argument);
  CHECK(code([](auto& r) { r.control_planes = 2; }) == Errc::invalid_argument);
  CHECK(code([](auto& r) { r.control_planes = 0; }) == Errc::invalid_argument);
  CHECK(code([](auto& r) { r.workers = 64; }) == Errc::invalid_argument);
  CHECK(code([](auto& r) { r.workers = 0xffffffff; }) == Errc::invalid_argument);
  CHECK(code([](auto& r) { r.flavor = "none"; }) == Errc::not_found);
  CHECK(code([](auto& r) { r.image = "none"; }) == Errc::not_found);
  CHECK(code([](auto& r) { r.key_pair = "none"; }) == Errc::not_found);
  CHECK(code([](auto& r) { r.sites = {"none"}; }) == Errc::not_found);
  CHECK(code([](auto& r) { r.project = "none"; }) == Errc::not_found);
  CHECK(code([](auto& r) { r.control_planes = 3; }) == Errc::no_capacity);
  campus.model.images.begin()->second.min_disk_gib = 11;
  CHECK(code([](auto&) {}) == Errc::invalid_argument);
  campus.model.images.begin()->second.min_disk_gib = 10;
  CHECK(accepted(campus.create("demo", 1, 1)));
  CHECK(code([](auto&) {}) == Errc::already_exists);
}

TEST_CASE("scale: up gives new names and addresses, and orders to every member's host") {
  TwoHosts campus;
  campus.create("demo", 1, 1);
  campus.report_all();
  const Reply reply = campus.scale("demo", 3);
  REQUIRE(accepted(reply));
  CHECK(std::get<Accepted>(reply).plan.size() == 4);
  CHECK(campus.node("demo-w3")->address.value == campus.node("demo-cp1")->address.value + 3);
  CHECK(campus.cluster("demo")->state == ClusterState::scaling);
  CHECK(campus.last.ordered.size() == 2);
  CHECK(step(campus.operation(reply), "ready").total == 2);
  campus.report_all();
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
  CHECK(campus.operation(reply).state == OperationState::succeeded);
}

TEST_CASE("scale: down removes the newest workers, and claims stay until the hosts confirm") {
  TwoHosts campus;
  campus.create("demo", 1, 3);
  campus.report_all();
  const Node leaving = *campus.node("demo-w3");
  const HostReport stale = campus.report_of(leaving.host);
  const Reply reply = campus.scale("demo", 1);
  REQUIRE(accepted(reply));
  CHECK(campus.node("demo-w3")->state == NodeState::deleting);
  CHECK(campus.node("demo-w2")->state == NodeState::deleting);
  CHECK(campus.node("demo-w1")->state == NodeState::ready);
  CHECK(campus.model.claims.size() == 4);
  campus.tell(stale);
  CHECK(campus.model.claims.size() == 4);
  campus.report_all();
  CHECK(campus.model.claims.size() == 2);
  CHECK(campus.model.nodes.size() == 2);
  CHECK(campus.model.removals.empty());
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
  CHECK(campus.operation(reply).state == OperationState::succeeded);
  REQUIRE(accepted(campus.scale("demo", 2)));
  CHECK(campus.node("demo-w2") == nullptr);
  CHECK(campus.node("demo-w4") != nullptr);
}

TEST_CASE("scale: to the present count succeeds at once, or names the operation on its way") {
  TwoHosts campus;
  const Reply created = campus.create("demo", 1, 1);
  const Reply same = campus.scale("demo", 1);
  CHECK(std::get<Accepted>(same).operation == std::get<Accepted>(created).operation);
  CHECK(campus.last.ordered.empty());
  campus.report_all();
  const Reply done = campus.scale("demo", 1);
  CHECK(campus.operation(done).state == OperationState::succeeded);
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
  CHECK(campus.last.ordered.empty());
}

TEST_CASE("scale: another scaling on the way is superseded, and the last word counts") {
  TwoHosts campus;
  const Reply created = campus.create("demo", 1, 1);
  const Reply up = campus.scale("demo", 3);
  const Reply down = campus.scale("demo", 1);
  CHECK(campus.operation(created).state == OperationState::failed);
  CHECK(campus.operation(created).error.rfind("superseded by", 0) == 0);
  CHECK(campus.operation(up).state == OperationState::failed);
  campus.report_all();
  CHECK(campus.operation(down).state == OperationState::succeeded);
  CHECK(campus.model.nodes.size() == 2);
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
}

TEST_CASE("scale: a network that is wanted again before its removal was confirmed is kept") {
  TwoHosts campus;
  campus.create("demo", 1, 1);
  campus.report_all();
  const HostId left = campus.node("demo-w1")->host;
  campus.scale("demo", 0);
  CHECK(campus.model.removals.at(left).size() == 2);
  campus.scale("demo", 1);
  REQUIRE(campus.node("demo-w2")->host == left);
  CHECK(campus.orders.at(left).removed_networks.empty());
  CHECK(campus.orders.at(left).networks.size() == 1);
  CHECK(campus.orders.at(left).removed_vms.size() == 1);
}

TEST_CASE("scale: what does not fit changes nothing, and a dry run neither") {
  TwoHosts campus;
  campus.create("demo", 1, 1);
  campus.report_all();
  const Reply reply = campus.scale("demo", 20);
  CHECK(refused(reply).error.code == Errc::no_capacity);
  CHECK(only_recorded(campus.last));
  ScaleCluster dry;
  dry.cluster = "demo";
  dry.workers = 2;
  dry.dry_run = true;
  const Reply planned = campus.ask(dry);
  CHECK(std::get<Accepted>(planned).plan.size() == 3);
  CHECK(campus.last.changes.empty());
  CHECK(refused(campus.scale("other", 1)).error.code == Errc::not_found);
  CHECK(refused(campus.scale("demo", 0xffffffff)).error.code == Errc::invalid_argument);
}

TEST_CASE("delete: everything goes once every host has confirmed, and the operation stays readable") {
  TwoHosts campus;
  campus.create("demo", 1, 1);
  campus.report_all();
  const Reply reply = campus.remove("demo");
  REQUIRE(accepted(reply));
  CHECK(campus.cluster("demo")->state == ClusterState::deleting);
  CHECK(campus.model.claims.size() == 2);
  CHECK(campus.last.ordered.size() == 2);
  campus.report(campus.one);
  CHECK(campus.model.claims.size() == 1);
  const Operation& running = campus.operation(reply);
  CHECK(running.state == OperationState::running);
  CHECK(step(running, "removed").done == 1);
  CHECK(step(running, "removed").detail == "waiting for pc-2");
  campus.now = seconds_in(100);
  campus.tick();
  CHECK(step(campus.operation(reply), "removed").detail == "waiting for pc-2 (silent)");
  CHECK(campus.model.claims.size() == 1);
  campus.report(campus.two);
  CHECK(clean(campus.model));
  CHECK(campus.operation(reply).state == OperationState::succeeded);
  CHECK(campus.operation(reply).cluster_name == "demo");
  CHECK(accepted(campus.create("demo", 1, 1)));
}

TEST_CASE("delete: asked again it is the same operation, and the hosts are told again") {
  TwoHosts campus;
  campus.create("demo", 1, 1);
  const Reply first = campus.remove("demo");
  const Reply again = campus.remove("demo");
  CHECK(std::get<Accepted>(first).operation == std::get<Accepted>(again).operation);
  CHECK(campus.last.changes.empty());
  CHECK(campus.last.ordered.size() == 2);
  CHECK(refused(campus.scale("demo", 5)).error.code == Errc::conflict);
  CHECK(refused(campus.create("demo", 1, 1)).error.code == Errc::already_exists);
}

TEST_CASE("delete: wins over a creation that is under way, from any state of its nodes") {
  for (int stages = -1; stages <= 4; ++stages) {
    TwoHosts campus;
    const Reply created = campus.create("demo", 1, 2);
    if (stages >= 0) campus.report_all(stages);
    REQUIRE(accepted(campus.remove("demo")));
    CHECK(campus.operation(created).state !=
          (stages == 4 ? OperationState::failed : OperationState::succeeded));
    campus.report_all();
    CHECK(clean(campus.model));
  }
}

TEST_CASE("delete: an agent that is at the VM proves nothing; whatever else it is at, or cannot do, is no matter") {
  TwoHosts campus;
  campus.create("demo", 1, 0);
  const Node node = *campus.node("demo-cp1");
  const HostId host = node.host;
  campus.remove("demo");
  HostReport report = campus.report_of(host);
  report.applied_generation = 1;
  report.in_flight = {{ObjectKind::vm, node.id.uuid}};
  campus.tell(report);
  CHECK(campus.model.claims.size() == 1);
  report = campus.report_of(host);
  report.observed = false;
  campus.tell(report);
  CHECK(campus.model.claims.size() == 1);
  report = campus.report_of(host);
  report.applied_generation = 1;
  report.in_flight = {{ObjectKind::image, Uuid{{1}}}, {ObjectKind::vm, Uuid{{2}}}};
  campus.tell(report);
  CHECK(clean(campus.model));
}

TEST_CASE("delete: of an agent that does not tell what it is at only what it has applied in whole counts") {
  TwoHosts campus;
  campus.create("demo", 1, 0);
  const HostId host = campus.node("demo-cp1")->host;
  campus.remove("demo");
  HostReport report = campus.report_of(host);
  report.clock = {};
  report.applied_generation = 1;
  campus.tell(report);
  CHECK(campus.model.claims.size() == 1);
  report = campus.report_of(host);
  report.clock = {};
  campus.tell(report);
  CHECK(clean(campus.model));
}

TEST_CASE("delete: what a host still lists after it has applied the order is not gone") {
  TwoHosts campus;
  campus.create("demo", 1, 0);
  const HostId host = campus.node("demo-cp1")->host;
  const HostReport before = campus.report_of(host);
  const Reply reply = campus.remove("demo");
  HostReport report = campus.report_of(host);
  report.vms = before.vms;
  report.networks = before.networks;
  campus.tell(report);
  CHECK(campus.model.claims.size() == 1);
  report.vms.clear();
  ++report.sequence;
  campus.tell(report);
  CHECK(campus.model.claims.empty());
  CHECK(campus.cluster("demo") != nullptr);
  CHECK(campus.model.networks.size() == 1);
  CHECK(campus.operation(reply).state == OperationState::running);
  report.networks.clear();
  ++report.sequence;
  campus.tell(report);
  CHECK(clean(campus.model));
}

TEST_CASE("scale: down is not done while a host still has the network it should have dropped") {
  TwoHosts campus;
  campus.create("demo", 1, 1);
  campus.report_all();
  const HostId host = campus.node("demo-w1")->host;
  const auto networks = campus.report_of(host).networks;
  const Reply reply = campus.scale("demo", 0);
  HostReport report = campus.report_of(host);
  report.networks = networks;
  campus.tell(report);
  CHECK(campus.node("demo-w1") == nullptr);
  CHECK(campus.operation(reply).state == OperationState::running);
  CHECK(campus.cluster("demo")->state == ClusterState::scaling);
  campus.report(host);
  CHECK(campus.operation(reply).state == OperationState::succeeded);
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
}

TEST_CASE("create and delete in one batch leave one order per host and nothing behind") {
  TwoHosts campus;
  DeleteCluster gone;
  gone.cluster = "demo";
  const Decision batch = campus.decide_all(
      {RequestEvent{1, campus.create_request("demo", 1, 1)}, RequestEvent{2, gone}});
  CHECK(std::count_if(batch.changes.begin(), batch.changes.end(), [](const Change& change) {
          return std::holds_alternative<PutOrder>(change);
        }) == 2);
  CHECK(campus.model.hosts.at(campus.one).generation == 1);
  campus.report_all();
  CHECK(clean(campus.model));
}
