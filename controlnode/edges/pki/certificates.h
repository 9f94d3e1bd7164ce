#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/time.h"
#include "controlnode/edges/pki/openssl_handles.h"

namespace dure::control {

// What RFC 5280 allows for a common name and for an organisation.
inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxOrganisations = 16;

struct CertificateName {
  std::string common_name;
  std::vector<std::string> organisations;
};

// Printable UTF-8 of 1 to kMaxNameBytes bytes each, at most kMaxOrganisations; `invalid_argument`.
Result<void> check_name(const CertificateName& name);

struct Validity {
  TimePoint not_before, not_after;  // to the second; between the years 1970 and 9999
};
Result<void> check_validity(const Validity& validity);

// Signs itself, and may sign others.
Result<CertificateHandle> make_ca(EVP_PKEY& key, const CertificateName& name,
                                  const Validity& validity);

// For TLS clients. The span is cut to that of `ca`; `conflict`: nothing of it is left.
Result<CertificateHandle> make_client(X509& ca, EVP_PKEY& ca_key, EVP_PKEY& key,
                                      const CertificateName& name, const Validity& validity);

}  // namespace dure::control
