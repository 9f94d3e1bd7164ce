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

TEST_CASE("id_stream: ids are version 4 UUIDs, also where the counter carries over") {
  std::array<std::uint8_t, 16> seed{};
  seed.fill(0xff);
  IdStream stream(seed);
  std::set<Uuid> ids;
  for (int i = 0; i < 4; ++i) {
    const Uuid id = stream.next();
    CHECK((id.bytes[6] >> 4) == 4);
    CHECK((id.bytes[8] >> 6) == 2);
    CHECK(ids.insert(id).second);
  }
}
