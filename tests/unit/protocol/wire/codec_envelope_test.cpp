#include <doctest/doctest.h>

#include "protocol/schema/signed_envelope.pb.h"
#include "protocol/wire/envelope.h"
#include "tests/unit/protocol/wire/samples.h"

TEST_CASE("envelope: protobuf reads what is written by hand, and writes the same bytes") {
  const auto key = dure::samples::signing_key();
  for (const std::size_t size : {0U, 5U, 127U, 128U, 70000U}) {
    const std::string payload(size, 'p');
    const auto envelope = dure::wire::seal(dure::wire::EnvelopeKind::order, payload, key);
    REQUIRE(envelope.ok());
    dure::schema::SignedEnvelope parsed;
    REQUIRE(parsed.ParseFromString(*envelope));
    const auto id = key.key_id();
    CHECK(parsed.key_id() == std::string(id.begin(), id.end()));
    CHECK(parsed.payload() == payload);
    CHECK(parsed.signature().size() == 64);
    // An empty payload is left out by protobuf and written by us.
    if (size > 0) CHECK(parsed.SerializeAsString() == *envelope);
  }
}
