#include "controlnode/core/decide_hosts.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "controlnode/core/lead.h"
#include "controlnode/core/observations.h"
#include "controlnode/core/placement.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

const std::string kKey(40, 'Z');

struct Lab : Campus {
  Lab() {
    site("east");
    one = host("pc-1", "east", kCapacity, HostClass::anchor);
    two = host("pc-2", "east");
    three = host("pc-3", "east");
    catalog();
    REQUIRE(accepted(create("demo", 1, 1)));
    report_all();
    REQUIRE(node("demo-w1")->host == two);
  }
  Reply replace(const HostId& id, const std::string& key = kKey, std::optional<Ipv4> address = {}) {
    return ask(ReplaceHost{"pc-2", id, key, address});
  }
  Errc code(const Reply& reply) const { return refused(reply).error.code; }

  HostId one, two, three;
  const HostId fresh = numbered<HostId>(0xb0, 1);
};

}  // namespace

TEST_CASE("hosts: one that is given up is not waited for, counted, admitted or placed on, and can be forgotten") {
  Lab lab;
  REQUIRE(accepted(lab.ask(LoseHost{"pc-2", true})));
  CHECK(lab.model.hosts.at(lab.two).lost_at == lab.now);
  CHECK(lab.model.claims.size() == 1);
  CHECK(lab.node("demo-w1") == nullptr);
  CHECK(std::all_of(lab.model.removals.at(lab.two).begin(), lab.model.removals.at(lab.two).end(),
                    [](const Removal& removal) { return removal.owed; }));
  // Nothing is said twice.
  REQUIRE(accepted(lab.ask(LoseHost{"pc-2", true})));
  CHECK(lab.last.changes.empty());
  REQUIRE(accepted(lab.ask(DeleteObject{"host", "pc-2"})));
  const auto* told = std::get_if<EventRow>(&lab.last.changes.back());
  REQUIRE(told);
  CHECK(told->message.find("was not seen to remove demo-w1") != std::string::npos);
  CHECK_FALSE(lab.model.removals.contains(lab.two));
  CHECK_FALSE(lab.model.hosts.contains(lab.two));
  CHECK(lab.code(lab.ask(LoseHost{"pc-2", true})) == Errc::not_found);
}

TEST_CASE("hosts: what is still waited for keeps a host that was not given up, and says how it can go") {
  Lab lab;
  lab.remove("demo");
  const Reply reply = lab.ask(DeleteObject{"host", "pc-2"});
  REQUIRE(lab.code(reply) == Errc::conflict);
  lab.report(lab.one);
  lab.now = seconds_in(180);
  lab.report(lab.one);
  lab.tick();
  REQUIRE(lab.cluster("demo") == nullptr);
  CHECK(refused(lab.ask(DeleteObject{"host", "pc-2"})).error.message.find("'dure host lost pc-2'") != std::string::npos);
}

TEST_CASE("hosts: another PC takes the place of one, with its name, room and debts, and is ordered above what that one knew") {
  Lab lab;
  const auto generation = lab.model.hosts.at(lab.two).generation;
  REQUIRE(accepted(lab.replace(lab.fresh)));
  CHECK_FALSE(lab.model.hosts.contains(lab.two));
  const Host& host = lab.model.hosts.at(lab.fresh);
  CHECK(host.name == "pc-2");
  CHECK(host.curve_key == kKey);
  CHECK_FALSE(host.lost_at);
  CHECK(host.generation > generation);
  CHECK(lab.node("demo-w1") == nullptr);
  REQUIRE(lab.model.removals.at(lab.fresh).size() == 2);
  CHECK_FALSE(lab.model.removals.contains(lab.two));
  CHECK(lab.orders.at(lab.fresh).removed_vms.size() == 1);
  CHECK(why_unusable(lab.model, lab.fresh, 0, at(lab.now)).code == Unusable::not_reported);
  // It has the old VM: until that is gone it is given nothing.
  HostReport report = lab.idle_report(lab.fresh);
  report.vms.push_back({lab.orders.at(lab.fresh).removed_vms[0].id, 1, {}, VmState::running, {}, {}});
  report.accepted_generation = host.generation;
  lab.tell(report);
  CHECK(why_unusable(lab.model, lab.fresh, 0, at(lab.now)).code == Unusable::owes);
  lab.report(lab.fresh);
  CHECK(why_unusable(lab.model, lab.fresh, 0, at(lab.now)).code == Unusable::no);
  CHECK(lab.model.removals.empty());
  REQUIRE(accepted(lab.replace(lab.fresh)));
  CHECK(lab.last.changes.empty());
}

