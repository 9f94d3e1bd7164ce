#include <doctest/doctest.h>

#include "tests/contract/cluster_identities_contract.h"
#include "tests/support/fake_cluster_identities.h"

using namespace dure;
using namespace dure::control;

TEST_CASE("the fake cluster identities keep the contract") {
  FakeClusterIdentities fake;
  contract::cluster_identities_contract(fake);
}

TEST_CASE("two fake cluster identities give the same bytes for the same calls") {
  FakeClusterIdentities first, second;
  const auto a = first.make(contract::identity_cluster(1), "demo", contract::kIdentityNow);
  const auto b = second.make(contract::identity_cluster(1), "demo", contract::kIdentityNow);
  REQUIRE(a);
  REQUIRE(b);
  CHECK(*a == *b);
}

TEST_CASE("the fake cluster identities cut a client's validity to that of its CA") {
  FakeClusterIdentities fake;
  const auto ca = contract::made_and_opened(fake, contract::identity_cluster(1)).ca;
  const auto end = contract::kIdentityNow + 20 * 365 * 24 * contract::kIdentityHour;
  const auto client =
      fake.issue_client(ca, {"u", {}}, contract::kIdentityNow, end + contract::kIdentityHour);
  REQUIRE(client);
  CHECK(fake.issued.at(client->certificate).not_after == end);
}
