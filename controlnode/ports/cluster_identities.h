#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "common/time.h"

namespace dure::control {

// Both as PEM; the key as PKCS #8.
struct CertificateAndKey {
  std::string certificate;
  std::string private_key;
};

// What a cluster is known by, made before any of its nodes exists.
struct ClusterKeys {
  CertificateAndKey ca;             // signs API servers, kubelets and users
  CertificateAndKey front_proxy_ca;
  CertificateAndKey etcd_ca;
  std::string service_account_public_key, service_account_private_key;  // PEM
};

struct ClientSubject {
  std::string user;                  // common name, at most 64 bytes
  std::vector<std::string> groups;   // organisations
};

// Makes, keeps and uses the keys of clusters. What leaves make() is encrypted under a key that is not
// in the database; nothing of a key is ever in an error's text.
class ClusterIdentities {
 public:
  virtual ~ClusterIdentities() = default;

  // New keys, encrypted for storage and bound to this cluster: opened for another one they are refused.
  virtual Result<std::string> make(const ClusterId& cluster, std::string_view cluster_name, TimePoint now) = 0;
  // `unauthenticated`: another key, another cluster, or changed bytes.
  virtual Result<ClusterKeys> open(const ClusterId& cluster, std::string_view sealed) = 0;
  // A new key with a client certificate by the cluster's CA, valid in this span and never longer than the CA.
  virtual Result<CertificateAndKey> issue_client(const CertificateAndKey& ca, const ClientSubject& subject,
                                                 TimePoint not_before, TimePoint not_after) = 0;
  // "sha256:<64 hex>" over the CA's public key (SubjectPublicKeyInfo): what kubeadm pins.
  virtual Result<std::string> ca_hash(std::string_view ca_certificate) = 0;
};

}  // namespace dure::control