TEST_CASE("hosts: the same PC with a new key, and one with another address") {
  Lab lab;
  REQUIRE(accepted(lab.replace(lab.two, kKey, Ipv4{0x0a0000fe})));
  CHECK(lab.model.hosts.at(lab.two).curve_key == kKey);
  CHECK(lab.model.hosts.at(lab.two).address == Ipv4{0x0a0000fe});
  CHECK(lab.model.removals.at(lab.two).size() == 2);
}

TEST_CASE("hosts: who is added under the name or id of one that was given up is told how to take its place") {
  Lab lab;
  AddHost again;
  again.name = "pc-2";
  again.site = "east";
  again.id = lab.fresh;
  again.address = Ipv4{0x0a0000fe};
  again.curve_key = kKey;
  again.capacity = Campus::kCapacity;
  const auto why = [&] { return refused(lab.ask(again)).error.message; };
  CHECK(why() == "host 'pc-2' exists already");
  REQUIRE(accepted(lab.ask(LoseHost{"pc-2", true})));
  const std::string way_out = "was given up: 'dure host replace pc-2' puts another PC in its place, 'dure host delete' forgets it";
  CHECK(why() == "host 'pc-2' exists already and " + way_out);
  again.name = "pc-9";
  again.id = lab.two;
  CHECK(why() == "the id belongs to host 'pc-2', which " + way_out);
}

TEST_CASE("hosts: a cluster that has lost most of its control plane is told what is left, one that has lost less is not") {
  Lab lab;
  for (const auto* name : {"pc-4", "pc-5"}) lab.host(name, "east");
  REQUIRE(accepted(lab.create("three", 3, 0)));
  lab.report_all();
  const auto why_not_repaired = [&] {
    RepairCluster repair;
    repair.cluster = "three";
    const Reply reply = lab.ask(repair);
    REQUIRE(lab.code(reply) == Errc::conflict);
    return refused(reply).error.message;
  };
  const std::string way_out = "'dure cluster delete three' is what is left";
  const auto lose = [&](const std::string& node) { REQUIRE(accepted(lab.ask(LoseHost{lab.node(node)->host.str(), true}))); };
  lose("three-cp1");
  CHECK(lab.cluster("three")->reason == "1 of 3 control-plane members lost with its host");
  CHECK(why_not_repaired().find(way_out) == std::string::npos);
  lose("three-cp2");
  CHECK(lab.cluster("three")->reason == "2 of 3 control-plane members lost with their hosts: " + way_out);
  CHECK(why_not_repaired().find(way_out) != std::string::npos);
}

TEST_CASE("hosts: what is another's, or no PC's, takes nobody's place") {
  Lab lab;
  CHECK(lab.code(lab.replace(lab.one)) == Errc::already_exists);
  CHECK(lab.code(lab.replace(lab.fresh, lab.model.hosts.at(lab.one).curve_key)) == Errc::already_exists);
  CHECK(lab.code(lab.replace(lab.fresh, kKey, lab.model.hosts.at(lab.one).address)) == Errc::already_exists);
  CHECK(lab.code(lab.replace(lab.fresh, "short")) == Errc::invalid_argument);
  CHECK(lab.code(lab.replace(HostId{})) == Errc::invalid_argument);
  CHECK(lab.code(lab.replace(lab.fresh, kKey, Ipv4{0x7f000001})) == Errc::invalid_argument);
  CHECK(lab.node("demo-w1") != nullptr);
  CHECK(lab.last.changes.empty());
}

TEST_CASE("hosts: a new address goes to every host that has a node of one of its clusters") {
  Lab lab;
  UpdateHost request;
  request.host = "pc-2";
  request.address = Ipv4{0x0a0000fd};
  REQUIRE(accepted(lab.ask(request)));
  CHECK(lab.last.ordered == std::vector<HostId>{lab.one, lab.two});
  CHECK(lab.orders.at(lab.one).networks[0].peers[0].vtep == Ipv4{0x0a0000fd});
  request.address = lab.model.hosts.at(lab.one).address;
  CHECK(lab.code(lab.ask(request)) == Errc::already_exists);
  // Out of what clusters are given: the PC would take its neighbours for guests.
  request.address = Ipv4{0x0a800005};
  CHECK(refused(lab.ask(request)).error.message.find("10.128.0.0/10") != std::string::npos);
}

