#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/sim/campus.h"

// The simulation's own guards, each proven by a planted breach that it has to catch.

namespace dure::sim {
namespace {

control::CreateCluster one_node() {
  control::CreateCluster wanted;
  wanted.name = "demo";
  wanted.workers = 0;
  wanted.flavor = "small";
  wanted.image = "debian";
  wanted.key_pair = "key";
  return wanted;
}

// A campus with one ready node, and the host that has it.
struct Stage {
  Campus campus{21, {}};
  SimHost* holder = nullptr;
  NodeId node;

  Stage() {
    campus.submit(one_node());
    campus.run_for(std::chrono::minutes(2));
    for (auto& host : campus.hosts()) {
      const auto vms = host->hypervisor().list().value();
      if (vms.empty()) continue;
      holder = host.get();
      node = vms.front().id;
    }
    REQUIRE(holder != nullptr);
    REQUIRE(campus.converged());
  }
  SimHost& another() {
    auto& hosts = campus.hosts();
    return hosts.front().get() == holder ? *hosts[1] : *hosts.front();
  }
  void commit(const control::Change& change) {
    auto& store = campus.control().store();
    REQUIRE(store.commit(store.epoch(), {&change, 1}).ok());
  }
  void check() { campus.watch().check(); }
};

}  // namespace

TEST_CASE("planted: the same VM running on two hosts is caught") {
  Stage stage;
  CHECK_NOTHROW(stage.check());
  const auto twin = *stage.holder->hypervisor().find(stage.node);
  REQUIRE(stage.another().hypervisor().start(twin.spec, {}, twin.network, twin.paths).ok());
  CHECK_THROWS_AS(stage.check(), std::runtime_error);
}

TEST_CASE("planted: a node that is ready at a generation nobody reported is caught") {
  Stage stage;
  auto node = stage.campus.control().store().stored().nodes.at(stage.node);
  node.observed_generation = node.generation + 1;
  stage.commit(node);
  CHECK_THROWS_AS(stage.check(), std::runtime_error);
}

TEST_CASE("planted: claims above a host's capacity are caught") {
  Stage stage;
  auto host = stage.campus.control().store().stored().hosts.at(stage.holder->id());
  host.capacity.memory_mib = 512;  // the PC lost memory; its claim is 1024
  stage.commit(host);
  CHECK_THROWS_AS(stage.check(), std::runtime_error);
}

TEST_CASE("planted: a left-over VM, network, seed or obligation is a difference") {
  Stage stage;
  CHECK(stage.campus.difference() == "");
  const auto vm = *stage.holder->hypervisor().find(stage.node);
  auto& other = stage.another();
  SUBCASE("VM") {
    auto orphan = vm.spec;
    orphan.id.uuid.bytes[0] ^= 1;
    REQUIRE(other.hypervisor().start(orphan, {}, vm.network, vm.paths).ok());
  }
  SUBCASE("network") { REQUIRE(other.dataplane().apply(vm.network).ok()); }
  SUBCASE("seed") { REQUIRE(other.seeds().make(vm.spec, vm.network).ok()); }
  SUBCASE("obligation") {
    REQUIRE(other.journal().oblige({ObjectKind::vm, stage.node.uuid, 1, {}}).ok());
  }
  SUBCASE("a VM that was taken away") { stage.holder->hypervisor().take_away(stage.node); }
  CHECK(stage.campus.difference() != "");
}

}  // namespace dure::sim
