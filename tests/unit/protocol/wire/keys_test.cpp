#include "protocol/wire/keys.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/protocol/wire/samples.h"

namespace {

using namespace dure::wire;
using dure::samples::from_hex;
using dure::samples::signing_key;

PublicKeyBytes public_bytes(std::string_view hex) {
  const auto bytes = from_hex(hex);
  REQUIRE(bytes.size() == 32);
  PublicKeyBytes key{};
  std::transform(bytes.begin(), bytes.end(), key.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return key;
}

std::string text(const SignatureBytes& signature) { return {signature.begin(), signature.end()}; }

VerifyingKey verifying(const SigningKey& key) {
  auto made = VerifyingKey::from_bytes(key.public_key());
  REQUIRE(made.ok());
  return std::move(made).value();
}

// S + L, both little-endian: the same signature to a verifier that does not reduce.
std::string malleated(std::string signature) {
  const auto order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned sum = static_cast<unsigned char>(signature[32 + i]) +
                         static_cast<unsigned>(static_cast<unsigned char>(order[i])) + carry;
    signature[32 + i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  REQUIRE(carry == 0);
  return signature;
}

}  // namespace

TEST_CASE("keys: the vectors of RFC 8032 are signed and verified") {
  struct Vector {
    const char *secret, *key, *message, *signature;
  };
  const Vector vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0"
       "595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eae"
       "b4302aeeb00d291612bb0c00"}};
  for (const auto& vector : vectors) {
    const auto key = SigningKey::from_bytes(from_hex(vector.secret));
    REQUIRE(key.ok());
    CHECK(key->public_key() == public_bytes(vector.key));
    CHECK(text(*key->sign(from_hex(vector.message))) == from_hex(vector.signature));
    CHECK(verifying(*key).verify(from_hex(vector.message), from_hex(vector.signature)));
  }
}

TEST_CASE("keys: a generated key survives being written and read") {
  const auto made = SigningKey::generate();
  REQUIRE(made.ok());
  const auto raw = made->private_bytes();
  CHECK(raw.size() == 32);
  const auto read = SigningKey::from_bytes(raw);
  REQUIRE(read.ok());
  CHECK(read->public_key() == made->public_key());
  CHECK(read->key_id() == made->key_id());
  CHECK(read->key_id() == verifying(*made).key_id());
  CHECK(SigningKey::generate()->public_key() != made->public_key());
}

TEST_CASE("keys: a private key of another length is refused") {
  CHECK(!SigningKey::from_bytes(std::string(31, 'x')).ok());
  CHECK(!SigningKey::from_bytes(std::string(33, 'x')).ok());
  CHECK(!SigningKey::from_bytes("").ok());
}

TEST_CASE("keys: every public key of small order is refused, with either sign") {
  for (const auto* hex : {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    CAPTURE(hex);
    auto key = public_bytes(hex);
    CHECK(!VerifyingKey::from_bytes(key).ok());
    key[31] = static_cast<std::uint8_t>(key[31] | 0x80);
    CHECK(!VerifyingKey::from_bytes(key).ok());
  }
}

TEST_CASE("keys: a second encoding of a coordinate is refused") {
  auto key = public_bytes("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
  for (unsigned low = 0xed; low <= 0xff; ++low) {
    key[0] = static_cast<std::uint8_t>(low);
    CAPTURE(low);
    CHECK(!VerifyingKey::from_bytes(key).ok());
  }
  // The largest coordinate below the prime that is of no small order has one encoding only.
  key[0] = 0xeb;
  CHECK(VerifyingKey::from_bytes(key).ok());
}

TEST_CASE("keys: the malleated signature S + L is refused") {
  const auto key = signing_key();
  const auto signature = text(*key.sign("message"));
  REQUIRE(verifying(key).verify("message", signature));
  CHECK(!verifying(key).verify("message", malleated(signature)));
}

TEST_CASE("keys: signatures of any other length are refused") {
  const auto key = signing_key();
  const auto signature = text(*key.sign("message"));
  for (const std::size_t length : {0U, 1U, 32U, 63U}) {
    CHECK(!verifying(key).verify("message", std::string_view(signature).substr(0, length)));
  }
  CHECK(!verifying(key).verify("message", signature + '\0'));
  CHECK(!verifying(key).verify("message", '\0' + signature));
}

TEST_CASE("keys: every flipped bit of a signature is refused, and so is another message or key") {
  const auto key = signing_key();
  const auto verifier = verifying(key);
  const auto signature = text(*key.sign("message"));
  for (std::size_t bit = 0; bit < 512; ++bit) {
    auto flipped = signature;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CAPTURE(bit);
    REQUIRE(!verifier.verify("message", flipped));
  }
  CHECK(!verifier.verify("messagf", signature));
  CHECK(!verifier.verify("", signature));
  CHECK(!verifying(signing_key(2)).verify("message", signature));
}
