#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/result.h"

namespace dure::wire {

using PublicKeyBytes = std::array<std::uint8_t, 32>;
using SignatureBytes = std::array<std::uint8_t, 64>;
using KeyId = std::array<std::uint8_t, 8>;  // the first 8 bytes of SHA-256 over the public key

// An Ed25519 private key in memory; wiped when destroyed.
class SigningKey {
 public:
  static Result<SigningKey> generate();
  // 32 raw bytes as written by `save`.
  static Result<SigningKey> from_bytes(std::string_view raw);
  ~SigningKey();
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;

  PublicKeyBytes public_key() const;
  KeyId key_id() const;
  std::string private_bytes() const;  // for the 0600 key file only
  Result<SignatureBytes> sign(std::string_view bytes) const;

 private:
  struct State;
  explicit SigningKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class VerifyingKey {
 public:
  // Refuses encodings of small order, under which any signature would verify (hazards: OpenSSL
  // does not check).
  static Result<VerifyingKey> from_bytes(const PublicKeyBytes& raw);
  ~VerifyingKey();
  VerifyingKey(VerifyingKey&&) noexcept;
  VerifyingKey& operator=(VerifyingKey&&) noexcept;

  KeyId key_id() const;
  bool verify(std::string_view bytes, std::string_view signature) const;

 private:
  struct State;
  explicit VerifyingKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

KeyId key_id_of(const PublicKeyBytes& key);

}  // namespace dure::wire
