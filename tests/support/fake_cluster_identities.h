#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "common/sha256.h"
#include "controlnode/ports/cluster_identities.h"

namespace dure::control {

// Keys that protect nothing, numbered in the order in which they were made: the same calls give the
// same bytes. For one thread.
class FakeClusterIdentities : public ClusterIdentities {
 public:
  struct Issued {
    ClientSubject subject;
    TimePoint not_before, not_after;
  };

  // Asked before every call of "make", "open", "issue_client", "ca_hash": an error makes it fail.
  std::function<std::optional<Error>(const std::string& call)> fail;
  // By the certificate that was given out for it.
  std::map<std::string, Issued> issued;

  Result<std::string> make(const ClusterId& cluster, std::string_view cluster_name,
                           TimePoint now) override {
    if (auto error = failure("make")) return *error;
    const std::string body = cluster.str() + " " + std::to_string(++made_) + " " +
                             std::to_string(now.us) + " " + std::string(cluster_name);
    return digest(body) + body;
  }

  Result<ClusterKeys> open(const ClusterId& cluster, std::string_view sealed) override {
    if (auto error = failure("open")) return *error;
    const std::string body(sealed.substr(sealed.size() < kDigest ? sealed.size() : kDigest));
    if (!sealed.starts_with(digest(body)) || !body.starts_with(cluster.str()))
      return Error{Errc::unauthenticated, "these are not the sealed keys of this cluster"};
    return ClusterKeys{authority("kubernetes", body), authority("front-proxy-ca", body),
                       authority("etcd-ca", body), pem("PUBLIC KEY", "sa " + body),
                       pem("PRIVATE KEY", "sa " + body)};
  }

  Result<CertificateAndKey> issue_client(const CertificateAndKey& ca, const ClientSubject& subject,
                                         TimePoint not_before, TimePoint not_after) override {
    if (auto error = failure("issue_client")) return *error;
    const auto ca_end = end_of(ca.certificate);
    if (!ca_end) return Error{Errc::invalid_argument, "this is not a CA"};
    if (subject.user.empty() || subject.user.size() > 64)
      return Error{Errc::invalid_argument, "a common name has 1 to 64 bytes"};
    if (not_after <= not_before)
      return Error{Errc::invalid_argument, "a validity ends after it begins"};
    if (*ca_end <= not_before) return Error{Errc::conflict, "the CA is not valid in this span"};
    const std::string name = std::to_string(++made_) + " " + subject.user;
    CertificateAndKey client{pem("CERTIFICATE", name), pem("PRIVATE KEY", name)};
    issued[client.certificate] = {subject, not_before, not_after < *ca_end ? not_after : *ca_end};
    return client;
  }

  Result<std::string> ca_hash(std::string_view ca_certificate) override {
    if (auto error = failure("ca_hash")) return *error;
    if (!end_of(ca_certificate)) return Error{Errc::invalid_argument, "this is not a CA"};
    return "sha256:" + digest(ca_certificate);
  }

 private:
  static constexpr std::size_t kDigest = 64;

  std::optional<Error> failure(const std::string& call) const {
    return fail ? fail(call) : std::nullopt;
  }

  static std::string digest(std::string_view bytes) {
    Sha256 hash;
    hash.update(std::as_bytes(std::span(bytes.data(), bytes.size())));
    return hash.finish().str();
  }

  static std::string pem(const std::string& kind, const std::string& body) {
    return "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n";
  }
  static CertificateAndKey authority(const std::string& name, const std::string& body) {
    return {pem("CERTIFICATE", "ca " + name + " " + body), pem("PRIVATE KEY", name + " " + body)};
  }
  // Twenty years after the cluster was made; nothing for what is not a CA of this fake.
  static std::optional<TimePoint> end_of(std::string_view ca) {
    constexpr std::string_view start = "-----BEGIN CERTIFICATE-----\nca ";
    if (!ca.starts_with(start)) return std::nullopt;
    ca.remove_prefix(start.size());
    for (int word = 0; word < 3; ++word) {  // the name, the cluster, the number
      const auto space = ca.find(' ');
      if (space == std::string_view::npos) return std::nullopt;
      ca.remove_prefix(space + 1);
    }
    return TimePoint{std::stoll(std::string(ca.substr(0, ca.find(' '))))} +
           std::chrono::hours(20 * 365 * 24);
  }

  int made_ = 0;
};

}  // namespace dure::control
