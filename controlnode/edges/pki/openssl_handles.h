#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

#include "common/result.h"

namespace dure::control {

// OpenSSL's objects, freed at the end of their scope. A BIO in memory and a key are overwritten
// when they are freed.
template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioHandle = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using BignumHandle = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using CipherHandle = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using KdfHandle = std::unique_ptr<EVP_KDF, Freed<EVP_KDF_free>>;
using KdfContextHandle = std::unique_ptr<EVP_KDF_CTX, Freed<EVP_KDF_CTX_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificateHandle = std::unique_ptr<X509, Freed<X509_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Asn1TimeHandle = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;

// `internal`, with the library's own reason, which is a fixed text without any data; empties its
// queue of errors.
Error openssl_error(std::string_view doing);

// An error of ours after a failed call: only empties the queue.
Error refused(Errc code, std::string_view message);

}  // namespace dure::control
