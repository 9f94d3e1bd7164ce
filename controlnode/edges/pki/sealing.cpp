#include "controlnode/edges/pki/sealing.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>

#include "controlnode/edges/pki/openssl_handles.h"

namespace dure::control {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kNonceBytes = 12, kTagBytes = 16;
constexpr std::size_t kOverhead = 1 + kNonceBytes + kTagBytes;
constexpr std::string_view kContext = "dure/cluster-identity/v1";
constexpr std::string_view kKeyContext = "dure/cluster-identity-key/v1";

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* octets(std::string& text, std::size_t at) {
  return reinterpret_cast<unsigned char*>(text.data() + at);
}

std::string bound_to(std::string_view context, const ClusterId& cluster) {
  std::string bytes(context);
  bytes.append(cluster.uuid.bytes.begin(), cluster.uuid.bytes.end());
  return bytes;
}

Result<void> derive(const SecretKey& master, const ClusterId& cluster, SecretKey& key) {
  const KdfHandle kdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr)};
  const KdfContextHandle context{kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr};
  if (!context) return openssl_error("deriving a key");
  std::string digest = "SHA256";
  std::string info = bound_to(kKeyContext, cluster);
  // The parameters are only read, though their type does not say so.
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(
          OSSL_KDF_PARAM_KEY, const_cast<unsigned char*>(master.data()), SecretKey::kBytes),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end(),
  };
  if (EVP_KDF_derive(context.get(), key.data(), SecretKey::kBytes, parameters) != 1) {
    return openssl_error("deriving a key");
  }
  return {};
}

// What both directions begin with: the key, the nonce and the associated data.
using Init = decltype(&EVP_EncryptInit_ex);
using Update = decltype(&EVP_EncryptUpdate);
bool begin(EVP_CIPHER_CTX* context, Init init, Update update, const SecretKey& key,
           const unsigned char* nonce, std::string_view associated) {
  int count = 0;
  return init(context, EVP_aes_256_gcm(), nullptr, key.data(), nonce) == 1 &&
         update(context, nullptr, &count, octets(associated),
                static_cast<int>(associated.size())) == 1;
}

}  // namespace

SecretKey::SecretKey(std::string_view bytes) {
  std::copy_n(bytes.begin(), std::min(bytes.size(), kBytes), bytes_.begin());
}
SecretKey::~SecretKey() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
SecretText::~SecretText() { OPENSSL_cleanse(text.data(), text.size()); }

Result<std::string> seal_keys(const SecretKey& master, const ClusterId& cluster,
                              std::string_view plain) {
  if (plain.size() + kOverhead > kMaxSealedBytes)
    return refused(Errc::invalid_argument, "too much to be sealed");
  SecretKey key;
  if (auto derived = derive(master, cluster, key); !derived) return derived.error();
  std::string sealed(plain.size() + kOverhead, '\0');
  sealed[0] = kVersion;
  unsigned char* nonce = octets(sealed, 1);
  unsigned char* out = octets(sealed, 1 + kNonceBytes);
  if (RAND_bytes(nonce, static_cast<int>(kNonceBytes)) != 1) return openssl_error("making a nonce");
  const CipherHandle context{EVP_CIPHER_CTX_new()};
  int count = 0, rest = 0;
  if (!context ||
      !begin(context.get(), EVP_EncryptInit_ex, EVP_EncryptUpdate, key, nonce,
             bound_to(kContext, cluster)) ||
      EVP_EncryptUpdate(context.get(), out, &count, octets(plain),
                        static_cast<int>(plain.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), out + count, &rest) != 1 ||
      static_cast<std::size_t>(count + rest) != plain.size() ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagBytes),
                          out + plain.size()) != 1) {
    return openssl_error("sealing");
  }
  return sealed;
}

Result<SecretText> open_keys(const SecretKey& master, const ClusterId& cluster,
                             std::string_view sealed) {
  constexpr std::string_view no_keys =
      "these are not the sealed keys of this cluster, or the master key is another one";
  if (sealed.size() < kOverhead || sealed.size() > kMaxSealedBytes || sealed[0] != kVersion) {
    return refused(Errc::unauthenticated, no_keys);
  }
  SecretKey key;
  if (auto derived = derive(master, cluster, key); !derived) return derived.error();
  const std::string_view cipher = sealed.substr(1 + kNonceBytes, sealed.size() - kOverhead);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  SecretText plain;
  plain.text.resize(cipher.size());
  const CipherHandle context{EVP_CIPHER_CTX_new()};
  int count = 0, rest = 0;
  if (!context ||
      !begin(context.get(), EVP_DecryptInit_ex, EVP_DecryptUpdate, key, octets(sealed.substr(1)),
             bound_to(kContext, cluster)) ||
      EVP_DecryptUpdate(context.get(), octets(plain.text, 0), &count, octets(cipher),
                        static_cast<int>(cipher.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagBytes),
                          tag.data()) != 1) {
    return openssl_error("opening");
  }
  // Nothing of `plain` is looked at before this.
  if (EVP_DecryptFinal_ex(context.get(), octets(plain.text, static_cast<std::size_t>(count)),
                          &rest) != 1 ||
      static_cast<std::size_t>(count + rest) != plain.text.size()) {
    return refused(Errc::unauthenticated, no_keys);
  }
  return plain;
}

}  // namespace dure::control