TEST_CASE("hosts: nothing is placed on whom this control node has not heard, however short it leads") {
  Lab lab;
  Model next = lab.model;
  begin_lead(next, Model{}, steady(lab.now));
  CHECK(why_unusable(next, lab.three, 0, at(lab.now)).code == Unusable::silent);
  // But a model that is loaded again by the same program is not the beginning of a lead.
  Model again = lab.model;
  begin_lead(again, lab.model, steady(lab.now));
  CHECK(why_unusable(again, lab.three, 0, at(lab.now)).code == Unusable::no);
}

TEST_CASE("hosts: silence is told once, with its last word, and survives the control node") {
  Lab lab;
  lab.now = seconds_in(100);
  lab.report(lab.one);
  lab.tick();
  CHECK(lab.model.observations.at(lab.three).silent);
  Model next = lab.model;
  begin_lead(next, Model{}, steady(seconds_in(200)));
  CHECK(why_unusable(next, lab.three, 0, at(seconds_in(300))).text == "has been silent since " + to_rfc3339(kStart));
  lab.report(lab.three);
  CHECK_FALSE(lab.model.observations.at(lab.three).silent);
  CHECK(std::any_of(lab.last.changes.begin(), lab.last.changes.end(), [](const Change& change) {
    const auto* event = std::get_if<EventRow>(&change);
    return event != nullptr && event->kind == "host.returned" && event->message.find("since " + to_rfc3339(kStart)) != std::string::npos;
  }));
}

TEST_CASE("hosts: deadlines of an earlier lead are bounded by what they would be now, and leave time to report") {
  Campus campus;
  campus.site("east");
  campus.host("pc-1", "east");
  campus.catalog();
  REQUIRE(accepted(campus.create("demo", 1, 0)));
  const SteadyPoint now = steady(seconds_in(50));
  for (const auto& [written, expected] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1'000'000'000, 50 + 900}, {-1'000'000'000, 50 + 120}, {400, 400}}) {
    Model next = campus.model;
    next.nodes.begin()->second.deadline = steady(seconds_in(written));
    begin_lead(next, Model{}, now);
    CHECK(next.nodes.begin()->second.deadline == steady(seconds_in(expected)));
  }
}

TEST_CASE("hosts: a cluster's addresses come back, as late as possible, and never while somebody knows them by another") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east", {64, 65536, 1000});
  campus.catalog({2, 2048, 10});
  campus.model.settings.cluster_prefix_length = 28;  // 16: of nodes 11 to 14
  auto request = campus.create_request("demo", 1, 2);
  request.image = "kubernetes";
  REQUIRE(accepted(campus.ask(request)));
  campus.report_all();
  const auto address = [&](const std::string& name) { return campus.node(name)->address.value & 0xf; };
  CHECK(address("demo-w2") == 13);
  std::uint32_t before = 13;
  for (std::uint32_t next = 3; next < 20; ++next) {
    ReplaceNode replace;
    replace.cluster = "demo";
    replace.node = "demo-w" + std::to_string(next - 1);
    REQUIRE(accepted(campus.ask(replace)));
    const auto now = address("demo-w" + std::to_string(next));
    CHECK(now != before);
    CHECK(now != 11);
    CHECK(now != address("demo-w1"));
    before = now;
    // Its cluster lets it go, and its host removes it. That it is gone its cluster is told, and says that it knows.
    const auto let_go = [&] {
      HostReport report = campus.report_of(host);
      for (VmReport& vm : report.vms) vm.departed = {replace.node};
      campus.tell(report);
    };
    let_go();
    campus.report(host);
    campus.report(host);
    REQUIRE(campus.node(replace.node) == nullptr);
    CHECK(campus.cluster("demo")->departing.size() == 1);
    let_go();
    CHECK(campus.cluster("demo")->departing.empty());
  }
  // One that its cluster has not let go keeps its address.
  ReplaceNode replace;
  replace.cluster = "demo";
  replace.node = "demo-w19";
  REQUIRE(accepted(campus.ask(replace)));
  campus.report(host);
  campus.now = campus.now + Duration{300'000'000};
  campus.report(host);
  campus.tick();
  campus.report(host);
  REQUIRE(campus.node("demo-w19") == nullptr);
  CHECK(campus.cluster("demo")->departing.size() == 1);
  replace.node = "demo-w20";
  const Reply reply = campus.ask(replace);
  REQUIRE_FALSE(accepted(reply));
  CHECK(refused(reply).error.message.find("has 0 free addresses") != std::string::npos);
  HostReport report = campus.report_of(host);
  for (VmReport& vm : report.vms) vm.departed = {"demo-w19"};
  campus.tell(report);
  CHECK(accepted(campus.ask(replace)));
}

