#include "controlnode/core/host_orders.h"

#include <doctest/doctest.h>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

TEST_CASE("host_orders: an order names VMs, image, network and what the guest is told") {
  Campus campus;
  campus.site("east");
  const HostId one = campus.host("pc-1", "east");
  campus.host("pc-2", "east");
  campus.catalog();
  campus.model.settings.nameservers = {Ipv4{0x09090909}};
  REQUIRE(accepted(campus.create("demo", 1, 1)));
  const HostOrder& order = campus.orders.at(one);
  CHECK(order.system == campus.model.system);
  CHECK(order.host == one);
  CHECK(order.fence == campus.model.fence);
  CHECK(order.generation == 1);
  CHECK(order.order == *campus.model.hosts.at(one).order);
  CHECK(order.session.is_nil());
  REQUIRE(order.vms.size() == 1);
  const VmSpec& vm = order.vms[0];
  const Node& node = campus.model.nodes.at(vm.id);
  CHECK(node.host == one);
  CHECK(vm.name == node.name);
  CHECK(vm.generation == 1);
  CHECK(vm.memory_mib == 1024);
  CHECK(vm.mac == node.mac);
  CHECK(vm.guest.hostname == node.name);
  CHECK(vm.guest.user == "dure");
  CHECK(vm.guest.hosts.size() == 2);
  CHECK(vm.guest.ssh_public_keys.size() == 1);
  CHECK(vm.guest.nameservers == campus.model.settings.nameservers);
  REQUIRE(order.images.size() == 1);
  CHECK(order.images[0].id == vm.image);
  REQUIRE(order.networks.size() == 1);
  CHECK(order.networks[0].id == vm.network);
  CHECK(order.removed_vms.empty());
}

TEST_CASE("host_orders: a deleted VM is named as a removal and is no VM or entry any more") {
  Campus campus;
  campus.site("east");
  const HostId one = campus.host("pc-1", "east");
  const HostId two = campus.host("pc-2", "east");
  campus.catalog();
  REQUIRE(accepted(campus.create("demo", 1, 1)));
  const Node worker = *campus.node("demo-w1");
  const HostId stays = worker.host == one ? two : one;
  REQUIRE(accepted(campus.scale("demo", 0)));
  const HostOrder& order = campus.orders.at(worker.host);
  CHECK(order.vms.empty());
  CHECK(order.networks.empty());
  REQUIRE(order.removed_vms.size() == 1);
  CHECK(order.removed_vms[0] == VmRemoval{worker.id, 1});
  REQUIRE(order.removed_networks.size() == 1);
  REQUIRE(campus.orders.at(stays).networks.size() == 1);
  CHECK(campus.orders.at(stays).networks[0].entries.size() == 1);
  CHECK(campus.orders.at(stays).networks[0].peers.empty());
  CHECK(campus.orders.at(stays).vms[0].guest.hosts.size() == 1);
}

TEST_CASE("host_orders: a host of which the model knows nothing gets an empty order") {
  Model model;
  const HostOrder order = host_order(model, numbered<HostId>(0xa0, 9), kStart);
  CHECK(order.vms.empty());
  CHECK(order.generation == 0);
}
