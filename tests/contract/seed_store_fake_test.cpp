#include <doctest/doctest.h>

#include "tests/contract/storage_contract.h"
#include "tests/support/fake_seed_store.h"

using namespace dure;
using namespace dure::host;

TEST_CASE("the fake seed store keeps the contract") {
  FakeSeedStore fake;
  contract::seed_store_contract(fake);
}

TEST_CASE("the fake seed store fails where it is told to, and keeps what a seed was made from") {
  FakeSeedStore fake;
  const VmSpec vm = contract::seed_vm(1);
  fake.fail = [](const std::string& call) -> std::optional<Error> {
    if (call == "make") return Error{Errc::no_space, "told to"};
    return std::nullopt;
  };
  CHECK(fake.make(vm, contract::seed_network()).error().code == Errc::no_space);
  CHECK_FALSE(fake.find(vm.id, 1).has_value());
  fake.fail = nullptr;
  contract::must_make(fake, vm);
  CHECK(fake.find(vm.id, 1) == vm);
}
