#include "protocol/wire/keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <span>

#include "common/sha256.h"

namespace dure::wire {
namespace {

struct FreePkey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Pkey = std::unique_ptr<EVP_PKEY, FreePkey>;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// 2^255 - 19, little-endian.
constexpr PublicKeyBytes kFieldPrime = {
    0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
// The y coordinates of the eight points of small order, apart from their sign.
constexpr PublicKeyBytes kSmallOrder[] = {
    {0x00},  // order 4
    {0x01},  // the identity
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

// A second encoding of a coordinate (y >= p) would be a way around the list above.
bool is_refused(PublicKeyBytes key) {
  key[31] &= 0x7f;
  if (std::find(std::begin(kSmallOrder), std::end(kSmallOrder), key) != std::end(kSmallOrder)) return true;
  return !std::lexicographical_compare(key.rbegin(), key.rend(), kFieldPrime.rbegin(),
                                       kFieldPrime.rend());
}

}  // namespace

KeyId key_id_of(const PublicKeyBytes& key) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(key)));
  const Digest digest = hash.finish();
  KeyId id{};
  std::copy_n(digest.bytes.begin(), id.size(), id.begin());
  return id;
}

struct SigningKey::State {
  Pkey key;
  PublicKeyBytes public_bytes{};
  KeyId id{};
};

SigningKey::SigningKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SigningKey::~SigningKey() = default;  // OpenSSL wipes a private key when it frees it
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;

Result<SigningKey> SigningKey::generate() {
  const Pkey made(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  unsigned char raw[32];
  std::size_t length = sizeof raw;
  if (!made || EVP_PKEY_get_raw_private_key(made.get(), raw, &length) != 1 || length != sizeof raw) {
    return Error{Errc::internal, "cannot generate a signing key"};
  }
  auto key = from_bytes({reinterpret_cast<const char*>(raw), sizeof raw});
  OPENSSL_cleanse(raw, sizeof raw);
  return key;
}

Result<SigningKey> SigningKey::from_bytes(std::string_view raw) {
  if (raw.size() != 32) return Error{Errc::invalid_argument, "a signing key has 32 bytes"};
  auto state = std::make_unique<State>();
  state->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, octets(raw), raw.size()));
  std::size_t length = state->public_bytes.size();
  if (!state->key ||
      EVP_PKEY_get_raw_public_key(state->key.get(), state->public_bytes.data(), &length) != 1) {
    return Error{Errc::internal, "cannot load the signing key"};
  }
  state->id = key_id_of(state->public_bytes);
  return SigningKey(std::move(state));
}

PublicKeyBytes SigningKey::public_key() const { return state_->public_bytes; }
KeyId SigningKey::key_id() const { return state_->id; }

std::string SigningKey::private_bytes() const {
  std::string raw(32, '\0');
  std::size_t length = raw.size();
  if (EVP_PKEY_get_raw_private_key(state_->key.get(), reinterpret_cast<unsigned char*>(raw.data()),
                                   &length) != 1) {
    raw.clear();
  }
  return raw;
}

Result<SignatureBytes> SigningKey::sign(std::string_view bytes) const {
  const Context context(EVP_MD_CTX_new());
  SignatureBytes signature{};
  std::size_t length = signature.size();
  // Ed25519 hashes by itself: the digest must be null, and there is no streaming.
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &length, octets(bytes), bytes.size()) != 1 ||
      length != signature.size()) {
    return Error{Errc::internal, "cannot sign"};
  }
  return signature;
}

struct VerifyingKey::State {
  Pkey key;
  KeyId id{};
};

VerifyingKey::VerifyingKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
VerifyingKey::~VerifyingKey() = default;
VerifyingKey::VerifyingKey(VerifyingKey&&) noexcept = default;
VerifyingKey& VerifyingKey::operator=(VerifyingKey&&) noexcept = default;

Result<VerifyingKey> VerifyingKey::from_bytes(const PublicKeyBytes& raw) {
  if (is_refused(raw)) {
    return Error{Errc::invalid_argument, "a public key of small order or in a second encoding is refused"};
  }
  auto state = std::make_unique<State>();
  state->key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size()));
  if (!state->key) return Error{Errc::internal, "cannot load the public key"};
  state->id = key_id_of(raw);
  return VerifyingKey(std::move(state));
}

KeyId VerifyingKey::key_id() const { return state_->id; }

bool VerifyingKey::verify(std::string_view bytes, std::string_view signature) const {
  if (signature.size() != SignatureBytes{}.size()) return false;
  const Context context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()) != 1) {
    return false;
  }
  // 1 alone is success: errors are negative.
  return EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(bytes),
                          bytes.size()) == 1;
}

}  // namespace dure::wire
