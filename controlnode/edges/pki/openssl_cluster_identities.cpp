#include "controlnode/edges/pki/openssl_cluster_identities.h"

#include <openssl/crypto.h>

#include <chrono>
#include <span>
#include <utility>

#include "common/sha256.h"
#include "controlnode/edges/pki/certificates.h"
#include "controlnode/edges/pki/key_list.h"
#include "controlnode/edges/pki/pem.h"

namespace dure::control {
namespace {

constexpr Duration kCaLife = std::chrono::hours(20 * 365 * 24 + 5 * 24);
// Guests whose clocks are behind can use a new cluster at once.
constexpr Duration kBackdated = std::chrono::hours(1);

Result<CertificateAndKey> as_pem(X509& certificate, EVP_PKEY& key) {
  auto text = to_pem(certificate);
  if (!text) return text.error();
  auto secret = private_pem(key);
  if (!secret) return secret.error();
  return CertificateAndKey{std::move(text).value(), std::move(secret).value()};
}

Result<CertificateAndKey> new_ca(std::string_view role, std::string_view cluster_name,
                                 TimePoint now) {
  const auto key = new_p256_key();
  if (!key) return key.error();
  const CertificateName name{std::string(role), {std::string(cluster_name)}};
  const auto certificate = make_ca(**key, name, {now - kBackdated, now + kCaLife});
  if (!certificate) return certificate.error();
  return as_pem(**certificate, **key);
}

// The common names are those that kubeadm gives its own.
Result<void> fill(ClusterKeys& keys, std::string_view cluster_name, TimePoint now) {
  const std::pair<CertificateAndKey*, std::string_view> authorities[] = {
      {&keys.ca, "kubernetes"},
      {&keys.front_proxy_ca, "front-proxy-ca"},
      {&keys.etcd_ca, "etcd-ca"}};
  for (const auto& [authority, role] : authorities) {
    auto made = new_ca(role, cluster_name, now);
    if (!made) return made.error();
    *authority = std::move(made).value();
  }
  const auto account = new_p256_key();
  if (!account) return account.error();
  auto secret = private_pem(**account);
  if (!secret) return secret.error();
  auto shown = public_pem(**account);
  if (!shown) return shown.error();
  keys.service_account_private_key = std::move(secret).value();
  keys.service_account_public_key = std::move(shown).value();
  return {};
}

void cleanse(ClusterKeys& keys) {
  for (std::string* secret : {&keys.ca.private_key, &keys.front_proxy_ca.private_key,
                              &keys.etcd_ca.private_key, &keys.service_account_private_key}) {
    OPENSSL_cleanse(secret->data(), secret->size());
  }
}

}  // namespace

Result<std::unique_ptr<OpensslClusterIdentities>> OpensslClusterIdentities::create(
    std::string_view master_key) {
  if (master_key.size() != SecretKey::kBytes) {
    return Error{Errc::invalid_argument, "cluster keys: the master key has to have 32 bytes"};
  }
  return std::unique_ptr<OpensslClusterIdentities>(new OpensslClusterIdentities(master_key));
}

Result<std::string> OpensslClusterIdentities::make(const ClusterId& cluster,
                                                   std::string_view cluster_name, TimePoint now) {
  ClusterKeys keys;
  const auto filled = fill(keys, cluster_name, now);
  auto sealed = filled ? seal_keys(master_, cluster, write_key_list(keys).text) : filled.error();
  cleanse(keys);
  return sealed;
}

Result<ClusterKeys> OpensslClusterIdentities::open(const ClusterId& cluster,
                                                   std::string_view sealed) {
  const auto plain = open_keys(master_, cluster, sealed);
  if (!plain) return plain.error();
  auto keys = read_key_list(plain->text);
  if (!keys) return Error{Errc::corrupt, "cluster keys: what was sealed is not a list of keys"};
  return std::move(*keys);
}

Result<CertificateAndKey> OpensslClusterIdentities::issue_client(const CertificateAndKey& ca,
                                                                 const ClientSubject& subject,
                                                                 TimePoint not_before,
                                                                 TimePoint not_after) {
  const auto ca_certificate = parse_certificate(ca.certificate);
  if (!ca_certificate) return ca_certificate.error();
  const auto ca_key = parse_private_key(ca.private_key);
  if (!ca_key) return ca_key.error();
  const auto key = new_p256_key();
  if (!key) return key.error();
  const auto certificate = make_client(**ca_certificate, **ca_key, **key,
                                       {subject.user, subject.groups}, {not_before, not_after});
  if (!certificate) return certificate.error();
  return as_pem(**certificate, **key);
}

Result<std::string> OpensslClusterIdentities::ca_hash(std::string_view ca_certificate) {
  const auto certificate = parse_certificate(ca_certificate);
  if (!certificate) return certificate.error();
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate->get()), &der);
  if (size <= 0 || der == nullptr) return openssl_error("writing a public key");
  const std::unique_ptr<unsigned char, decltype([](unsigned char* bytes) { OPENSSL_free(bytes); })>
      owned{der};
  Sha256 hash;
  hash.update(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  return "sha256:" + hash.finish().str();
}

}  // namespace dure::control
