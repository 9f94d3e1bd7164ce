#include <doctest/doctest.h>

#include <algorithm>

#include "controlnode/core/busy_windows.h"
#include "controlnode/core/placement.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct Lab : Campus {
  Lab() {
    site("east");
    pc = host("pc-1", "east");
    catalog();
  }
  Reply lease(const std::string& name, std::int64_t seconds) {
    CreateCluster request = create_request(name, 1, 0);
    request.until = seconds_in(seconds);
    return ask(request);
  }
  Reply extend(std::optional<TimePoint> until) { return ask(ExtendCluster{"demo", until}); }
  Reply busy(std::vector<BusyWindow> windows) {
    UpdateHost request;
    request.host = "pc-1";
    request.busy = std::move(windows);
    return ask(request);
  }
  Reply more_busy(std::vector<BusyWindow> windows) {
    UpdateHost request;
    request.host = "pc-1";
    request.more_busy = std::move(windows);
    return ask(request);
  }
  bool told(const std::string& kind, const std::string& part = {}) const {
    return std::any_of(last.changes.begin(), last.changes.end(), [&](const Change& change) {
      const auto* event = std::get_if<EventRow>(&change);
      return event != nullptr && event->kind == kind && event->message.find(part) != std::string::npos;
    });
  }
  const std::vector<BusyWindow>& windows() const { return model.hosts.at(pc).busy; }
  HostId pc;
};

BusyWindow window(std::int64_t from, std::int64_t until) { return {seconds_in(from), seconds_in(until)}; }

Errc code(const Reply& reply) { return refused(reply).error.code; }

}  // namespace

TEST_CASE("lease: its end switches a cluster off, and an hour later, once, it is deleted") {
  Lab campus;
  REQUIRE(accepted(campus.lease("demo", 10)));
  CHECK(campus.last.wake_at == steady(seconds_in(10)));
  campus.report_all();
  campus.now = seconds_in(10) - Duration{1};
  campus.tick();
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
  campus.now = seconds_in(10);
  campus.tick();
  CHECK(campus.told("cluster.expired", "ended at 2023-11-14T22:13:30.000Z"));
  CHECK(campus.told("cluster.expired", "deleted at 2023-11-14T23:13:30.000Z unless it is extended"));
  CHECK_FALSE(campus.told("cluster.deleting"));
  CHECK(campus.node("demo-cp1")->state == NodeState::stopping);
  CHECK(campus.last.ordered == std::vector{campus.pc});
  REQUIRE(campus.orders.at(campus.pc).vms.size() == 1);
  CHECK(campus.orders.at(campus.pc).vms[0].off);
  campus.report(campus.pc);
  CHECK(campus.node("demo-cp1")->state == NodeState::stopped);
  CHECK(campus.cluster("demo")->state == ClusterState::stopped);
  CHECK(campus.cluster("demo")->reason.find("its lease has ended: it is deleted at 2023-11-14T23:13:30.000Z") != std::string::npos);
  campus.now = seconds_in(3609);
  campus.report(campus.pc);
  campus.tick();
  CHECK_FALSE(campus.told("cluster.expired"));
  CHECK(campus.cluster("demo")->state == ClusterState::stopped);
  campus.now = seconds_in(3610);
  campus.report(campus.pc);
  campus.tick();
  CHECK(campus.told("cluster.deleting"));
  REQUIRE(campus.cluster("demo")->state == ClusterState::deleting);
  const auto operation = campus.cluster("demo")->operation;
  REQUIRE(operation.has_value());
  CHECK(campus.model.operations.at(*operation).kind == OperationKind::cluster_delete);
  campus.tick();
  CHECK_FALSE(campus.told("cluster.lease-over"));
  CHECK(campus.cluster("demo")->operation == operation);
  campus.report_all();
  CHECK(campus.cluster("demo") == nullptr);
  CHECK(campus.model.claims.empty());
}

