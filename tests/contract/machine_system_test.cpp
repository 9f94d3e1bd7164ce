#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "hostagent/edges/system/system_machine.h"
#include "tests/contract/machine_contract.h"

TEST_CASE("the machine that this runs on keeps the contract") {
  dure::host::SystemMachine machine("/", {});
  dure::host::contract::machine_contract(machine);
}

TEST_CASE("what the configuration names and the PC has not is told, and only that") {
  using namespace dure::host;
  const auto codes = [](MachineNeeds needs) {
    std::vector<dure::ConditionCode> all;
    for (const auto& condition : SystemMachine("/", {}, std::move(needs)).state().conditions) {
      if (condition.code != dure::ConditionCode::no_space) all.push_back(condition.code);
    }
    return all;
  };
  CHECK(codes({"lo", "127.0.0.1"}).empty());
  CHECK(codes({"", ""}).empty());
  CHECK(codes({"nosuch0", "127.0.0.1"}) == std::vector{dure::ConditionCode::uplink});
  CHECK(codes({"lo", "192.0.2.77"}) == std::vector{dure::ConditionCode::address});
  const auto lost = SystemMachine("/nonexistent", {}).state();
  REQUIRE(lost.conditions.size() == 1);
  CHECK(lost.conditions[0].code == dure::ConditionCode::storage);
  CHECK(SystemMachine("/", {}).state().disk_free_gib <= SystemMachine("/", {}).capacity()->disk_gib);
}

TEST_CASE("a disk is nearly full when a guest's next write may fail") {
  constexpr std::uint64_t kGib = 1ULL << 30;
  using dure::host::nearly_full;
  CHECK_FALSE(nearly_full(3 * kGib, 200 * kGib));
  CHECK(nearly_full(1 * kGib, 200 * kGib));
  CHECK_FALSE(nearly_full(kGib / 20, kGib));
  CHECK(nearly_full(kGib / 100, kGib));
  CHECK(nearly_full(0, kGib));
}
