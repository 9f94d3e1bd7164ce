#include <doctest/doctest.h>

#include "tests/contract/dataplane_contract.h"
#include "tests/support/fake_dataplane.h"

using namespace dure;
using namespace dure::host;

TEST_CASE("the fake dataplane keeps the contract") {
  FakeDataplane fake;
  contract::dataplane_contract(fake);
}

TEST_CASE("the fake dataplane fails where it is told to, and changes nothing then") {
  FakeDataplane fake;
  const auto network = contract::sample_network(1);
  fake.fail = [](const std::string& call) -> std::optional<Error> {
    if (call == "apply") return Error{Errc::unavailable, "told to"};
    return std::nullopt;
  };
  CHECK_FALSE(fake.apply(network).ok());
  CHECK(contract::seen(fake).empty());
  fake.fail = nullptr;
  contract::require_applied(fake, network);
  fake.damage(network.vni);
  CHECK_FALSE(contract::seen(fake)[0].complete);
  contract::require_applied(fake, network);
  contract::check_only(fake, network);
  fake.reboot();
  CHECK(contract::seen(fake).empty());
}
