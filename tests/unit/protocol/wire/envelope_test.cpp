#include "protocol/wire/envelope.h"

#include <doctest/doctest.h>

#include "protocol/wire/codec.h"
#include "tests/unit/protocol/wire/samples.h"

namespace {

using namespace dure::wire;
using dure::Errc;
using namespace std::string_literals;
using dure::samples::signing_key;

VerifyingKey verifying(const SigningKey& key) {
  auto made = VerifyingKey::from_bytes(key.public_key());
  REQUIRE(made.ok());
  return std::move(made).value();
}

std::string sealed(std::string_view payload) {
  auto envelope = seal(EnvelopeKind::order, payload, signing_key());
  REQUIRE(envelope.ok());
  return std::move(envelope).value();
}

std::string field(char tag, std::string_view value) {
  REQUIRE(value.size() < 128);
  return std::string{tag, static_cast<char>(value.size())} + std::string(value);
}

// The three parts of an envelope with a payload below 128 bytes.
struct Parts {
  std::string key_id, payload, signature;
};
Parts parts_of(const std::string& envelope, std::size_t payload_size) {
  REQUIRE(envelope.size() == 2 + 8 + 2 + payload_size + 2 + 64);
  return {envelope.substr(2, 8), envelope.substr(12, payload_size), envelope.substr(14 + payload_size)};
}

dure::Result<std::string> opened(std::string_view envelope) {
  return open(EnvelopeKind::order, envelope, verifying(signing_key()));
}

}  // namespace

TEST_CASE("envelope: what was sealed is opened") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{127}, std::size_t{128},
                                 std::size_t{20000}, dure::kMaxOrderBytes}) {
    const std::string payload(size, '\x7f');
    const auto envelope = sealed(payload);
    CHECK(envelope.size() <= kMaxEnvelopeBytes);
    const auto open_again = opened(envelope);
    REQUIRE(open_again.ok());
    CHECK(*open_again == payload);
  }
}

TEST_CASE("envelope: a longer payload than an order may have is not sealed") {
  CHECK(!seal(EnvelopeKind::order, std::string(dure::kMaxOrderBytes + 1, 'x'), signing_key()).ok());
}

TEST_CASE("envelope: every single flipped bit is refused") {
  const auto verifier = verifying(signing_key());
  const auto envelope = sealed(encode(dure::samples::order()));
  for (std::size_t bit = 0; bit < envelope.size() * 8; ++bit) {
    auto flipped = envelope;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CAPTURE(bit);
    REQUIRE(!open(EnvelopeKind::order, flipped, verifier).ok());
  }
}

TEST_CASE("envelope: cut off at any byte it is refused") {
  const auto envelope = sealed(encode(dure::samples::order()));
  for (std::size_t length = 0; length < envelope.size(); ++length) {
    const auto result = opened(std::string_view(envelope).substr(0, length));
    CAPTURE(length);
    REQUIRE(!result.ok());
    REQUIRE(result.error().code == Errc::invalid_argument);
  }
}

TEST_CASE("envelope: bytes behind or before it are refused") {
  const auto envelope = sealed("payload");
  CHECK(!opened(envelope + '\0').ok());
  CHECK(!opened(envelope + envelope).ok());
  CHECK(!opened('\0' + envelope).ok());
}

TEST_CASE("envelope: fields in another order, twice, missing or unknown are refused") {
  const auto parts = parts_of(sealed("payload"), 7);
  const auto key_id = field(0x0a, parts.key_id);
  const auto payload = field(0x12, parts.payload);
  const auto signature = field(0x1a, parts.signature);
  REQUIRE(opened(key_id + payload + signature).ok());
  for (const auto& bytes :
       {payload + key_id + signature, key_id + signature + payload, signature + payload + key_id,
        key_id + key_id + payload + signature, key_id + payload + payload + signature,
        key_id + payload + signature + signature, field(0x12, "other") + key_id + payload + signature,
        payload + signature, key_id + signature, key_id + payload, std::string{},
        key_id + payload + signature + field(0x22, "x"), field(0x22, "x") + key_id + payload + signature,
        key_id + std::string("\x10\x01", 2) + payload + signature}) {
    CAPTURE(dure::samples::to_hex(bytes));
    CHECK(opened(bytes).error().code == Errc::invalid_argument);
  }
}

