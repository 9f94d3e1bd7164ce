#include "controlnode/edges/postgres/placement_mapping.h"

#include <doctest/doctest.h>

#include "protocol/wire/codec_placement.h"
#include "tests/unit/controlnode/core/placement/any_fleet.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

TEST_CASE("placement mapping: any fleet is the same after it was stored") {
  CHECK(rc::check([] {
    FleetDelta fleet{any_rules(12, 1).hosts, {}};
    for (Candidate& host : fleet.changed) {
      host.reason = *rc::gen::element(Unusable::no, Unusable::cordoned, Unusable::not_reported, Unusable::silent,
                                      Unusable::restored, Unusable::crowded);
      if (*rc::gen::arbitrary<bool>()) host.images.push_back(numbered<ImageId>(0x1a, *rc::gen::inRange(1u, 9u)));
      fleet.removed.push_back(host.host);
    }
    RC_ASSERT(decoded_fleet({1, wire::encode(stored_fleet(fleet))}) == fleet);
  }));
}

TEST_CASE("placement mapping: any question and its answer are the same after they were stored, and replay") {
  CHECK(rc::check([] {
    const AnyCase made = any_rules(8, 6);
    Question question{made.hosts, made.wanted, made.policy};
    if (*rc::gen::arbitrary<bool>()) question.policy.image = numbered<ImageId>(0x1a, 1);
    NearRule near;
    if (*rc::gen::arbitrary<bool>()) {
      near = {Duration{1000},
              {{numbered<SiteId>(0x5e, 1), numbered<SiteId>(0x5e, 2), Duration{900}}},
              {{numbered<SiteId>(0x5e, 1), "north"}}};
    }
    auto record = record_of(PlacementKind::create, numbered<ClusterId>(0xc1, 1), "demo", question.wanted, question.policy, near);
    set_answer(record, place_near(near, question));
    record.remedies.push_back({"more-room", "with more"});
    PlacementRecord read;
    read.kind = record.kind;
    read.cluster = record.cluster;
    read.cluster_name = record.cluster_name;
    read.summary = record.summary;
    read_question(*wire::decode_stored_question(wire::encode(stored_question(record))), read);
    read_answer(*wire::decode_stored_answer(wire::encode(stored_answer(record))), read);
    RC_ASSERT(read == record);
    RC_ASSERT(replay(read, made.hosts).identical());
  }));
}

TEST_CASE("placement mapping: a word that no version wrote is refused") {
  StoredHost host;
  host.host_class = "anchor";
  host.reason = "usable";
  CHECK_NOTHROW(decoded_fleet({1, wire::encode(StoredFleet{{host}, {}})}));
  host.reason = "bored";
  CHECK_THROWS_AS(decoded_fleet({1, wire::encode(StoredFleet{{host}, {}})}), Unreadable);
  host.reason = "usable";
  host.host_class = "tractor";
  CHECK_THROWS_AS(decoded_fleet({1, wire::encode(StoredFleet{{host}, {}})}), Unreadable);
  CHECK_THROWS_AS(decoded_fleet({1, "\x01"}), Unreadable);
  StoredQuestion question;
  question.strategy = "hope";
  question.survive = "nothing";
  PlacementRecord record;
  CHECK_THROWS_AS(read_question(question, record), Unreadable);
}
