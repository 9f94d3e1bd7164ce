#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/result.h"

namespace dure::control {

// 32 bytes that are overwritten at the end of their life.
class SecretKey {
 public:
  static constexpr std::size_t kBytes = 32;

  SecretKey() = default;
  explicit SecretKey(std::string_view bytes);  // exactly kBytes
  ~SecretKey();
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;

  unsigned char* data() { return bytes_.data(); }
  const unsigned char* data() const { return bytes_.data(); }

 private:
  std::array<unsigned char, kBytes> bytes_{};
};

// Text that is overwritten at the end of its life. Reserve what is needed: growing leaves copies.
class SecretText {
 public:
  SecretText() = default;
  ~SecretText();
  SecretText(SecretText&&) noexcept = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  SecretText& operator=(SecretText&&) = delete;

  std::string text;
};

inline constexpr std::size_t kMaxSealedBytes = 64 * 1024;

// One byte of version, 12 of nonce, the ciphertext, 16 of tag: AES-256-GCM under a key that is
// derived from the master key for this cluster alone.
Result<std::string> seal_keys(const SecretKey& master, const ClusterId& cluster,
                              std::string_view plain);
// `unauthenticated` when anything of it, the cluster or the master key is another one.
Result<SecretText> open_keys(const SecretKey& master, const ClusterId& cluster,
                             std::string_view sealed);

}  // namespace dure::control
