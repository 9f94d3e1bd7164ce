#include <doctest/doctest.h>

#include "controlnode/edges/pki/openssl_cluster_identities.h"
#include "tests/contract/cluster_identities_contract.h"

using namespace dure;
using namespace dure::control;

namespace {

std::unique_ptr<OpensslClusterIdentities> identities(char last) {
  auto made =
      OpensslClusterIdentities::create("0123456789abcdef0123456789abcde" + std::string(1, last));
  REQUIRE(made);
  return std::move(made).value();
}

}  // namespace

TEST_CASE("the cluster identities by OpenSSL keep the contract") {
  contract::cluster_identities_contract(*identities('f'));
}

TEST_CASE("another master key opens nothing, and the same one opens all after a restart") {
  const auto cluster = contract::identity_cluster(1);
  const auto sealed = identities('f')->make(cluster, "demo", contract::kIdentityNow);
  REQUIRE(sealed);
  CHECK(identities('f')->open(cluster, *sealed));
  CHECK(contract::fails(identities('e')->open(cluster, *sealed), Errc::unauthenticated));
}

TEST_CASE("a cluster's name that cannot stand in a certificate is refused") {
  const auto cluster = contract::identity_cluster(1);
  for (const std::string& name :
       {std::string(), std::string(65, 'n'), std::string("a\nb"), std::string("\xff")}) {
    CHECK(contract::fails(identities('f')->make(cluster, name, contract::kIdentityNow),
                          Errc::invalid_argument));
  }
}
