// What a project may hold, in decisions.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "controlnode/core/decide.h"
#include "controlnode/core/model_index.h"
#include "controlnode/core/quota.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct Stand {
  Stand() {
    campus.site("east");
    for (int i = 0; i < 4; ++i) campus.host("pc-" + std::to_string(i), "east");
    campus.catalog({1, 1024, 10});
  }
  Reply quota(const QuotaChange& change) { return campus.ask(UpdateProject{"default", false, change}); }
  Usage used() const { return ModelIndex(campus.model).usage_of(campus.model.projects.begin()->first); }

  Campus campus;
};

}  // namespace

TEST_CASE("quota: what goes beyond it is refused with what is used, wanted and allowed, and the way out") {
  Stand stand;
  REQUIRE(accepted(stand.quota({{"vcpus", 4}, {"clusters", 2}})));
  REQUIRE(accepted(stand.campus.create("one", 1, 1)));
  const Reply reply = stand.campus.create("two", 1, 3);
  REQUIRE_FALSE(accepted(reply));
  CHECK(refused(reply).error.code == Errc::quota);
  CHECK(to_string(refused(reply).error.code) == "quota");
  CHECK(refused(reply).error.message ==
        "the quota of project 'default' does not allow it: vCPUs: 4 wanted, 2 of 4 used. Take fewer or smaller nodes, "
        "delete what is not needed any more, or have the quota raised ('dure project set default --quota ...')");
  REQUIRE(refused(reply).remedies.size() == 1);
  CHECK(refused(reply).remedies[0].kind == RemedyKind::fewer_workers);
  CHECK(refused(reply).remedies[0].text == "with 1 worker instead of 3");
  CHECK(accepted(stand.campus.create("two", 1, 1)));
  CHECK(refused(stand.campus.create("three", 1, 0)).error.message.find("clusters: 1 wanted, 2 of 2 used") !=
        std::string::npos);
  CHECK(refused(stand.campus.scale("one", 2)).error.code == Errc::quota);
  CHECK(accepted(stand.campus.scale("one", 0)));
}

TEST_CASE("quota: fewer workers are offered only as far as they also fit on the hosts") {
  Campus campus;
  campus.site("east");
  campus.host("pc-1", "east", {16, 3 * 1024, 100});
  campus.catalog({1, 1024, 10});
  campus.ask(UpdateProject{"default", false, {{"vcpus", 6}}});
  const Reply reply = campus.create("one", 1, 9);
  REQUIRE(refused(reply).remedies.size() == 1);
  CHECK(refused(reply).remedies[0].text == "with 2 workers instead of 9");
  campus.ask(UpdateProject{"default", false, {{"vcpus", 0}}});
  CHECK(refused(campus.create("one", 1, 0)).remedies.empty());
}

TEST_CASE("quota: a dry run is refused alike, a limit below what is held takes nothing away") {
  Stand stand;
  REQUIRE(accepted(stand.campus.create("one", 1, 2)));
  REQUIRE(accepted(stand.quota({{"nodes", 1}})));
  CHECK(stand.used().nodes == 3);
  auto request = stand.campus.create_request("two", 1, 0);
  request.dry_run = true;
  CHECK(refused(stand.campus.ask(request)).error.code == Errc::quota);
  CHECK(accepted(stand.campus.ask(UpdateProject{"default", true, {}})));
  CHECK(accepted(stand.campus.ask(request)));
}

TEST_CASE("quota: what leaves counts until its host has confirmed") {
  Stand stand;
  stand.quota({{"nodes", 2}});
  REQUIRE(accepted(stand.campus.create("one", 1, 1)));
  stand.campus.report_all();
  REQUIRE(accepted(stand.campus.remove("one")));
  CHECK(refused(stand.campus.create("two", 1, 1)).error.code == Errc::quota);
  stand.campus.report_all();
  CHECK(accepted(stand.campus.create("two", 1, 1)));
}

