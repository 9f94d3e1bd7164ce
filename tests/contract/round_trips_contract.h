#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <vector>

#include "hostagent/ports/round_trips.h"

namespace dure::host::contract {

inline SiteId measured_site(std::uint8_t n) {
  SiteId id;
  id.uuid.bytes.fill(n);
  return id;
}

struct RoundTripsWorld {
  RoundTrips& round_trips;
  Ipv4 answering, also_answering, silent;
  // The next measurement that is told; nothing: none is. How long to wait for it depends on whether one
  // is expected.
  std::function<std::optional<std::vector<MeasuredRoundTrip>>(bool expected)> next;
};

inline void round_trips_contract(RoundTripsWorld& world) {
  const auto near = measured_site(1), far = measured_site(2);
  INFO("nobody is asked before there is a list");
  CHECK(!world.next(false));

  INFO("each site is told once, whoever of it answers; who is silent is told of, too");
  // In an order that is not the sites'.
  world.round_trips.measure({{far, world.silent}, {near, world.answering}, {near, world.also_answering}});
  auto measured = world.next(true);
  REQUIRE(measured);
  REQUIRE(measured->size() == 2);
  const auto& first = measured->at(0);
  CHECK(first.site == near);
  CHECK(first.sent == 2 * measured->at(1).sent);
  CHECK(first.answered == first.sent);
  CHECK(first.least_us > 0);
  CHECK(first.least_us <= first.median_us);
  CHECK(first.sent <= kMaxEchoes);
  CHECK(measured->at(1) == MeasuredRoundTrip{far, first.sent / 2, 0, 0, 0});

  INFO("again and again");
  CHECK(world.next(true));

  INFO("half of a site is enough");
  world.round_trips.measure({{near, world.silent}, {near, world.answering}});
  do {
    measured = world.next(true);  // one of the list before may be on its way
    REQUIRE(measured);
  } while (measured->size() != 1);
  CHECK(measured->front().answered * 2 == measured->front().sent);
  CHECK(measured->front().median_us > 0);

  INFO("an empty list ends it");
  world.round_trips.measure({});
  world.next(false);  // what was on its way
  CHECK(!world.next(false));
}

}  // namespace dure::host::contract
