#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "controlnode/edges/pki/openssl_handles.h"

namespace dure::control {

inline constexpr std::size_t kMaxPemBytes = 64 * 1024;

Result<KeyHandle> new_p256_key();

Result<std::string> to_pem(X509& certificate);
Result<std::string> private_pem(EVP_PKEY& key);  // PKCS #8, not encrypted
Result<std::string> public_pem(EVP_PKEY& key);   // SubjectPublicKeyInfo

// `invalid_argument` for anything else than one of these.
Result<CertificateHandle> parse_certificate(std::string_view pem);
Result<KeyHandle> parse_private_key(std::string_view pem);

}  // namespace dure::control
