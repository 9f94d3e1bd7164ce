#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "controlnode/edges/pki/sealing.h"
#include "controlnode/ports/cluster_identities.h"

namespace dure::control {

// ECDSA keys on P-256 and X.509 certificates by OpenSSL 3. It has no state but the master key, so
// that several threads may use it.
class OpensslClusterIdentities final : public ClusterIdentities {
 public:
  // Exactly 32 bytes; `invalid_argument` otherwise.
  static Result<std::unique_ptr<OpensslClusterIdentities>> create(std::string_view master_key);

  Result<std::string> make(const ClusterId& cluster, std::string_view cluster_name,
                           TimePoint now) override;
  Result<ClusterKeys> open(const ClusterId& cluster, std::string_view sealed) override;
  Result<CertificateAndKey> issue_client(const CertificateAndKey& ca, const ClientSubject& subject,
                                         TimePoint not_before, TimePoint not_after) override;
  Result<std::string> ca_hash(std::string_view ca_certificate) override;

 private:
  explicit OpensslClusterIdentities(std::string_view master_key) : master_(master_key) {}

  SecretKey master_;
};

}  // namespace dure::control
