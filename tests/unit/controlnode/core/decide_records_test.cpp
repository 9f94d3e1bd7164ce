#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "controlnode/core/placement/chain.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

std::vector<PlacementRecord> recorded(const Decision& decision) {
  std::vector<PlacementRecord> records;
  for (const Change& change : decision.changes) {
    if (const auto* put = std::get_if<PutPlacementRecord>(&change)) records.push_back(put->record);
  }
  return records;
}

struct Lab : Campus {
  Lab() {
    site("east");
    site("west");
    for (const char* name : {"pc-1", "pc-2"}) host(name, "east");
    for (const char* name : {"pc-3", "pc-4"}) host(name, "west");
    catalog();
  }
  HostId host_of(const std::string& name) { return node(name)->host; }
};

}  // namespace

TEST_CASE("records: a created cluster has its question, its answer and the fleet it was asked of") {
  Lab lab;
  REQUIRE(accepted(lab.create("demo", 1, 2)));
  const auto records = recorded(lab.last);
  REQUIRE(records.size() == 1);
  const PlacementRecord& record = records[0];
  CHECK(record.number == 1);
  CHECK(record.segment == 1);
  CHECK(record.at == lab.now);
  CHECK(record.kind == PlacementKind::create);
  CHECK(record.cluster == lab.cluster("demo")->id);
  CHECK(record.cluster_name == "demo");
  CHECK(record.wanted.size() == 3);
  CHECK_FALSE(record.refused());
  REQUIRE(record.placed.size() == 3);
  for (const Placement& placed : record.placed) CHECK(lab.model.nodes.at(placed.node).host == placed.host);
  // Before the claims of this very request.
  CHECK(record.fleet.changed.size() == 4);
  for (const Candidate& host : record.fleet.changed) CHECK(host.nodes == 0);
  CHECK(replay(record, lab.model.placements->fleet).identical());
}

TEST_CASE("records: the next decision names only the hosts that are other than before") {
  Lab lab;
  REQUIRE(accepted(lab.create("demo", 1, 0)));
  const HostId host = lab.host_of("demo-cp1");
  REQUIRE(accepted(lab.create("more", 1, 0)));
  const auto record = recorded(lab.last).at(0);
  CHECK(record.number == 2);
  CHECK(record.segment == 1);
  REQUIRE(record.fleet.changed.size() == 1);
  CHECK(record.fleet.changed[0].host == host);
  CHECK(record.fleet.changed[0].nodes == 1);
}

TEST_CASE("records: a refusal is recorded with its summary and its ways out, and nothing else is") {
  Lab lab;
  const Reply reply = lab.create("demo", 1, 40);
  REQUIRE_FALSE(accepted(reply));
  CHECK(only_recorded(lab.last));
  const auto record = recorded(lab.last).at(0);
  CHECK(record.refused());
  CHECK(record.placed.empty());
  CHECK(record.summary == refused(reply).error.message);
  CHECK(record.refusals == refused(reply).refusals.size());
  REQUIRE(record.remedies.size() == refused(reply).remedies.size());
  CHECK(record.remedies.at(0).text == refused(reply).remedies.at(0).text);
  CHECK(replay(record, lab.model.placements->fleet).identical());
}

TEST_CASE("records: what only asks, and what places nothing, is not recorded") {
  Lab lab;
  auto request = lab.create_request("demo", 1, 1);
  request.dry_run = true;
  lab.ask(request);
  CHECK(lab.last.changes.empty());
  request.workers = 60;
  lab.ask(request);
  CHECK(lab.last.changes.empty());
  REQUIRE(accepted(lab.create("demo", 1, 1)));
  lab.report_all();
  ScaleCluster dry;
  dry.cluster = "demo";
  dry.workers = 50;
  dry.dry_run = true;
  lab.ask(dry);
  CHECK(lab.last.changes.empty());
  REQUIRE(accepted(lab.scale("demo", 0)));
  CHECK(recorded(lab.last).empty());
}

TEST_CASE("records: scaling, replacing and repairing say what they are, and who is there already") {
  Lab lab;
  REQUIRE(accepted(lab.create("demo", 1, 1)));
  lab.report_all();
  REQUIRE(accepted(lab.scale("demo", 2)));
  const auto scaled = recorded(lab.last).at(0);
  CHECK(scaled.kind == PlacementKind::scale);
  CHECK(scaled.policy.members.size() == 2);
  CHECK(scaled.wanted.size() == 1);
  lab.report_all();
  REQUIRE(accepted(lab.ask(ReplaceNode{"demo", "demo-w1", false, {}})));
  CHECK(recorded(lab.last).at(0).kind == PlacementKind::replace);
  lab.report_all();
  const HostId gone = lab.host_of("demo-w2");
  lab.now = seconds_in(100);
  for (const auto& [id, row] : std::map<HostId, Host>(lab.model.hosts)) {
    if (id != gone) lab.report(id);
  }
  lab.tick();
  REQUIRE(lab.node("demo-w2")->state == NodeState::unknown);
  REQUIRE(accepted(lab.ask(RepairCluster{"demo", true, false, {}})));
  const auto repaired = recorded(lab.last).at(0);
  CHECK(repaired.kind == PlacementKind::repair);
  CHECK(repaired.number == 4);
  const auto silent = std::find_if(repaired.fleet.changed.begin(), repaired.fleet.changed.end(),
                                   [&](const Candidate& host) { return host.host == gone; });
  REQUIRE(silent != repaired.fleet.changed.end());
  CHECK(silent->reason == Unusable::silent);
}

TEST_CASE("records: the decisions of one batch follow each other") {
  Lab lab;
  const Decision both = lab.decide_all(
      {RequestEvent{1, lab.create_request("a", 1, 0)}, RequestEvent{2, lab.create_request("b", 1, 0)}});
  const auto records = recorded(both);
  REQUIRE(records.size() == 2);
  CHECK(records[1].number == 2);
  CHECK(records[1].fleet.changed.size() == 1);
  auto fleet = fleet_of(std::vector{records[0].fleet});
  CHECK(replay(records[0], fleet).identical());
  apply_delta(fleet, records[1].fleet);
  CHECK(replay(records[1], fleet).identical());
}

TEST_CASE("records: whatever happens on a campus, every decision replays from its records alone") {
  CHECK(rc::check([] {
    Lab lab;
    Kept kept;
    if (*rc::gen::arbitrary<bool>()) lab.kept = &kept;
    std::vector<FleetDelta> deltas;
    for (int step = 0; step < 12; ++step) {
      const std::string name = "c" + std::to_string(*rc::gen::inRange(0, 4));
      const auto nodes = *rc::gen::inRange<std::uint32_t>(0, 12);
      switch (*rc::gen::inRange(0, 6)) {
        case 0:
        case 1: lab.create(name, *rc::gen::element<std::uint32_t>(1, 3), nodes); break;
        case 2: lab.scale(name, nodes); break;
        case 3: lab.remove(name); break;
        case 4: lab.report_all(); break;
        default:
          lab.ask(CordonHost{"pc-" + std::to_string(*rc::gen::inRange(1, 5)), *rc::gen::arbitrary<bool>()});
      }
      lab.now = lab.now + Duration{*rc::gen::inRange(0, 9) * 1'000'000};
      for (const PlacementRecord& record : recorded(lab.last)) {
        deltas.push_back(record.fleet);
        RC_ASSERT(record.number == deltas.size());
        RC_ASSERT(replay(record, fleet_of(deltas)).identical());
      }
    }
  }));
}
