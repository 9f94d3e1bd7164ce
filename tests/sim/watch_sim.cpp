#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

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
  // What is said of it when it is looked at now, or while this time passes; nothing: all is well.
  std::string breach(Duration within = {}) {
    try {
      check();
      campus.run_for(within);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  }
  control::Node stored_node() { return campus.stored().nodes.at(node); }
  control::Cluster stored_cluster() { return campus.stored().clusters.at(stored_node().cluster); }
};

void says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CHECK(text.find(part) != std::string::npos);
}

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

TEST_CASE("planted: a VM that no row knows, on a host that does not owe it, is caught") {
  Stage stage;
  const auto vm = *stage.holder->hypervisor().find(stage.node);
  auto orphan = vm.spec;
  orphan.id.uuid.bytes[0] ^= 1;
  REQUIRE(stage.another().hypervisor().start(orphan, {}, vm.network, vm.paths).ok());
  says(stage.breach(), "nobody knows");
}

TEST_CASE("planted: a packet filter that opens beside a guest is caught") {
  Stage stage;
  REQUIRE(stage.holder->firewall().remove().ok());
  says(stage.breach(), "open packet filter");
}

TEST_CASE("planted: an address that a cluster has not let go and gives to another is caught") {
  Stage stage;
  auto cluster = stage.stored_cluster();
  cluster.departing = {{"demo-w9", stage.stored_node().address}};
  stage.commit(cluster);
  says(stage.breach(), "is another's as well");
}

TEST_CASE("planted: a cluster that goes unasked, and a lease that ends too soon, are caught") {
  Stage stage;
  REQUIRE(stage.breach().empty());
  auto cluster = stage.stored_cluster();
  SUBCASE("unasked") {
    cluster.state = control::ClusterState::deleting;
    stage.commit(cluster);
    says(stage.breach(), "nobody has asked for it");
  }
  SUBCASE("too soon") {
    cluster.until = stage.campus.world().now() + std::chrono::hours(1);
    cluster.delete_at = *cluster.until + std::chrono::hours(1);
    stage.commit(cluster);
    says(stage.breach(), "before its time");
  }
}

TEST_CASE("planted: a node that is to be off and goes on running is caught") {
  Stage stage;
  auto node = stage.stored_node();
  node.power = control::Power::off;
  stage.commit(node);
  CHECK(stage.breach(std::chrono::minutes(2)).empty());
  says(stage.breach(std::chrono::minutes(2)), "is to be off, and runs");
}

TEST_CASE("planted: the key of a host that was given up, and is still admitted, is caught") {
  Stage stage;
  auto host = stage.campus.stored().hosts.at(stage.another().id());
  host.lost_at = stage.campus.world().now();
  stage.commit(host);
  CHECK(stage.breach().empty());
  says(stage.breach(std::chrono::seconds(20)), "is admitted");
}

TEST_CASE("planted: a host that owes what it has removed, or owes and is given more, is caught") {
  Stage stage;
  const auto host = stage.another().id();
  control::Removal removal{host, ObjectKind::network, uuid_from_random({9}), 5000, 1, "gone"};
  removal.owed = true;
  SUBCASE("it is gone") {
    removal.kind = ObjectKind::vm;
    stage.commit(control::PutRemovals{host, {removal}});
    says(stage.breach(), "was waited for until nobody did");
  }
  SUBCASE("it is given more") {
    stage.commit(control::PutRemovals{host, {removal}});
    CHECK(stage.breach().empty());
    auto node = stage.stored_node();
    node.id = NodeId{uuid_from_random({8})};
    node.name = "demo-w9";
    ++node.address.value;
    ++node.mac.bytes[5];
    node.host = host;
    stage.commit(node);
    says(stage.breach(), "given to a host that owes removals");
  }
}

TEST_CASE("planted: an epoch that is not ours is caught") {
  Stage stage;
  REQUIRE(stage.campus.control().store().take_lead("somebody", 1'000'000).ok());
  says(stage.breach(), "raised the epoch");
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
