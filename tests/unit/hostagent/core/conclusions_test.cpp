#include "hostagent/core/conclusions.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "tests/support/host_order_sample.h"

namespace dure::host {
namespace {

constexpr SteadyPoint kNow{1'000'000'000};

ObjectRef vm_of(const HostOrder& order) { return {ObjectKind::vm, order.vms.at(0).id.uuid}; }
ObjectRef network_of(const HostOrder& order) { return {ObjectKind::network, order.networks.at(0).id.uuid}; }

HostOp start_of(const HostOrder& order) { return StartVm{order.vms[0], order.images[0], order.networks[0], order.order}; }

// An order that names nothing, and a host that has nothing.
Observed nothing_there() {
  Observed observed;
  observed.hypervisor_answers = true;
  return observed;
}

}  // namespace

TEST_CASE("conclusions: what an earlier process may have made is proven when it is seen, or when nothing more can come") {
  const auto order = sample_order();
  const ObjectRef stranger{ObjectKind::vm, uuid_number(99)};
  std::set<ObjectRef> earlier{vm_of(order), network_of(order), stranger};
  prove_earlier(earlier, nothing_there(), false);
  CHECK(earlier.size() == 3);
  prove_earlier(earlier, all_in_place(order), false);
  CHECK(earlier == std::set<ObjectRef>{stranger});
  prove_earlier(earlier, nothing_there(), true);
  CHECK(earlier.empty());
}

TEST_CASE("conclusions: an obligation ends when no order wants it and a look that proves something does not find it") {
  const HostOrder none;
  const auto order = sample_order();
  const auto there = all_in_place(order);
  for (const auto& object : {vm_of(order), network_of(order)}) {
    CAPTURE(to_string(object.kind));
    CHECK(is_gone(object, none, nothing_there(), {}));
    CHECK_FALSE(is_gone(object, order, nothing_there(), {}));
    CHECK_FALSE(is_gone(object, none, there, {}));
    CHECK_FALSE(is_gone(object, none, nothing_there(), {object}));
    CHECK_FALSE(is_gone(object, none, Observed{}, {}));
  }
  // Its files are a part of it.
  auto files = nothing_there();
  files.files.push_back({order.vms[0].id, 1, false, true});
  CHECK_FALSE(is_gone(vm_of(order), none, files, {}));
  CHECK(is_gone(network_of(order), none, files, {}));
}

TEST_CASE("conclusions: an order is applied when nothing is left but what has failed, and libvirt answers") {
  const auto order = sample_order();
  const auto there = all_in_place(order);
  Attempts attempts;
  HostPlan plan;
  plan.settled = true;
  CHECK(is_applied(plan, Observed{}, attempts));
  plan.settled = false;
  // Something is waited for.
  CHECK_FALSE(is_applied(plan, there, attempts));
  plan.ops = {start_of(order)};
  attempts.plan(plan.ops, kNow);
  attempts.begin(plan.ops[0], kNow);
  CHECK_FALSE(is_applied(plan, there, attempts));
  attempts.end(plan.ops[0], ObjectFailure{ObjectKind::vm, order.vms[0].id.uuid, FailureCode::hypervisor, "no"}, kNow);
  CHECK(is_applied(plan, there, attempts));
  CHECK_FALSE(is_applied(plan, Observed{}, attempts));
}

TEST_CASE("conclusions: told as in flight are VMs and networks that are unproven, or removed but for their files") {
  auto order = sample_order();
  const auto vm = vm_of(order);
  const ObjectRef earlier{ObjectKind::network, uuid_number(77)};
  Attempts attempts;
  const std::vector<HostOp> ops{start_of(order), FetchBlob{order.images[0].disk}};
  attempts.plan(ops, kNow);
  for (const auto& op : ops) attempts.begin(op, kNow);
  const auto at_work = unproven({earlier}, attempts);
  CHECK(at_work == std::set<ObjectRef>{vm, earlier, key_of(ops[1])});
  CHECK(told_in_flight(at_work, nullptr, nullptr) == std::vector<ObjectRef>{earlier, vm});
  auto observed = all_in_place(order);
  observed.vms.clear();
  CHECK(told_in_flight({}, &order, &observed).empty());
  order.removed_vms = {{order.vms[0].id, 1}};
  order.vms.clear();
  CHECK(told_in_flight({}, &order, &observed) == std::vector<ObjectRef>{vm});
  CHECK(told_in_flight({}, &order, nullptr).empty());
  observed.files[0] = {observed.files[0].id, 2, true, true};
  CHECK(told_in_flight({}, &order, &observed).empty());
}

}  // namespace dure::host
