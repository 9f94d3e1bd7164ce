#include "protocol/wire/codec_placement.h"

#include <doctest/doctest.h>

#include "protocol/schema/placement_record.pb.h"
#include "tests/unit/protocol/wire/codec_unknown.h"

using namespace dure;

namespace {

template <class IdType>
IdType id(std::uint8_t number) {
  IdType made;
  made.uuid.bytes[15] = number;
  return made;
}

StoredFleet fleet() {
  StoredHost host{id<HostId>(1), "pc-1", id<SiteId>(2), "anchor", true, "is 'cordoned'", {8, -1, 100}, {1, 2, 3},
                  4, "not-reported", "301", {"gpu=none", ""}, {{TimePoint{-5}, TimePoint{7}}}, {id<ImageId>(3)}, 5};
  return {{host, host}, {id<HostId>(9)}};
}

StoredQuestion question() {
  StoredQuestion made;
  made.nodes = {{id<NodeId>(1), "demo-cp1", "control-plane", {1, 1024, 10}, 1}};
  made.sites = {id<SiteId>(1), id<SiteId>(2)};
  made.members = {{id<HostId>(1), "worker"}};
  made.strategy = "pack";
  made.survive = "room";
  made.apart = true;
  made.now = {1'700'000'000'000'000};
  made.until = TimePoint{0};
  made.pools = {{{id<SiteId>(1)}, {"301"}, {"ssd"}, {"anchor"}}, {}};
  made.image = id<ImageId>(0);
  made.round_trip_us = 0;
  made.round_trips = {{id<SiteId>(1), id<SiteId>(2), 900}};
  made.closed = {{id<SiteId>(2), "is at a site that is closed"}};
  made.near = {10'000, {{id<SiteId>(1), id<SiteId>(2), 12}}, {{id<SiteId>(1), "north"}}};
  return made;
}

StoredAnswer answer() {
  StoredAnswer made;
  made.placed = {{id<NodeId>(1), id<HostId>(2)}};
  made.unplaced = {id<NodeId>(3)};
  made.refusals = 7;
  made.refusals_digest.bytes.fill(8);
  made.remedies = {{"more-room", "with 5 MiB more"}};
  return made;
}

// An unknown field anywhere is refused.
template <class Message, class Decode>
void refuses_unknown(const std::string& bytes, const Decode& decode) {
  for (int at = 0;; ++at) {
    Message message;
    REQUIRE(message.ParseFromString(bytes));
    int n = at;
    if (!dure::samples::add_unknown(message, n)) {
      CHECK(at > 0);
      return;
    }
    CAPTURE(at);
    CHECK_FALSE(decode(message.SerializeAsString()).ok());
  }
}

}  // namespace

TEST_CASE("placement codec: what is encoded is decoded again") {
  CHECK(*wire::decode_stored_fleet(wire::encode(fleet())) == fleet());
  CHECK(*wire::decode_stored_question(wire::encode(question())) == question());
  CHECK(*wire::decode_stored_answer(wire::encode(answer())) == answer());
  CHECK(*wire::decode_stored_fleet(wire::encode(StoredFleet{})) == StoredFleet{});
  CHECK(*wire::decode_stored_fleet("") == StoredFleet{});
}

TEST_CASE("placement codec: a field that this version does not know is refused at every depth") {
  refuses_unknown<schema::StoredFleet>(wire::encode(fleet()), &wire::decode_stored_fleet);
  refuses_unknown<schema::StoredQuestion>(wire::encode(question()), &wire::decode_stored_question);
  refuses_unknown<schema::StoredAnswer>(wire::encode(answer()), &wire::decode_stored_answer);
}

TEST_CASE("placement codec: what breaks its rule is refused with the field's name") {
  const auto refused = [](auto change) {
    schema::StoredFleet message;
    REQUIRE(message.ParseFromString(wire::encode(fleet())));
    change(*message.mutable_changed(0));
    const auto decoded = wire::decode_stored_fleet(message.SerializeAsString());
    return decoded.ok() ? std::string() : decoded.error().message;
  };
  CHECK(refused([](auto& host) { host.set_host("short"); }) == "host.host is not 16 bytes");
  CHECK(refused([](auto& host) { host.set_host_class("Anchor!"); }) == "host.class is not a name");
  CHECK(refused([](auto& host) { host.set_name("a\nb"); }) == "host.name is not printable text");
  CHECK(refused([](auto& host) { host.set_why_not(std::string(5000, 'x')); }) == "host.why_not is too long");
  CHECK(refused([](auto& host) { host.clear_free(); }) != "");
  CHECK(refused([](auto& host) { host.add_images("x"); }) == "host.images is not 16 bytes");
  CHECK_FALSE(wire::decode_stored_question("").ok());
  CHECK_FALSE(wire::decode_stored_answer("").ok());
  CHECK_FALSE(wire::decode_stored_fleet("\x0a\x05no").ok());
}

TEST_CASE("placement codec: a strange word does not cost the record, it is made printable") {
  auto strange = fleet();
  strange.changed[0].why_not = "a\nb\xff";
  strange.changed[0].name = std::string(1000, 'n');
  const auto decoded = wire::decode_stored_fleet(wire::encode(strange));
  REQUIRE(decoded.ok());
  CHECK(decoded->changed[0].why_not == "a?b?");
  CHECK(decoded->changed[0].name.size() == 256);
}
