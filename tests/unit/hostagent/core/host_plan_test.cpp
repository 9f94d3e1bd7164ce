#include "hostagent/core/host_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/support/host_order_sample.h"

namespace dure::host {
namespace {

template <class Op>
std::size_t count(const HostPlan& plan) {
  return static_cast<std::size_t>(std::count_if(plan.ops.begin(), plan.ops.end(), [](const auto& op) {
    return std::holds_alternative<Op>(op);
  }));
}

Observed nothing() {
  Observed observed;
  observed.hypervisor_answers = true;
  return observed;
}

}  // namespace

TEST_CASE("host plan: an empty host first fetches blobs and makes network and firewall") {
  const auto plan = host_plan(sample_order(), nothing());
  CHECK(count<FetchBlob>(plan) == 2);
  CHECK(count<ApplyNetwork>(plan) == 1);
  CHECK(count<ApplyFirewall>(plan) == 1);
  CHECK(count<StartVm>(plan) == 0);
  CHECK_FALSE(plan.settled);
}

TEST_CASE("host plan: a VM waits for each of its blobs, its network and the firewall") {
  const auto order = sample_order();
  auto ready = all_in_place(order);
  ready.vms.clear();
  ready.files.clear();
  REQUIRE(count<StartVm>(host_plan(order, ready)) == 1);
  auto blob = ready;
  blob.blobs[1].complete = false;
  CHECK(count<StartVm>(host_plan(order, blob)) == 0);
  auto network = ready;
  network.networks[0].complete = false;
  CHECK(count<StartVm>(host_plan(order, network)) == 0);
  auto stale = ready;
  stale.networks[0].spec.entries.clear();
  CHECK(count<StartVm>(host_plan(order, stale)) == 0);
  auto firewall = ready;
  firewall.firewall = Digest{};
  CHECK(count<StartVm>(host_plan(order, firewall)) == 0);
}

TEST_CASE("host plan: what is in place needs nothing") {
  const auto order = sample_order();
  const auto plan = host_plan(order, all_in_place(order));
  CHECK(plan.ops.empty());
  CHECK(plan.settled);
}

TEST_CASE("host plan: with a single op left and nothing to wait for it is not settled") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms.clear();
  observed.files.clear();
  const auto start = host_plan(order, observed);
  REQUIRE(start.ops.size() == 1);
  CHECK_FALSE(start.settled);
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  order.networks.clear();
  order.vms.clear();
  observed.firewall = Digest{};
  const auto removal = host_plan(order, observed);
  REQUIRE(removal.ops.size() == 1);
  CHECK_FALSE(removal.settled);
}

TEST_CASE("host plan: a stopped or crashed VM is started again, a paused or unknown one is not") {
  const auto order = sample_order();
  for (const auto& [state, starts] :
       {std::pair{VmState::stopped, 1U}, std::pair{VmState::crashed, 1U},
        std::pair{VmState::running, 0U}, std::pair{VmState::paused, 0U},
        std::pair{VmState::unknown, 0U}, std::pair{VmState::creating, 0U}}) {
    auto observed = all_in_place(order);
    observed.vms[0].state = state;
    const auto name = std::string(to_string(state));
    INFO(name);
    CHECK(count<StartVm>(host_plan(order, observed)) == starts);
  }
}

TEST_CASE("host plan: a VM that the order does not mention is left alone") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  order.vms.clear();
  const auto plan = host_plan(order, observed);
  CHECK(plan.ops.empty());
  CHECK(plan.settled);
}

TEST_CASE("host plan: a named removal takes the VM, and its files when the domain is gone already") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  order.removed_vms = {{order.vms[0].id, 1}};
  order.vms.clear();
  CHECK(count<RemoveVm>(host_plan(order, observed)) == 1);
  observed.vms.clear();
  CHECK(count<RemoveVm>(host_plan(order, observed)) == 1);
  observed.files.clear();
  const auto plan = host_plan(order, observed);
  CHECK(plan.ops.empty());
  CHECK(plan.settled);
}

TEST_CASE("host plan: a removal of an older generation leaves the newer VM") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms[0].generation = 3;
  observed.files[0].generation = 3;
  order.removed_vms = {{order.vms[0].id, 2}};
  order.vms.clear();
  CHECK(host_plan(order, observed).ops.empty());
}

TEST_CASE("host plan: a VM of an older generation is removed before the new one starts") {
  auto order = sample_order();
  const auto observed = all_in_place(order);
  order.vms[0].generation = 2;
  const auto first = host_plan(order, observed);
  REQUIRE(count<RemoveVm>(first) == 1);
  CHECK(count<StartVm>(first) == 0);
  auto later = observed;
  later.vms.clear();
  later.files.clear();
  CHECK(count<StartVm>(host_plan(order, later)) == 1);
}

TEST_CASE("host plan: a VM of a newer generation than ordered is left alone") {
  const auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms[0].generation = 9;
  CHECK(host_plan(order, observed).ops.empty());
}

TEST_CASE("host plan: while libvirt is silent no VM is touched and nothing counts as settled") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  observed.hypervisor_answers = false;
  observed.vms.clear();
  CHECK(host_plan(order, observed).ops.empty());
  CHECK_FALSE(host_plan(order, observed).settled);
  order.removed_vms = {{order.vms[0].id, 1}};
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  order.vms.clear();
  order.networks.clear();
  observed.firewall = Digest{};
  CHECK(host_plan(order, observed).ops.empty());
  CHECK_FALSE(host_plan(order, observed).settled);
}

TEST_CASE("host plan: a network goes only when no VM is on it") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  order.networks.clear();
  order.vms.clear();
  auto plan = host_plan(order, observed);
  CHECK(count<RemoveNetwork>(plan) == 0);
  CHECK_FALSE(plan.settled);
  observed.vms.clear();
  observed.files.clear();
  CHECK(count<RemoveNetwork>(host_plan(order, observed)) == 1);
}

TEST_CASE("host plan: a network that is wanted again is not removed") {
  auto order = sample_order();
  order.removed_networks = {{order.networks[0].id, order.networks[0].vni}};
  const auto plan = host_plan(order, all_in_place(order));
  CHECK(plan.ops.empty());
}

TEST_CASE("host plan: a VM without its image or network in the order is never started") {
  auto order = sample_order();
  auto observed = all_in_place(order);
  observed.vms.clear();
  observed.files.clear();
  auto no_image = order;
  no_image.images.clear();
  CHECK(count<StartVm>(host_plan(no_image, observed)) == 0);
  auto no_network = order;
  no_network.networks.clear();
  CHECK(count<StartVm>(host_plan(no_network, observed)) == 0);
}

}  // namespace dure::host