TEST_CASE("quota: a worker is replaced although the quota is full, and its host's room is held until that has confirmed") {
  Stand stand;
  stand.quota({{"nodes", 2}});
  REQUIRE(accepted(stand.campus.create("one", 1, 1)));
  stand.campus.report_all();
  REQUIRE(accepted(stand.campus.ask(ReplaceNode{"one", "one-w1", true, {}})));
  REQUIRE(accepted(stand.campus.ask(ReplaceNode{"one", "one-w1", false, {}})));
  CHECK(stand.used().nodes == 2);
  CHECK(stand.campus.model.claims.size() == 3);
  // It is no way to more: what replaces counts, and so does what replaces that.
  CHECK(refused(stand.campus.ask(ScaleCluster{"one", 2, false, {}})).error.code == Errc::quota);
  REQUIRE(accepted(stand.campus.ask(ReplaceNode{"one", "one-w2", false, {}})));
  CHECK(stand.used().nodes == 2);
  CHECK(refused(stand.campus.create("two", 1, 0)).error.code == Errc::quota);
}

TEST_CASE("quota: projects are made and changed, and wrong parts are refused") {
  Campus campus;
  CHECK(accepted(campus.ask(CreateProject{"robotics", {{"memory_mib", 65536}}})));
  CHECK(accepted(campus.ask(CreateProject{"robotics", {{"memory_mib", 65536}}})));
  CHECK(refused(campus.ask(CreateProject{"robotics", {}})).error.code == Errc::already_exists);
  CHECK(refused(campus.ask(CreateProject{"Robotics", {}})).error.code == Errc::invalid_argument);
  CHECK(refused(campus.ask(CreateProject{"other", {{"gpus", 1}}})).error.code == Errc::invalid_argument);
  CHECK(refused(campus.ask(CreateProject{"other", {{"nodes", -1}}})).error.code == Errc::invalid_argument);
  CHECK(refused(campus.ask(UpdateProject{"nobody", false, {}})).error.code == Errc::not_found);
  REQUIRE(accepted(campus.ask(UpdateProject{"robotics", false, {{"nodes", 3}, {"memory_mib", std::nullopt}}})));
  CHECK(campus.model.projects.begin()->second.quota == Quota{{}, {}, {}, 3, {}});
}

TEST_CASE("quota: no sequence of requests and reports brings a project beyond its quota") {
  CHECK(rc::check([] {
    Stand stand;
    const Quota quota{*rc::gen::inRange<std::int64_t>(0, 12), *rc::gen::inRange<std::int64_t>(0, 12'000),
                      *rc::gen::inRange<std::int64_t>(0, 120), *rc::gen::inRange<std::int64_t>(0, 12),
                      *rc::gen::inRange<std::int64_t>(0, 5)};
    stand.campus.model.projects.begin()->second.quota = quota;
    Kept kept;
    stand.campus.kept = &kept;
    for (int step = 0; step < 25; ++step) {
      std::vector<Event> batch;
      for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
        const std::string name(1, static_cast<char>('a' + *rc::gen::inRange(0, 6)));
        const auto workers = *rc::gen::inRange<std::uint32_t>(0, 5);
        switch (*rc::gen::inRange(0, 5)) {
          case 0:
          case 1: batch.push_back(RequestEvent{1, stand.campus.create_request(name, 1, workers)}); break;
          case 2: batch.push_back(RequestEvent{1, ScaleCluster{name, workers, false, {}}}); break;
          case 3: batch.push_back(RequestEvent{1, ReplaceNode{name, name + "-w" + std::to_string(workers), false, {}}}); break;
          default: batch.push_back(RequestEvent{1, DeleteCluster{name, {}}});
        }
      }
      stand.campus.decide_all(batch);
      if (*rc::gen::inRange(0, 3) == 0) stand.campus.report_all();
      const Usage used = stand.used();
      for (const QuotaPart& part : quota_parts()) RC_ASSERT(part.of(used) <= (quota.*part.limit).value());
      RC_ASSERT(kept.index(stand.campus.model).usage_of(stand.campus.model.projects.begin()->first) == used);
    }
  }));
}