TEST_CASE("hosts: history that is too old goes by and by, what still runs never") {
  Lab lab;
  const auto operations = lab.model.operations.size();
  REQUIRE(operations == 1);
  lab.now = lab.now + std::chrono::hours(24 * 29);
  lab.report_all();
  lab.tick();
  lab.remove("demo");
  lab.now = lab.now + std::chrono::hours(24 * 2);
  lab.tick();
  lab.now = lab.now + std::chrono::hours(2);
  lab.tick();
  CHECK(lab.model.operations.size() == 1);
  CHECK(lab.model.operations.begin()->second.kind == OperationKind::cluster_delete);
}

TEST_CASE("hosts: a PC that knows orders of an earlier life is ordered above them from its first word on") {
  Lab lab;
  HostReport report = lab.idle_report(lab.three);
  lab.model.observations.erase(lab.three);
  REQUIRE(lab.model.hosts.at(lab.three).generation == 0);
  SUBCASE("its process still has the order") { report.accepted_generation = report.known_generation = 11; }
  SUBCASE("its journal alone knows it") { report.known_generation = 11; }
  lab.tell(report);
  CHECK(lab.model.hosts.at(lab.three).generation == 12);
  CHECK(lab.orders.at(lab.three).generation == 12);
  report.sequence += 1;
  report.accepted_generation = report.known_generation = 12;
  lab.tell(report);
  CHECK(why_unusable(lab.model, lab.three, 0, at(lab.now)).code == Unusable::no);
  // Later it is the database that may have been set back.
  report.sequence += 1;
  report.accepted_generation = report.known_generation = 20;
  lab.tell(report);
  CHECK(lab.model.hosts.at(lab.three).generation == 12);
  CHECK(why_unusable(lab.model, lab.three, 0, at(lab.now)).code == Unusable::restored);
}

TEST_CASE("hosts: no first word takes a row's generation to where it could not go on") {
  Lab lab;
  lab.model.observations.erase(lab.three);
  HostReport report = lab.idle_report(lab.three);
  report.known_generation = kMaxStored;
  lab.tell(report);
  CHECK(lab.model.hosts.at(lab.three).generation == 0);
}

TEST_CASE("hosts: a deletion says what keeps a host from removing") {
  Lab lab;
  REQUIRE(accepted(lab.remove("demo")));
  HostReport report = lab.report_of(lab.two);
  REQUIRE(lab.orders.at(lab.two).removed_vms.size() == 1);
  const auto vm = lab.orders.at(lab.two).removed_vms[0].id;
  report.vms.push_back({vm, 1, {}, VmState::running, {}, {}});
  report.failures.push_back({ObjectKind::vm, vm.uuid, FailureCode::hypervisor, "stuck: under way for more than 60 s"});
  lab.tell(report);
  lab.report(lab.one);
  lab.tick();
  REQUIRE(lab.cluster("demo"));
  const auto& operation = lab.model.operations.at(*lab.cluster("demo")->operation);
  CHECK(operation.steps.back().detail.find("pc-2 (hypervisor: stuck: under way for more than 60 s)") != std::string::npos);
  for (int passed = 10; passed <= 310; passed += 10) {
    lab.now = seconds_in(passed);
    report.sequence += 1000;
    lab.tell(report);
    lab.report(lab.one);
    lab.tick();
  }
  CHECK(lab.cluster("demo") == nullptr);
  CHECK(lab.model.operations.at(operation.id).warning.find("stuck: under way") != std::string::npos);
}
