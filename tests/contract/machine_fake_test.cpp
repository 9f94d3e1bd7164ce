#include <doctest/doctest.h>

#include "tests/contract/machine_contract.h"
#include "tests/support/fake_machine.h"

using namespace dure;
using namespace dure::host;

TEST_CASE("the fake machine keeps the contract, and fails when told to") {
  FakeMachine fake;
  fake.boot.uuid.bytes.fill(1);
  fake.facts = {4, 8192, 100, false};
  contract::machine_contract(fake);
  fake.failure = Error{Errc::internal, "told to"};
  CHECK_FALSE(fake.boot_id().ok());
  CHECK_FALSE(fake.capacity().ok());
}