TEST_CASE("lease: who extends a cluster that was switched off has it on again, and what its user had switched off stays off") {
  Lab campus;
  REQUIRE(accepted(campus.lease("demo", 10)));
  campus.report_all();
  REQUIRE(accepted(campus.ask(PowerNode{"demo", "demo-cp1", PowerAction::stop})));
  campus.report_all();
  REQUIRE(accepted(campus.lease("lab", 20)));
  campus.report_all();
  campus.now = seconds_in(20);
  campus.report_all();
  campus.tick();
  campus.report_all();
  REQUIRE(campus.node("lab-cp1")->state == NodeState::stopped);
  // Not without an end that is to come.
  CHECK(code(campus.scale("lab", 0)) == Errc::conflict);
  CHECK(code(campus.ask(PowerNode{"lab", "lab-cp1", PowerAction::start})) == Errc::conflict);
  for (const char* name : {"demo", "lab"}) REQUIRE(accepted(campus.ask(ExtendCluster{name, seconds_in(500)})));
  CHECK(campus.node("lab-cp1")->state == NodeState::creating);
  CHECK(campus.node("demo-cp1")->state == NodeState::stopped);
  campus.report_all();
  CHECK(campus.cluster("lab")->state == ClusterState::ready);
  CHECK_FALSE(campus.cluster("lab")->delete_at);
  CHECK(campus.cluster("demo")->state == ClusterState::stopped);
}

TEST_CASE("lease: nothing ends by its date while the date is in doubt") {
  Lab campus;
  REQUIRE(accepted(campus.lease("demo", 10)));
  campus.report_all();
  const std::vector<Event> tick{TickEvent{}};
  Now doubtful = at(seconds_in(100));
  doubtful.dates_hold = false;
  ClusterAccess access;
  access.id = numbered<AccessId>(0xac, 1);
  access.cluster = campus.cluster("demo")->id;
  access.user = "dure:someone";
  access.expires_at = seconds_in(10);
  campus.model.accesses[access.id] = access;
  const auto decision = decide(campus.model, tick, doubtful, campus.ids);
  CHECK(campus.cluster("demo")->until == seconds_in(10));
  CHECK_FALSE(campus.cluster("demo")->delete_at);
  CHECK(decision.ordered.empty());
  CHECK(campus.model.accesses.contains(access.id));
  decide(campus.model, tick, at(seconds_in(100)), campus.ids);
  CHECK(campus.cluster("demo")->delete_at);
  CHECK_FALSE(campus.model.accesses.contains(access.id));
}

