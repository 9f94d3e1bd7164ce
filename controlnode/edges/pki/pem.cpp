#include "controlnode/edges/pki/pem.h"

#include <openssl/pem.h>

#include <utility>

namespace dure::control {
namespace {

// In place of the library's own, which would ask on the terminal.
int no_password(char*, int, int, void*) { return -1; }

template <class Write>
Result<std::string> written(Write&& write, std::string_view doing) {
  const BioHandle bio{BIO_new(BIO_s_mem())};
  if (!bio || write(bio.get()) != 1) return openssl_error(doing);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  if (size <= 0 || bytes == nullptr) return openssl_error(doing);
  return std::string(bytes, static_cast<std::size_t>(size));
}

BioHandle reader(std::string_view pem) {
  if (pem.empty() || pem.size() > kMaxPemBytes) return nullptr;
  return BioHandle{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

}  // namespace

Result<KeyHandle> new_p256_key() {
  KeyHandle key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  if (!key) return openssl_error("making a key");
  return key;
}

Result<std::string> to_pem(X509& certificate) {
  return written([&](BIO* bio) { return PEM_write_bio_X509(bio, &certificate); },
                 "writing a certificate");
}

Result<std::string> private_pem(EVP_PKEY& key) {
  return written(
      [&](BIO* bio) {
        return PEM_write_bio_PKCS8PrivateKey(bio, &key, nullptr, nullptr, 0, nullptr, nullptr);
      },
      "writing a key");
}

Result<std::string> public_pem(EVP_PKEY& key) {
  return written([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, &key); }, "writing a public key");
}

Result<CertificateHandle> parse_certificate(std::string_view pem) {
  const BioHandle bio = reader(pem);
  CertificateHandle certificate;
  if (bio) certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
  if (!certificate) return refused(Errc::invalid_argument, "this is not a certificate in PEM");
  return certificate;
}

Result<KeyHandle> parse_private_key(std::string_view pem) {
  const BioHandle bio = reader(pem);
  KeyHandle key;
  if (bio) key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (!key) return refused(Errc::invalid_argument, "this is not a private key in PEM");
  return key;
}

}  // namespace dure::control
