#pragma once

#include <doctest/doctest.h>

#include "hostagent/ports/machine.h"

namespace dure::host::contract {

inline void machine_contract(Machine& machine) {
  const auto boot = machine.boot_id();
  REQUIRE(boot.ok());
  CHECK_FALSE(boot->is_nil());
  INFO("within one boot the id stays");
  CHECK(*machine.boot_id() == *boot);
  const auto capacity = machine.capacity();
  REQUIRE(capacity.ok());
  CHECK(capacity->vcpus >= 1);
  CHECK(capacity->memory_mib >= 1);
  INFO("whether KVM works is not the machine's to say");
  CHECK_FALSE(capacity->hardware_virtualisation);
}

}  // namespace dure::host::contract
