#include <doctest/doctest.h>

#include "tests/contract/hypervisor_contract.h"
#include "tests/support/fake_hypervisor.h"

using namespace dure;
using namespace dure::host;

namespace {

VmSpec sample_vm() {
  VmSpec vm;
  vm.id = *NodeId::parse("00000000-0000-4000-8000-000000000001");
  vm.generation = 1;
  vm.name = "demo-w1";
  return vm;
}

}  // namespace

TEST_CASE("the fake hypervisor keeps the contract") {
  FakeHypervisor fake;
  NetworkSpec network;
  network.vni = 4242;
  contract::HypervisorWorld world{fake,
                                  sample_vm(),
                                  network,
                                  {},
                                  [&](const NodeId& id) { fake.set_state(id, VmState::stopped); },
                                  [&](const NodeId& id) { fake.set_state(id, VmState::paused); },
                                  [&](const NodeId& id) { fake.place_foreign(id); },
                                  [&](const NodeId& id) { fake.take_away(id); }};
  contract::hypervisor_contract(world);
}

TEST_CASE("the fake hypervisor fails where it is told to; in doubt means done") {
  FakeHypervisor fake;
  const VmSpec vm = sample_vm();
  Errc code = Errc::unavailable;
  fake.fail = [&](const std::string& call, const NodeId&) -> std::optional<Error> {
    if (call == "start") return Error{code, "told to"};
    return std::nullopt;
  };
  CHECK_FALSE(fake.start(vm, {}, {}, {}).ok());
  CHECK_FALSE(fake.find(vm.id).has_value());
  code = Errc::in_doubt;
  CHECK_FALSE(fake.start(vm, {}, {}, {}).ok());
  CHECK(fake.find(vm.id).has_value());
  CHECK(fake.starts() == 1);
  fake.crash(vm.id);
  CHECK(contract::find_vm(fake, vm.id)->state == VmState::crashed);
}
