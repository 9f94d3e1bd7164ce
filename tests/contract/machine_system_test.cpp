#include <doctest/doctest.h>

#include "hostagent/edges/system/system_machine.h"
#include "tests/contract/machine_contract.h"

TEST_CASE("the machine that this runs on keeps the contract") {
  dure::host::SystemMachine machine("/", {});
  dure::host::contract::machine_contract(machine);
}
