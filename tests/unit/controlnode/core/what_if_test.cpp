#include "controlnode/core/what_if.h"

#include <doctest/doctest.h>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

struct Lab : Campus {
  Lab() {
    site("east");
    host("pc-1", "east");
    host("pc-2", "east");
    catalog();
  }
  WhatIf nodes(std::uint32_t workers) const {
    WhatIf asked;
    asked.request = create_request("", 1, workers);
    return asked;
  }
};

}  // namespace

TEST_CASE("what-if: without a change it is what a dry run says") {
  Lab lab;
  const Reply reply = what_if(lab.model, lab.nodes(3), at(lab.now));
  REQUIRE(accepted(reply));
  CHECK(std::get<Accepted>(reply).plan.size() == 4);
  CHECK(std::get<Accepted>(reply).dry_run);
  const Reply refusal = what_if(lab.model, lab.nodes(20), at(lab.now));
  REQUIRE_FALSE(accepted(refusal));
  CHECK(refused(refusal).error.code == Errc::no_capacity);
  CHECK_FALSE(refused(refusal).remedies.empty());
}

TEST_CASE("what-if: added hosts hold what did not fit, and nothing of it stays") {
  Lab lab;
  WhatIf asked = lab.nodes(20);
  asked.add = {{"east", "301", HostClass::scavenged, {16, 8192, 100}, 2}};
  const Model before = lab.model;
  const Reply reply = what_if(lab.model, asked, at(lab.now));
  REQUIRE(accepted(reply));
  bool added = false;
  for (const PlannedNode& node : std::get<Accepted>(reply).plan) added = added || node.host == "added-2";
  CHECK(added);
  CHECK(lab.model.hosts == before.hosts);
  CHECK(lab.model.claims == before.claims);
  CHECK(lab.model.key_pairs == before.key_pairs);
  // Never more than what is there: each holds 8.
  asked.request.workers = 33;
  CHECK(refused(what_if(lab.model, asked, at(lab.now))).error.code == Errc::no_capacity);
}

TEST_CASE("what-if: removed hosts are not there, uncordoned ones are") {
  Lab lab;
  WhatIf asked = lab.nodes(10);
  REQUIRE(accepted(what_if(lab.model, asked, at(lab.now))));
  asked.remove = {"pc-2"};
  CHECK(refused(what_if(lab.model, asked, at(lab.now))).error.code == Errc::no_capacity);
  asked.remove.clear();
  lab.ask(CordonHost{"pc-2", true});
  CHECK(refused(what_if(lab.model, asked, at(lab.now))).error.code == Errc::no_capacity);
  asked.uncordon = {"pc-2"};
  CHECK(accepted(what_if(lab.model, asked, at(lab.now))));
}

TEST_CASE("what-if: hosts with nodes on them may be removed, and a cluster may have any name") {
  Lab lab;
  REQUIRE(accepted(lab.create("what-if", 1, 3)));
  WhatIf asked = lab.nodes(4);
  asked.remove = {"pc-1"};
  CHECK(accepted(what_if(lab.model, asked, at(lab.now))));
}

TEST_CASE("what-if: what is not there is named") {
  Lab lab;
  const auto why = [&](auto change) {
    WhatIf asked = lab.nodes(1);
    change(asked);
    return refused(what_if(lab.model, asked, at(lab.now))).error.message;
  };
  CHECK(why([](WhatIf& asked) { asked.remove = {"pc-9"}; }) == "there is no host 'pc-9'");
  CHECK(why([](WhatIf& asked) { asked.uncordon = {"pc-9"}; }) == "there is no host 'pc-9'");
  CHECK(why([](WhatIf& asked) { asked.add = {{"moon", "", HostClass::anchor, {1, 1, 1}, 1}}; }) ==
        "there is no site 'moon'");
  CHECK(why([](WhatIf& asked) { asked.add = {{"east", "", HostClass::anchor, {1, 1, 1}, 1001}}; }) ==
        "at most 1000 hosts can be added");
  CHECK(why([](WhatIf& asked) { asked.request.flavor = "none"; }) == "there is no flavor 'none'");
}
