#include "controlnode/edges/pki/certificates.h"

#include <doctest/doctest.h>
#include <openssl/err.h>

#include <chrono>
#include <limits>

#include "controlnode/edges/pki/openssl_cluster_identities.h"
#include "controlnode/edges/pki/pem.h"

using namespace dure;
using namespace dure::control;

namespace {

constexpr TimePoint kNow{1'772'355'600'000'000};  // 2026-03-01T09:00:00Z
constexpr Duration kHour = std::chrono::hours(1);

struct Authority {
  KeyHandle key;
  CertificateHandle certificate;
};

Authority new_authority(TimePoint from, TimePoint to) {
  auto key = new_p256_key();
  REQUIRE(key);
  auto certificate = make_ca(**key, {"kubernetes", {"demo"}}, {from, to});
  REQUIRE(certificate);
  return {std::move(key).value(), std::move(certificate).value()};
}

Result<CertificateHandle> client_of(const Authority& ca, const CertificateName& name,
                                    Validity validity) {
  const auto key = new_p256_key();
  REQUIRE(key);
  return make_client(*ca.certificate, *ca.key, **key, name, validity);
}

Errc code_of(const Result<CertificateHandle>& made) {
  REQUIRE_FALSE(made);
  return made.error().code;
}

}  // namespace

TEST_CASE("a client's validity is cut to that of its CA") {
  const auto ca = new_authority(kNow, kNow + 10 * kHour);
  const auto client = client_of(ca, {"dure:u", {}}, {kNow - kHour, kNow + 20 * kHour});
  REQUIRE(client);
  CHECK(ASN1_TIME_compare(X509_get0_notBefore(client->get()),
                          X509_get0_notBefore(ca.certificate.get())) == 0);
  CHECK(ASN1_TIME_compare(X509_get0_notAfter(client->get()),
                          X509_get0_notAfter(ca.certificate.get())) == 0);
}

TEST_CASE("a client is refused when its CA is not valid in its span") {
  const auto ca = new_authority(kNow, kNow + 10 * kHour);
  CHECK(code_of(client_of(ca, {"u", {}}, {kNow + 10 * kHour, kNow + 11 * kHour})) ==
        Errc::conflict);
  CHECK(code_of(client_of(ca, {"u", {}}, {kNow - 2 * kHour, kNow})) == Errc::conflict);
}

TEST_CASE("a client is refused with a name or a span that is not allowed") {
  const auto ca = new_authority(kNow, kNow + 10 * kHour);
  const Validity good{kNow, kNow + kHour};
  const std::string longest(kMaxNameBytes, 'u');
  CHECK(client_of(ca, {longest, {longest}}, good));
  CHECK(client_of(ca, {"\xeb\x91\x90\xeb\xa0\x88", {}}, good));
  const CertificateName bad_names[] = {{"", {}},
                                       {longest + "u", {}},
                                       {"u", {""}},
                                       {"u", {longest + "u"}},
                                       {std::string("u\0v", 3), {}},
                                       {"u\nv", {}},
                                       {"u", {"g\x7f"}},
                                       {"\xff\xfe", {}},
                                       {"u", std::vector<std::string>(kMaxOrganisations + 1, "g")}};
  for (const auto& name : bad_names)
    CHECK(code_of(client_of(ca, name, good)) == Errc::invalid_argument);
  const Validity bad_spans[] = {{kNow, kNow},
                                {kNow + kHour, kNow},
                                {TimePoint{-1}, kNow},
                                {kNow, TimePoint{std::numeric_limits<std::int64_t>::max()}},
                                {kNow, kNow + Duration(999'999)}};
  for (const auto& span : bad_spans)
    CHECK(code_of(client_of(ca, {"u", {}}, span)) == Errc::invalid_argument);
}

TEST_CASE("only a CA with its own key signs") {
  const auto ca = new_authority(kNow, kNow + 10 * kHour);
  const auto other = new_authority(kNow, kNow + 10 * kHour);
  const auto key = new_p256_key();
  REQUIRE(key);
  CHECK(code_of(make_client(*ca.certificate, *other.key, **key, {"u", {}}, {kNow, kNow + kHour})) ==
        Errc::invalid_argument);
  const auto client = make_client(*ca.certificate, *ca.key, **key, {"u", {}}, {kNow, kNow + kHour});
  REQUIRE(client);
  CHECK(code_of(make_client(**client, **key, *ca.key, {"v", {}}, {kNow, kNow + kHour})) ==
        Errc::invalid_argument);
}

TEST_CASE("what is not PEM is refused without a word of it, and leaves no error behind") {
  constexpr std::string_view secret =
      "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
  constexpr std::string_view encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n";
  for (const std::string_view text :
       {std::string_view(), std::string_view("x"), secret, encrypted}) {
    const auto key = parse_private_key(text);
    REQUIRE_FALSE(key);
    CHECK(key.error().code == Errc::invalid_argument);
    CHECK(key.error().message.find("c2Vj") == std::string::npos);
    CHECK_FALSE(parse_certificate(text));
    CHECK(ERR_peek_error() == 0);
  }
  CHECK_FALSE(parse_certificate(std::string(kMaxPemBytes + 1, 'x')));
}

TEST_CASE("a master key has exactly 32 bytes") {
  for (const std::size_t size : {0U, 31U, 33U, 64U}) {
    const auto made = OpensslClusterIdentities::create(std::string(size, 'k'));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Errc::invalid_argument);
    CHECK(made.error().message.find("kk") == std::string::npos);
  }
  CHECK(OpensslClusterIdentities::create(std::string(32, 'k')));
}
