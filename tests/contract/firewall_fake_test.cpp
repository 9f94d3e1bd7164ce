#include <doctest/doctest.h>

#include "tests/contract/firewall_contract.h"
#include "tests/support/fake_dataplane.h"

using namespace dure;
using namespace dure::host;

TEST_CASE("the fake firewall keeps the contract") {
  FakeFirewall fake;
  contract::firewall_contract(fake);
}

TEST_CASE("the fake firewall fails where it is told to, and forgets its rules at a reboot") {
  FakeFirewall fake;
  fake.fail = [](const std::string&) -> std::optional<Error> { return Error{Errc::unavailable, "told to"}; };
  CHECK_FALSE(fake.apply({contract::sample_network(1)}, contract::digest_of(1)).ok());
  CHECK_FALSE(fake.applied().ok());
  fake.fail = nullptr;
  CHECK(contract::applied(fake) == Digest{});
  contract::require_applied(fake, {contract::sample_network(1)}, contract::digest_of(1));
  fake.reboot();
  CHECK(contract::applied(fake) == Digest{});
}