TEST_CASE("lease: one that ends while nobody leads ends at the first tick after") {
  Lab campus;
  REQUIRE(accepted(campus.lease("demo", 10)));
  campus.now = seconds_in(100'000);
  campus.tick();
  CHECK(campus.node("demo-cp1")->power == Power::lapsed);
}

TEST_CASE("lease: its end is in the future, and not further than a century") {
  Lab campus;
  for (const std::int64_t seconds : {std::int64_t{0}, std::int64_t{-5}}) {
    const Reply reply = campus.lease("demo", seconds);
    REQUIRE_FALSE(accepted(reply));
    CHECK(code(reply) == Errc::invalid_argument);
    CHECK(refused(reply).error.message.find("is in the past; it is 2023-11-14T22:13:20.000Z now") != std::string::npos);
  }
  CHECK(code(campus.lease("demo", 101LL * 365 * 86'400)) == Errc::invalid_argument);
  REQUIRE(accepted(campus.lease("demo", 60)));
  CHECK(code(campus.extend(seconds_in(0))) == Errc::invalid_argument);
  CHECK(code(campus.ask(ExtendCluster{"none", std::nullopt})) == Errc::not_found);
}

TEST_CASE("lease: extending changes when it ends, and the same again changes nothing") {
  Lab campus;
  REQUIRE(accepted(campus.lease("demo", 60)));
  const Reply reply = campus.extend(seconds_in(120));
  REQUIRE(accepted(reply));
  CHECK_FALSE(std::get<Accepted>(reply).operation.has_value());
  CHECK(campus.told("cluster.extended", "demo ends at 2023-11-14T22:15:20.000Z"));
  CHECK(campus.cluster("demo")->until == seconds_in(120));
  REQUIRE(accepted(campus.extend(seconds_in(120))));
  CHECK(campus.last.changes.empty());
  REQUIRE(accepted(campus.extend(std::nullopt)));
  CHECK(campus.told("cluster.extended", "has no end"));
  campus.now = seconds_in(1000);
  campus.report_all();
  campus.tick();
  CHECK(campus.cluster("demo")->state == ClusterState::ready);
}

TEST_CASE("lease: what its time meets already does not keep a user from more time, or from less") {
  Lab campus;
  REQUIRE(accepted(campus.lease("demo", 100)));
  REQUIRE(accepted(campus.busy({window(50, 60), window(300, 400)})));
  CHECK(campus.told("host.busy", "not moved away for it: demo"));
  CHECK(accepted(campus.extend(seconds_in(300))));
  const Reply reply = campus.extend(seconds_in(301));
  REQUIRE_FALSE(accepted(reply));
  CHECK(code(reply) == Errc::no_capacity);
  // It ends where the window begins already: no end between is left to offer.
  CHECK(refused(reply).remedies.empty());
  REQUIRE(refused(reply).refusals.size() == 1);
  CHECK(refused(reply).refusals[0].dimension == Dimension::busy);
  CHECK(accepted(campus.extend(seconds_in(55))));
  CHECK(accepted(campus.extend(seconds_in(20))));
}

TEST_CASE("busy times: added to those there, merged, without what is over") {
  Lab campus;
  REQUIRE(accepted(campus.more_busy({window(100, 200)})));
  REQUIRE(accepted(campus.more_busy({window(150, 300), window(400, 500), window(-20, -10)})));
  CHECK(campus.windows() == std::vector{window(100, 300), window(400, 500)});
  CHECK(campus.last.ordered.empty());
  CHECK(campus.told("host.busy", "and 1 more times"));
  REQUIRE(accepted(campus.more_busy({window(100, 300)})));
  CHECK(campus.last.changes.empty());
  campus.now = seconds_in(350);
  CHECK(candidates(campus.model, at(campus.now)).front().busy == std::vector{window(400, 500)});
  REQUIRE(accepted(campus.more_busy({window(600, 700)})));
  CHECK(campus.windows() == std::vector{window(400, 500), window(600, 700)});
  REQUIRE(accepted(campus.busy({})));
  CHECK(campus.windows().empty());
  CHECK(campus.told("host.busy", "no busy times any more"));
}

TEST_CASE("busy times: turned round, too many or centuries away are refused whole") {
  Lab campus;
  CHECK(code(campus.busy({window(10, 20), window(40, 40)})) == Errc::invalid_argument);
  CHECK(code(campus.busy({window(10, 102LL * 365 * 86'400)})) == Errc::invalid_argument);
  std::vector<BusyWindow> many;
  for (std::int64_t i = 0; i < 65; ++i) many.push_back(window(10 * i + 1, 10 * i + 2));
  const Reply reply = campus.busy(many);
  CHECK(refused(reply).error.message == "busy: 65 windows are more than the 64 that one host may have");
  CHECK(campus.windows().empty());
  many.pop_back();
  CHECK(accepted(campus.busy(many)));
}

TEST_CASE("busy times: adding a host again as it is keeps them") {
  Lab campus;
  AddHost request;
  request.name = "pc-2";
  request.site = "east";
  request.id = numbered<HostId>(0xa0, 77);
  request.address = Ipv4{0x0a0000f0};
  request.curve_key = std::string(40, 'z');
  request.capacity = {8, 8192, 100};
  REQUIRE(accepted(campus.ask(request)));
  UpdateHost update;
  update.host = "pc-2";
  update.busy.emplace({window(5, 9)});
  REQUIRE(accepted(campus.ask(update)));
  REQUIRE(accepted(campus.ask(request)));
  CHECK(campus.model.hosts.at(request.id).busy == std::vector{window(5, 9)});
}
