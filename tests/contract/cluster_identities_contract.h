#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "controlnode/ports/cluster_identities.h"

namespace dure::control::contract {

inline constexpr TimePoint kIdentityNow{1'772'355'600'000'000};  // 2026-03-01T09:00:00Z
inline constexpr Duration kIdentityHour = std::chrono::hours(1);

inline ClusterId identity_cluster(std::uint8_t n) {
  ClusterId id;
  id.uuid.bytes.fill(n);
  return id;
}

template <class T>
bool fails(const Result<T>& result, Errc code) {
  return !result && result.error().code == code;
}

inline ClusterKeys made_and_opened(ClusterIdentities& identities, const ClusterId& cluster) {
  const auto sealed = identities.make(cluster, "demo", kIdentityNow);
  REQUIRE(sealed);
  auto keys = identities.open(cluster, *sealed);
  REQUIRE(keys);
  return std::move(keys).value();
}

// Every key of a cluster is another one, and another one than those of the next cluster.
inline void each_cluster_has_its_own_keys(ClusterIdentities& identities) {
  std::set<std::string> texts;
  for (const auto& cluster : {identity_cluster(1), identity_cluster(2)}) {
    const auto keys = made_and_opened(identities, cluster);
    for (const auto& text :
         {keys.ca.certificate, keys.ca.private_key, keys.front_proxy_ca.certificate,
          keys.front_proxy_ca.private_key, keys.etcd_ca.certificate, keys.etcd_ca.private_key,
          keys.service_account_public_key, keys.service_account_private_key}) {
      CHECK(text.starts_with("-----BEGIN "));
      CHECK(text.ends_with("-----\n"));
      texts.insert(text);
    }
  }
  CHECK(texts.size() == 16);
}

inline void sealed_keys_open_for_their_cluster_alone(ClusterIdentities& identities) {
  const auto cluster = identity_cluster(1);
  const auto sealed = identities.make(cluster, "demo", kIdentityNow);
  REQUIRE(sealed);
  const auto first = identities.open(cluster, *sealed), second = identities.open(cluster, *sealed);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->ca.private_key == second->ca.private_key);
  CHECK(fails(identities.open(identity_cluster(2), *sealed), Errc::unauthenticated));
  CHECK(fails(identities.open(cluster, ""), Errc::unauthenticated));
  CHECK(fails(identities.open(cluster, *sealed + "x"), Errc::unauthenticated));
  for (std::size_t at = 0; at < sealed->size(); ++at) {
    std::string changed = *sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CAPTURE(at);
    CHECK(fails(identities.open(cluster, changed), Errc::unauthenticated));
  }
}

inline void clients_are_issued_or_refused(ClusterIdentities& identities) {
  const auto ca = made_and_opened(identities, identity_cluster(1)).ca;
  const auto from = kIdentityNow, to = kIdentityNow + 6 * kIdentityHour;
  const auto issue = [&](const std::string& user, TimePoint begin, TimePoint end) {
    return identities.issue_client(ca, {user, {"system:nodes"}}, begin, end);
  };
  const auto first = issue("system:node:demo-w1", from, to),
             second = issue("system:node:demo-w1", from, to);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->certificate != second->certificate);
  CHECK(first->private_key != second->private_key);
  CHECK(issue(std::string(64, 'u'), from, to));
  CHECK(fails(issue("", from, to), Errc::invalid_argument));
  CHECK(fails(issue(std::string(65, 'u'), from, to), Errc::invalid_argument));
  CHECK(fails(issue("u", to, from), Errc::invalid_argument));
  CHECK(fails(issue("u", from, from), Errc::invalid_argument));
  CHECK(fails(issue("u", from + 200'000 * kIdentityHour, to + 200'000 * kIdentityHour),
              Errc::conflict));
  CHECK(fails(identities.issue_client({"x", "y"}, {"u", {}}, from, to), Errc::invalid_argument));
}

inline void a_ca_has_one_hash(ClusterIdentities& identities) {
  const auto keys = made_and_opened(identities, identity_cluster(1));
  const auto first = identities.ca_hash(keys.ca.certificate),
             again = identities.ca_hash(keys.ca.certificate);
  const auto other = identities.ca_hash(keys.etcd_ca.certificate);
  REQUIRE(first);
  REQUIRE(again);
  REQUIRE(other);
  CHECK(*first == *again);
  CHECK(*first != *other);
  CHECK(first->starts_with("sha256:"));
  CHECK(first->size() == 7 + 64);
  CHECK(first->find_first_not_of("0123456789abcdef", 7) == std::string::npos);
  CHECK(fails(identities.ca_hash("x"), Errc::invalid_argument));
}

inline void cluster_identities_contract(ClusterIdentities& identities) {
  each_cluster_has_its_own_keys(identities);
  sealed_keys_open_for_their_cluster_alone(identities);
  clients_are_issued_or_refused(identities);
  a_ca_has_one_hash(identities);
}

}  // namespace dure::control::contract
