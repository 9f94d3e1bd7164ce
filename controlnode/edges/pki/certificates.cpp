#include "controlnode/edges/pki/certificates.h"

#include <openssl/objects.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace dure::control {
namespace {

constexpr std::int64_t kMicroseconds = 1'000'000;
constexpr std::int64_t kEndOfTime = 253'402'300'799;  // the last second of the year 9999

constexpr int kSerialBits = 127;  // positive in 16 bytes

Error bad(std::string_view what) { return refused(Errc::invalid_argument, what); }

std::time_t seconds(TimePoint at) { return static_cast<std::time_t>(at.us / kMicroseconds); }

bool printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

Result<void> add_entry(X509_NAME& name, int nid, std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  // The library refuses what is not UTF-8 or too long.
  if (X509_NAME_add_entry_by_NID(&name, nid, MBSTRING_UTF8, bytes, static_cast<int>(text.size()),
                                 -1, 0) != 1) {
    return bad("a name is not valid UTF-8");
  }
  return {};
}

Result<void> set_subject(X509& certificate, const CertificateName& name) {
  X509_NAME* subject = X509_get_subject_name(&certificate);
  if (subject == nullptr) return openssl_error("naming a certificate");
  for (const std::string& organisation : name.organisations) {
    if (auto added = add_entry(*subject, NID_organizationName, organisation); !added) return added;
  }
  return add_entry(*subject, NID_commonName, name.common_name);
}

// The top bit of the serial is always set, so that it is neither zero nor short.
Result<void> set_serial(X509& certificate) {
  const BignumHandle number{BN_new()};
  if (!number || BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) == nullptr) {
    return openssl_error("numbering a certificate");
  }
  return {};
}

// `issuer` is the certificate itself for one that signs itself.
Result<void> add_extension(X509& certificate, X509& issuer, int nid, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value)};
  if (!extension || X509_add_ext(&certificate, extension.get(), -1) != 1) {
    return openssl_error("extending a certificate");
  }
  return {};
}

Result<CertificateHandle> unsigned_certificate(EVP_PKEY& key, const CertificateName& name,
                                               const Validity& validity) {
  CertificateHandle certificate{X509_new()};
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), &key) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds(validity.not_before)) ==
          nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), seconds(validity.not_after)) ==
          nullptr) {
    return openssl_error("making a certificate");
  }
  if (auto numbered = set_serial(*certificate); !numbered) return numbered.error();
  if (auto named = set_subject(*certificate, name); !named) return named.error();
  return certificate;
}

Result<CertificateHandle> signed_by(CertificateHandle certificate, X509& issuer,
                                    EVP_PKEY& issuer_key) {
  if (X509_sign(certificate.get(), &issuer_key, EVP_sha256()) <= 0) {
    return openssl_error("signing a certificate");
  }
  // A wrong key would be noticed by the clients only.
  const KeyHandle issuer_public{X509_get_pubkey(&issuer)};
  if (!issuer_public || X509_verify(certificate.get(), issuer_public.get()) != 1) {
    return openssl_error("checking a certificate");
  }
  return certificate;
}

// -1, 0, 1; anything else: one of them is no time.
int order(const ASN1_TIME* a, const ASN1_TIME* b) { return ASN1_TIME_compare(a, b); }

Result<void> cut_to(X509& certificate, const X509& ca) {
  const ASN1_TIME *first = X509_get0_notBefore(&ca), *last = X509_get0_notAfter(&ca);
  const int begins = order(X509_get0_notBefore(&certificate), first);
  const int ends = order(X509_get0_notAfter(&certificate), last);
  if (begins == -2 || ends == -2) return bad("the CA's validity is not readable");
  if ((begins < 0 && X509_set1_notBefore(&certificate, first) != 1) ||
      (ends > 0 && X509_set1_notAfter(&certificate, last) != 1)) {
    return openssl_error("cutting a validity");
  }
  if (order(X509_get0_notBefore(&certificate), X509_get0_notAfter(&certificate)) >= 0) {
    return refused(Errc::conflict, "the CA is not valid in this span");
  }
  return {};
}

}  // namespace

Result<void> check_name(const CertificateName& name) {
  const auto fits = [](std::string_view text) {
    return !text.empty() && text.size() <= kMaxNameBytes && printable(text);
  };
  if (!fits(name.common_name))
    return bad("a common name has 1 to 64 bytes and no control characters");
  if (name.organisations.size() > kMaxOrganisations) return bad("too many organisations");
  if (!std::all_of(name.organisations.begin(), name.organisations.end(), fits)) {
    return bad("an organisation has 1 to 64 bytes and no control characters");
  }
  return {};
}

Result<void> check_validity(const Validity& validity) {
  if (validity.not_before.us < 0 || validity.not_after.us / kMicroseconds > kEndOfTime) {
    return bad("a validity lies between the years 1970 and 9999");
  }
  if (seconds(validity.not_after) <= seconds(validity.not_before))
    return bad("a validity ends after it begins");
  return {};
}

Result<CertificateHandle> make_ca(EVP_PKEY& key, const CertificateName& name,
                                  const Validity& validity) {
  if (auto checked = check_name(name); !checked) return checked.error();
  if (auto checked = check_validity(validity); !checked) return checked.error();
  auto made = unsigned_certificate(key, name, validity);
  if (!made) return made.error();
  X509& certificate = **made;
  if (X509_set_issuer_name(&certificate, X509_get_subject_name(&certificate)) != 1) {
    return openssl_error("naming an issuer");
  }
  constexpr std::pair<int, const char*> extensions[] = {
      {NID_basic_constraints, "critical,CA:TRUE"},
      {NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign"},
      {NID_subject_key_identifier, "hash"},
  };
  for (const auto& [nid, value] : extensions) {
    if (auto added = add_extension(certificate, certificate, nid, value); !added)
      return added.error();
  }
  return signed_by(std::move(made).value(), certificate, key);
}

Result<CertificateHandle> make_client(X509& ca, EVP_PKEY& ca_key, EVP_PKEY& key,
                                      const CertificateName& name, const Validity& validity) {
  if (auto checked = check_name(name); !checked) return checked.error();
  if (auto checked = check_validity(validity); !checked) return checked.error();
  if (X509_check_private_key(&ca, &ca_key) != 1) return bad("the key is not that of the CA");
  if (X509_check_ca(&ca) != 1) return bad("this certificate is not that of a CA");
  auto made = unsigned_certificate(key, name, validity);
  if (!made) return made.error();
  X509& certificate = **made;
  if (auto cut = cut_to(certificate, ca); !cut) return cut.error();
  if (X509_set_issuer_name(&certificate, X509_get_subject_name(&ca)) != 1) {
    return openssl_error("naming an issuer");
  }
  constexpr std::pair<int, const char*> extensions[] = {
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, "clientAuth"},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"},
  };
  for (const auto& [nid, value] : extensions) {
    if (auto added = add_extension(certificate, ca, nid, value); !added) return added.error();
  }
  return signed_by(std::move(made).value(), ca, ca_key);
}

}  // namespace dure::control