TEST_CASE("envelope: a length that is not minimal, or beyond the bytes, is refused") {
  const auto parts = parts_of(sealed("payload"), 7);
  const auto key_id = field(0x0a, parts.key_id);
  const auto signature = field(0x1a, parts.signature);
  const auto with_length = [&](std::string_view length) {
    return key_id + '\x12' + std::string(length) + parts.payload + signature;
  };
  REQUIRE(opened(with_length("\x07")).ok());
  using namespace std::string_view_literals;
  for (const auto length :
       {"\x87\x00"sv, "\x87\x80\x00"sv, "\x87\x80\x80\x00"sv, "\x87\x80\x80\x80\x00"sv,
        "\x87\x80\x80\x80\x80\x80\x80\x80\x80\x00"sv, "\x87\x80\x80\x80\x10"sv, "\x06"sv, "\x08"sv,
        "\x7f"sv, "\xff\xff\xff\x7f"sv, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv}) {
    CAPTURE(dure::samples::to_hex(length));
    CHECK(!opened(with_length(length)).ok());
  }
  // The tag too has longer encodings.
  CHECK(!opened(key_id + "\x92\x00\x07"s + parts.payload + signature).ok());
}

TEST_CASE("envelope: a key id or signature of another length is refused") {
  const auto parts = parts_of(sealed("payload"), 7);
  const auto payload = field(0x12, parts.payload);
  const auto signature = field(0x1a, parts.signature);
  CHECK(!opened(field(0x0a, parts.key_id.substr(1)) + payload + signature).ok());
  CHECK(!opened(field(0x0a, parts.key_id + "x") + payload + signature).ok());
  CHECK(!opened(field(0x0a, "") + payload + signature).ok());
  const auto head = field(0x0a, parts.key_id) + payload;
  CHECK(!opened(head + field(0x1a, parts.signature.substr(0, 63))).ok());
  CHECK(!opened(head + field(0x1a, parts.signature + '\0')).ok());
  CHECK(!opened(head + field(0x1a, "")).ok());
}

TEST_CASE("envelope: a signature of one kind never verifies as another") {
  const auto key = signing_key();
  const auto delegation = seal(EnvelopeKind::delegation, "payload", key);
  REQUIRE(delegation.ok());
  CHECK(open(EnvelopeKind::delegation, *delegation, verifying(key)).ok());
  CHECK(open(EnvelopeKind::order, *delegation, verifying(key)).error().code == Errc::unauthenticated);
  CHECK(open(EnvelopeKind::delegation, sealed("payload"), verifying(key)).error().code ==
        Errc::unauthenticated);
}

TEST_CASE("envelope: another key's envelope is refused, even under the known key's id") {
  const auto other = seal(EnvelopeKind::order, "payload", signing_key(2));
  REQUIRE(other.ok());
  CHECK(opened(*other).error().code == Errc::unauthenticated);
  const auto parts = parts_of(*other, 7);
  const auto known = parts_of(sealed("payload"), 7);
  CHECK(opened(field(0x0a, known.key_id) + field(0x12, "payload") + field(0x1a, parts.signature)).error().code ==
        Errc::unauthenticated);
}

TEST_CASE("envelope: one that is too long is refused before anything is parsed") {
  const auto result = opened(std::string(kMaxEnvelopeBytes + 1, '\x0a'));
  REQUIRE(!result.ok());
  CHECK(result.error().message == "envelope: too long");
}

TEST_CASE("envelope: its bytes are the golden ones") {
  const auto envelope = sealed(encode(dure::samples::order()));
  CHECK(dure::samples::to_hex(envelope) == dure::samples::to_hex(dure::samples::golden("order_envelope")));
  const auto payload = opened(dure::samples::golden("order_envelope"));
  REQUIRE(payload.ok());
  const auto order = decode_host_order(*payload);
  REQUIRE(order.ok());
  CHECK(*order == dure::samples::order());
}
