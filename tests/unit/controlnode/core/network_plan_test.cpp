#include "controlnode/core/network_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

Result<Network> allocate(const Model& model, std::uint32_t number) {
  return allocate_network(model, ModelIndex(model), numbered<NetworkId>(0x4e, number),
                          numbered<ClusterId>(0xc1, number), 1450);
}

}  // namespace

TEST_CASE("network_plan: the guests' MTU is the smallest underlay MTU of the sites less 50") {
  Campus campus;
  CHECK(guest_mtu(campus.model, {}) == 1450);
  const SiteId east = campus.site("east", 1500);
  const SiteId west = campus.site("west", 1400);
  CHECK(guest_mtu(campus.model, {}) == 1350);
  CHECK(guest_mtu(campus.model, {east}) == 1450);
  CHECK(guest_mtu(campus.model, {east, west}) == 1350);
}

TEST_CASE("network_plan: VNIs and prefixes are unique, and a refusal comes when all are taken") {
  Model model;
  model.settings.cluster_networks = *Ipv4Prefix::parse("10.128.0.0/20");
  std::set<std::uint32_t> vnis;
  std::set<Ipv4Prefix> prefixes;
  for (std::uint32_t i = 0; i < 16; ++i) {
    const auto network = allocate(model, i);
    REQUIRE(network.ok());
    CHECK(vnis.insert(network->vni).second);
    CHECK(prefixes.insert(network->prefix).second);
    CHECK(network->prefix.contains(network->gateway));
    CHECK(network->gateway.value == network->prefix.base.value + 1);
    model.networks[network->id] = *network;
    model.next_vni = network->vni + 1;
  }
  const auto none = allocate(model, 99);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == Errc::no_capacity);
}

TEST_CASE("network_plan: a VNI that a host may still have is not handed out again") {
  Model model;
  model.settings.cluster_networks = *Ipv4Prefix::parse("10.128.0.0/23");
  const auto first = allocate(model, 1);
  REQUIRE(first.ok());
  const HostId host = numbered<HostId>(0xa0, 1);
  model.removals[host] = {{host, ObjectKind::network, first->id.uuid, first->vni, 1}};
  const auto second = allocate(model, 2);
  REQUIRE(second.ok());
  CHECK(second->vni != first->vni);
  model.networks[second->id] = *second;
  CHECK_FALSE(allocate(model, 3).ok());
  model.removals.clear();
  REQUIRE(allocate(model, 3).ok());
  CHECK(allocate(model, 3)->vni == first->vni);
}

TEST_CASE("network_plan: numbers come back as late as possible") {
  Model model;
  const auto first = allocate(model, 1);
  model.next_vni = first->vni + 1;
  CHECK(allocate(model, 2)->vni == first->vni + 1);
}

TEST_CASE("network_plan: MACs are local, unicast and differ between networks and addresses") {
  std::set<Mac> macs{gateway_mac()};
  for (std::uint32_t vni : {4097U, 4098U, 0xffffffU}) {
    for (std::uint32_t address : {0x0a80000bU, 0x0a80000cU, 0x0a80010bU}) {
      const Mac mac = node_mac(vni, Ipv4{address});
      CHECK((mac.bytes[0] & 3) == 2);
      CHECK(macs.insert(mac).second);
    }
  }
  CHECK((gateway_mac().bytes[0] & 3) == 2);
}

TEST_CASE("network_plan: each host gets all entries sorted and its peers without itself") {
  Campus campus;
  campus.site("east");
  const HostId one = campus.host("pc-1", "east");
  const HostId two = campus.host("pc-2", "east");
  const HostId idle = campus.host("pc-3", "east", {16, 512, 100});
  campus.catalog();
  REQUIRE(accepted(campus.create("demo", 1, 3)));
  const Network network = campus.model.networks.begin()->second;
  const NetworkSpec spec = network_spec(campus.model, ModelIndex(campus.model), network, one);
  CHECK(spec.entries.size() == 4);
  CHECK(std::is_sorted(spec.entries.begin(), spec.entries.end(),
                       [](const auto& a, const auto& b) { return a.address < b.address; }));
  REQUIRE(spec.peers.size() == 1);
  CHECK(spec.peers[0].host == two);
  CHECK(spec.local_vtep == campus.model.hosts.at(one).address);
  CHECK(spec.entries[0].address.value == network.prefix.base.value + 11);
  CHECK(spec.entries == network_spec(campus.model, ModelIndex(campus.model), network, two).entries);
  CHECK(campus.orders.count(idle) == 0);
}
