#include "controlnode/core/id_stream.h"

#include <doctest/doctest.h>

#include <set>

using namespace dure;
using namespace dure::control;

TEST_CASE("id_stream: the same seed gives the same ids, another seed none of them") {
  std::array<std::uint8_t, 16> seed{};
  seed[0] = 7;
  IdStream one(seed), same(seed);
  seed[15] = 1;
  seed[3] = 9;
  IdStream other(seed);
  std::set<Uuid> ids;
  for (int i = 0; i < 1000; ++i) {
    const Uuid id = one.next();
    CHECK(id == same.next());
    CHECK(ids.insert(id).second);
    CHECK(ids.insert(other.next()).second);
  }
}

TEST_CASE("id_stream: ids are version 7 UUIDs, also where the counter carries over") {
  std::array<std::uint8_t, 16> seed{};
  seed.fill(0xff);
  IdStream stream(seed, TimePoint{1'700'000'000'000'000});
  std::set<Uuid> ids;
  for (int i = 0; i < 4; ++i) {
    const Uuid id = stream.next();
    CHECK(id.str().starts_with("018bcfe5-6800-7"));  // 1,700,000,000,000 ms
    CHECK((id.bytes[8] >> 6) == 2);
    CHECK(ids.insert(id).second);
  }
}

TEST_CASE("id_stream: ids of a later time come later, and a clock that is before 1970 stands at it") {
  const std::array<std::uint8_t, 16> seed{5, 6, 7};
  IdStream earlier(seed, TimePoint{1'000}), later(seed, TimePoint{2'000}), before(seed, TimePoint{-1'000});
  for (int i = 0; i < 100; ++i) {
    const Uuid id = earlier.next();
    CHECK(id < later.next());
    CHECK(before.next() < id);
  }
}
