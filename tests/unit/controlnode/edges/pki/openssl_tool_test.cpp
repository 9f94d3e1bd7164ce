// What another program, the command line of OpenSSL, thinks of keys and certificates made here.
#include <doctest/doctest.h>

#include <chrono>
#include <fstream>

#include "common/run_process.h"
#include "controlnode/edges/pki/openssl_cluster_identities.h"
#include "tests/support/temp_dir.h"

using namespace dure;
using namespace dure::control;

namespace {

constexpr TimePoint kNow{1'772'355'600'000'000};  // 2026-03-01T09:00:00Z
constexpr Duration kHour = std::chrono::hours(1);
constexpr std::string_view kAtNow = "1772355600";

struct Stand {
  Stand() {
    auto made = OpensslClusterIdentities::create("0123456789abcdef0123456789abcdef");
    REQUIRE(made);
    identities = std::move(made).value();
    const auto sealed = identities->make(cluster, "demo", kNow);
    REQUIRE(sealed);
    auto opened = identities->open(cluster, *sealed);
    REQUIRE(opened);
    keys = std::move(opened).value();
  }

  std::string file(const std::string& name, const std::string& text) const {
    const std::string path = directory.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  CertificateAndKey client(const ClientSubject& subject, TimePoint from, TimePoint to) const {
    const auto issued = identities->issue_client(keys.ca, subject, from, to);
    REQUIRE(issued);
    return *issued;
  }

  TempDir directory;
  ClusterId cluster;
  std::unique_ptr<OpensslClusterIdentities> identities;
  ClusterKeys keys;
};

ProcessOutcome openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  const auto outcome = run_process(arguments, std::chrono::seconds(30));
  REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
  return *outcome;
}

std::string told(const std::vector<std::string>& arguments) {
  const auto outcome = openssl(arguments);
  CHECK_MESSAGE(outcome.exit_code == 0, outcome.output);
  return outcome.output;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string about(const std::string& path) {
  return told({"x509", "-in", path, "-noout", "-text"});
}

}  // namespace

TEST_CASE("openssl takes the three CAs as issuers") {
  const Stand stand;
  const std::pair<const CertificateAndKey*, std::string_view> authorities[] = {
      {&stand.keys.ca, "CN = kubernetes"},
      {&stand.keys.front_proxy_ca, "CN = front-proxy-ca"},
      {&stand.keys.etcd_ca, "CN = etcd-ca"}};
  for (const auto& [authority, name] : authorities) {
    const auto path = stand.file("ca.crt", authority->certificate);
    const auto text = about(path);
    const auto subject =
        told({"x509", "-in", path, "-noout", "-subject", "-nameopt", "RFC2253,space_eq"});
    CHECK(has(subject, name));
    CHECK(has(subject, "O = demo"));
    CHECK(has(text, "X509v3 Basic Constraints: critical\n                CA:TRUE"));
    CHECK(has(text,
              "X509v3 Key Usage: critical\n                Digital Signature, Certificate Sign, "
              "CRL Sign"));
    CHECK(has(text, "X509v3 Subject Key Identifier"));
    CHECK(has(text, "ASN1 OID: prime256v1"));
    CHECK(has(text, "Version: 3"));
    CHECK(has(text, "Not Before: Mar  1 08:00:00 2026 GMT"));
    CHECK(has(text, "Not After : Mar  1 09:00:00 2046 GMT"));
    const auto purpose = told({"x509", "-in", path, "-noout", "-purpose"});
    CHECK(has(purpose, "SSL client CA : Yes"));
    CHECK(has(purpose, "SSL server CA : Yes"));
    told({"verify", "-x509_strict", "-check_ss_sig", "-attime", std::string(kAtNow), "-CAfile",
          path, path});
  }
}

TEST_CASE("openssl takes a client's certificate for a client of this CA only") {
  const Stand stand;
  const auto ca = stand.file("ca.crt", stand.keys.ca.certificate);
  const auto other = stand.file("other.crt", stand.keys.etcd_ca.certificate);
  const auto client = stand.file(
      "client.crt",
      stand
          .client({"system:node:demo-w1", {"system:nodes", "more"}}, kNow - kHour, kNow + 6 * kHour)
          .certificate);
  const auto verify = [&](const std::string& purpose, const std::string& authority,
                          const std::string& at) {
    return openssl({"verify", "-x509_strict", "-purpose", purpose, "-attime", at, "-CAfile",
                    authority, client})
        .exit_code;
  };
  CHECK(verify("sslclient", ca, "1772355600") == 0);
  CHECK(verify("sslserver", ca, "1772355600") != 0);
  CHECK(verify("sslclient", other, "1772355600") != 0);
  CHECK(verify("sslclient", ca, "1772350000") != 0);  // before
  CHECK(verify("sslclient", ca, "1772377201") != 0);  // after
  const auto text = about(client);
  CHECK(has(text, "X509v3 Basic Constraints: critical\n                CA:FALSE"));
  CHECK(has(text, "X509v3 Key Usage: critical\n                Digital Signature\n"));
  CHECK(has(text, "                TLS Web Client Authentication\n"));  // and for nothing else
  CHECK(has(text, "X509v3 Authority Key Identifier"));
  CHECK(has(text, "Not Before: Mar  1 08:00:00 2026 GMT"));
  CHECK(has(text, "Not After : Mar  1 15:00:00 2026 GMT"));
  CHECK(told({"x509", "-in", client, "-noout", "-subject", "-nameopt", "RFC2253"}) ==
        "subject=CN=system:node:demo-w1,O=more,O=system:nodes\n");
}

TEST_CASE("openssl finds every serial positive, of 127 bits and used once") {
  const Stand stand;
  std::string last;
  for (int i = 0; i < 5; ++i) {
    const auto path =
        stand.file("client.crt", stand.client({"u", {}}, kNow, kNow + kHour).certificate);
    const auto serial = told({"x509", "-in", path, "-noout", "-serial"});
    CHECK(serial.size() == std::string_view("serial=\n").size() + 32);
    CHECK((serial[7] >= '4' && serial[7] <= '7'));
    CHECK(serial != last);
    last = serial;
  }
}

TEST_CASE("openssl finds that keys belong to their certificates") {
  const Stand stand;
  const auto client = stand.client({"u", {}}, kNow, kNow + kHour);
  for (const auto* pair :
       {&stand.keys.ca, &stand.keys.front_proxy_ca, &stand.keys.etcd_ca, &client}) {
    CHECK(pair->private_key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    const auto certificate = stand.file("one.crt", pair->certificate);
    const auto key = stand.file("one.key", pair->private_key);
    CHECK(told({"x509", "-in", certificate, "-noout", "-pubkey"}) ==
          told({"pkey", "-in", key, "-pubout"}));
  }
  const auto account = stand.file("sa.key", stand.keys.service_account_private_key);
  CHECK(told({"pkey", "-in", account, "-pubout"}) == stand.keys.service_account_public_key);
}

TEST_CASE("openssl computes the same hash of a CA's public key") {
  const Stand stand;
  const auto ca = stand.file("ca.crt", stand.keys.ca.certificate);
  const auto key = stand.file("ca.pub", told({"x509", "-in", ca, "-noout", "-pubkey"}));
  const auto der = stand.file("ca.der", "");
  told({"pkey", "-pubin", "-in", key, "-outform", "der", "-out", der});
  const auto digest = told({"dgst", "-sha256", "-r", der});
  const auto hash = stand.identities->ca_hash(stand.keys.ca.certificate);
  REQUIRE(hash);
  CHECK(*hash == "sha256:" + digest.substr(0, 64));
}
