#include <doctest/doctest.h>

#include <span>
#include <vector>

#include "common/digest.h"
#include "common/ids.h"
#include "common/ip.h"
#include "common/sha256.h"
#include "common/time.h"

TEST_CASE("uuid: one spelling is accepted and written back") {
  const std::string text = "0123abcd-4567-89ef-0123-456789abcdef";
  const auto id = dure::HostId::parse(text);
  REQUIRE(id.has_value());
  CHECK(id->str() == text);
  CHECK(id->uuid.bytes[0] == 0x01);
  CHECK(id->uuid.bytes[15] == 0xef);
}

TEST_CASE("uuid: everything else is refused") {
  for (const auto* text :
       {"", "0123abcd-4567-89ef-0123-456789abcde", "0123abcd-4567-89ef-0123-456789abcdef0",
        "0123ABCD-4567-89ef-0123-456789abcdef", "0123abcd_4567-89ef-0123-456789abcdef",
        "{123abcd-4567-89ef-0123-456789abcdef", "0123abcd-4567-89ef-0123-456789abcdeg",
        "0123abcd456789ef0123456789abcdef", "../../../../../../../../../../etc/passw"}) {
    CAPTURE(text);
    CHECK(!dure::Uuid::parse(text).has_value());
  }
}

TEST_CASE("uuid: they are in the order of their bytes, and so of their text") {
  std::vector<dure::Uuid> ids(1);
  for (std::size_t at = 0; at < 16; ++at) {
    for (const int value : {1, 127, 128, 255}) {
      ids.emplace_back();
      ids.back().bytes[at] = static_cast<std::uint8_t>(value);
    }
  }
  for (const auto& a : ids) {
    for (const auto& b : ids) {
      CHECK((a <=> b) == (a.bytes <=> b.bytes));
      CHECK((a < b) == (a.str() < b.str()));
    }
  }
}

TEST_CASE("uuid: random bytes become version 4") {
  const auto id = dure::uuid_from_random({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  CHECK(id.str() == "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

TEST_CASE("ip: addresses, prefixes and MACs have one spelling") {
  CHECK(dure::Ipv4::parse("10.0.255.1")->str() == "10.0.255.1");
  CHECK(dure::Ipv4Prefix::parse("10.1.2.0/24")->str() == "10.1.2.0/24");
  CHECK(dure::Mac::parse("02:00:0a:ff:00:01")->str() == "02:00:0a:ff:00:01");
  for (const auto* text : {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4 ", "1..3.4",
                           "1.2.3.", "+1.2.3.4", "1,2,3,4", "0x1.2.3.4"}) {
    CAPTURE(text);
    CHECK(!dure::Ipv4::parse(text).has_value());
  }
  for (const auto* text : {"10.1.2.0", "10.1.2.1/24", "10.1.2.0/33", "10.1.2.0/024", "10.1.2.0/", "/24"}) {
    CAPTURE(text);
    CHECK(!dure::Ipv4Prefix::parse(text).has_value());
  }
  for (const auto* text : {"", "02:00:0A:ff:00:01", "02-00-0a-ff-00-01", "2:0:a:ff:0:1", "02:00:0a:ff:00:01:"}) {
    CAPTURE(text);
    CHECK(!dure::Mac::parse(text).has_value());
  }
}

TEST_CASE("ip: a prefix contains its addresses and counts them") {
  const auto prefix = *dure::Ipv4Prefix::parse("10.1.2.0/30");
  CHECK(prefix.contains(*dure::Ipv4::parse("10.1.2.3")));
  CHECK(!prefix.contains(*dure::Ipv4::parse("10.1.2.4")));
  CHECK(prefix.at(3)->str() == "10.1.2.3");
  CHECK(!prefix.at(4).has_value());
  CHECK(dure::Ipv4Prefix::parse("0.0.0.0/0")->contains(*dure::Ipv4::parse("203.0.113.9")));
}

TEST_CASE("digest: SHA-256 of known texts, in one piece and in many") {
  const auto of = [](std::string_view text, std::size_t piece) {
    dure::Sha256 hash;
    while (!text.empty()) {
      const auto part = text.substr(0, piece);
      hash.update(std::as_bytes(std::span(part)));
      text.remove_prefix(part.size());
    }
    return hash.finish().str();
  };
  // FIPS 180-2, appendix B.
  CHECK(of("abc", 3) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 5) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(of("", 1) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("digest: exactly 64 lower-case digits") {
  const std::string text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(dure::Digest::parse(text)->str() == text);
  CHECK(!dure::Digest::parse(text.substr(1)).has_value());
  CHECK(!dure::Digest::parse(text + "0").has_value());
  CHECK(!dure::Digest::parse("B" + text.substr(1)).has_value());
}

TEST_CASE("time: RFC 3339 in UTC with milliseconds, before the epoch too") {
  CHECK(dure::to_rfc3339({1772355600000000}) == "2026-03-01T09:00:00.000Z");
  CHECK(dure::to_rfc3339({1'999}) == "1970-01-01T00:00:00.001Z");
  CHECK(dure::in_seconds(std::chrono::milliseconds(90'999)) == "90 s");
  CHECK(dure::to_rfc3339({-1}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("times: RFC 3339 is read with any offset and fraction") {
  using dure::parse_rfc3339;
  CHECK(parse_rfc3339("2026-03-01T09:00:00.000Z")->us == 1'772'355'600'000'000);
  CHECK(parse_rfc3339("2026-03-01T09:00:00Z")->us == 1'772'355'600'000'000);
  CHECK(parse_rfc3339("2026-03-01T18:00:00+09:00")->us == 1'772'355'600'000'000);
  CHECK(parse_rfc3339("2026-03-01T05:30:00-03:30")->us == 1'772'355'600'000'000);
  CHECK(parse_rfc3339("1970-01-01T00:00:00.250Z")->us == 250'000);
  CHECK(parse_rfc3339("1970-01-01T00:00:00.0000019Z")->us == 1);
  CHECK(parse_rfc3339("1969-12-31T23:59:59.999999Z")->us == -1);
  for (const char* wrong :
       {"", "2026-03-01", "2026-02-30T09:00:00Z", "x026-03-01T09:00:00Z", "2026-03-01T09:00:00", "2026-03-01T24:00:00Z",
        "2026-03-01T09:60:00Z", "2026-03-01T09:00:60Z", "2026-03-01T09:00:00.Z", "2026-03-01T09:00:00.0000000001Z",
        "2026-03-01T09:00:00+9:00", "2026-03-01T09:00:00+24:00", "2026-03-01T09:00:00ZZ", "2026-03-01 09:00:00Z",
        "2026-03-01T09:00:00z"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_rfc3339(wrong).has_value());
  }
}
