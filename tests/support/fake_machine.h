#pragma once

#include <optional>

#include "hostagent/ports/machine.h"

namespace dure::host {

// A PC as a test describes it; it is rebooted by giving it another boot id.
class FakeMachine : public Machine {
 public:
  BootId boot;
  HostCapacity facts;
  std::optional<Error> failure;
  HostState seen;

  Result<BootId> boot_id() override {
    if (failure) return *failure;
    return boot;
  }
  Result<HostCapacity> capacity() override {
    if (failure) return *failure;
    return facts;
  }
  HostState state() override { return seen; }
};

}  // namespace dure::host
