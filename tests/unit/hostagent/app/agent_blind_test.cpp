// What the agent does while a look hangs in libvirt (agent_loop.h).
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/hostagent/app/slow_looks.h"

namespace dure::host {
namespace {

using namespace std::chrono_literals;

// An agent with one VM that runs, to which libvirt does not answer any more.
struct Blind : SlowLooks {
  HostOrder first = order();

  Blind() {
    give_slowly(first);
    run_for(5s);
    REQUIRE(hypervisor.starts() == 1);
    looks.takes = 10min;
    run_for(25s);
    REQUIRE_FALSE(last_report().observed);
  }
  // What there was before, and a second cluster of one VM with an image of its own.
  HostOrder more() {
    auto made = order();
    made.generation = 2;
    auto image = made.images[0];
    image.id = ImageId{uuid_number(33)};
    image.disk = {Digest{{9}}, 500};
    blobs.serve(image.disk.digest, image.disk.size_bytes);
    made.images.push_back(image);
    auto network = made.networks[0];
    network.id = NetworkId{uuid_number(40)};
    network.vni = 4098;
    made.networks.push_back(network);
    auto vm = made.vms[0];
    vm.id = NodeId{uuid_number(66)};
    vm.image = image.id;
    vm.network = network.id;
    made.vms.push_back(vm);
    return made;
  }
  bool fetched(const Digest& digest) {
    const auto held = blobs.list().value();
    return std::any_of(held.begin(), held.end(), [&](const auto& blob) { return blob.digest == digest && blob.complete; });
  }
  std::size_t networks() { return dataplane.list().value().size(); }
};

}  // namespace

TEST_CASE("agent: a look that hangs is told, and the old picture is not told as fresh") {
  SlowLooks bench;
  bench.give_slowly(bench.order());
  bench.run_for(5s);
  REQUIRE(bench.last_report().observed);
  bench.looks.takes = 3min;
  bench.run_for(25s);
  CHECK_FALSE(bench.last_report().observed);
  REQUIRE(bench.last_report().conditions.size() == 1);
  CHECK(bench.last_report().conditions[0].code == ConditionCode::hypervisor_away);
  const auto heard = bench.last_report().sequence;
  bench.run_for(20s);
  CHECK(bench.last_report().sequence > heard);
  bench.looks.takes = 40ms;
  bench.run_for(3min);
  CHECK(bench.last_report().observed);
  CHECK(bench.last_report().conditions.empty());
}

TEST_CASE("agent: while libvirt hangs, downloads, networks and the filter go on, and VMs wait for it") {
  Blind bench;
  const auto order = bench.more();
  bench.give_slowly(order);
  bench.run_for(5s);
  CHECK(bench.networks() == 2);
  CHECK(bench.fetched(order.images[1].disk.digest));
  CHECK(bench.firewall.networks() == order.networks);
  CHECK(bench.hypervisor.starts() == 1);
  const auto report = bench.last_report();
  CHECK_FALSE(report.observed);
  CHECK(report.accepted_generation == 2);
  CHECK(report.applied_generation == 1);
  REQUIRE(report.conditions.size() == 1);
  CHECK(report.conditions[0].code == ConditionCode::hypervisor_away);
  // And when it answers again, they are started. What that look saw is older than what was made since.
  const auto applied = bench.dataplane.applied;
  bench.looks.takes = 40ms;
  bench.run_for(10min);
  CHECK(bench.hypervisor.starts() == 2);
  CHECK(bench.dataplane.applied == applied);
  CHECK(bench.last_report().observed);
  CHECK(bench.last_report().conditions.empty());
  CHECK(bench.last_report().applied_generation == 2);
}

TEST_CASE("agent: while libvirt hangs, nothing is removed, and the filter stays closed") {
  Blind bench;
  auto none = bench.order();
  none.generation = 2;
  none.removed_vms = {{none.vms[0].id, 1}};
  none.removed_networks = {{none.networks[0].id, none.networks[0].vni}};
  none.vms.clear();
  none.networks.clear();
  none.images.clear();
  bench.give_slowly(none);
  bench.run_for(2min);
  CHECK(bench.hypervisor.list().value().size() == 1);
  CHECK(bench.networks() == 1);
  CHECK(bench.blobs.list().value().size() == 2);
  CHECK(bench.firewall.there());
  CHECK(bench.last_report().applied_generation == 1);
  bench.looks.takes = 40ms;
  bench.run_for(10min);
  CHECK(bench.hypervisor.list().value().empty());
  CHECK(bench.networks() == 0);
  CHECK_FALSE(bench.firewall.there());
  CHECK(bench.last_report().applied_generation == 2);
}

TEST_CASE("agent: a hang of libvirt costs few wake-ups, and one that comes again is told again") {
  Blind bench;
  const auto before = bench.slow_steps;
  bench.run_for(5min);
  CHECK((bench.slow_steps - before) / 300 < 3);
  bench.looks.takes = 40ms;
  bench.run_for(10min);
  REQUIRE(bench.last_report().observed);
  bench.looks.takes = 10min;
  bench.run_for(25s);
  CHECK_FALSE(bench.last_report().observed);
  CHECK(bench.last_report().conditions.size() == 1);
  const auto order = bench.more();
  bench.give_slowly(order);
  bench.run_for(5s);
  CHECK(bench.networks() == 2);
}

}  // namespace dure::host
