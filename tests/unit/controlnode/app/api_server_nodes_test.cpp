#include "controlnode/app/api_server_nodes.h"

#include <doctest/doctest.h>

#include "tests/support/model_builder.h"

namespace dure::control {
namespace {

using test::numbered;
using test::seconds_in;

struct World {
  Model model;
  ClusterId demo = add("demo", 1, "v1.32.13");

  ClusterId add(const std::string& name, std::uint32_t number, const std::string& version) {
    Cluster cluster;
    cluster.id = numbered<ClusterId>(0xc0, number);
    cluster.name = name;
    cluster.kubernetes.version = version;
    model.clusters[cluster.id] = cluster;
    return cluster.id;
  }
  Node& node(std::uint32_t number, NodeState state, Role role = Role::control_plane) {
    Node row;
    row.id = numbered<NodeId>(0x0d, number);
    row.cluster = demo;
    row.name = "demo-cp" + std::to_string(number);
    row.role = role;
    row.host = numbered<HostId>(0xa0, number);
    row.state = state;
    model.heard[row.host].at = test::steady(seconds_in(0));
    return model.nodes[row.id] = row;
  }
  std::vector<std::string> names(TimePoint now = seconds_in(1)) const {
    std::vector<std::string> found;
    const auto nodes = api_server_nodes(model, "demo", test::steady(now));
    if (!nodes) return found;
    for (const auto& one : *nodes) found.push_back(one.name);
    return found;
  }
};

using Names = std::vector<std::string>;

TEST_CASE("api server nodes: ready ones first, then members that run; workers and newcomers never") {
  World world;
  world.node(1, NodeState::booting);
  auto& member = world.node(2, NodeState::draining);
  member.joined = true;
  member.vm_state = VmState::running;
  auto& stopped = world.node(3, NodeState::failed);
  stopped.joined = true;
  stopped.vm_state = VmState::stopped;
  world.node(4, NodeState::ready);
  world.node(5, NodeState::ready, Role::worker);
  CHECK(world.names() == Names{"demo-cp4", "demo-cp2"});
  CHECK(api_server_nodes(world.model, world.demo.str(), test::steady(seconds_in(1)))->size() == 2);
}

TEST_CASE("api server nodes: a host that is silent is left out, and told of when it was the last") {
  World world;
  world.node(1, NodeState::ready);
  CHECK(world.names(seconds_in(world.model.settings.silent_after_s - 1)) == Names{"demo-cp1"});
  const auto late = api_server_nodes(world.model, "demo", test::steady(seconds_in(world.model.settings.silent_after_s)));
  REQUIRE(!late.ok());
  CHECK(late.error().code == Errc::unavailable);
  CHECK(late.error().message.find("silent") != std::string::npos);
}

TEST_CASE("api server nodes: of a name that two projects' clusters have none is meant, by its id each is") {
  World world;
  world.node(1, NodeState::ready);
  const auto other = world.add("demo", 2, "v1.32.13");
  CHECK(api_server_nodes(world.model, "demo", test::steady(seconds_in(1))).error().code == Errc::conflict);
  CHECK(api_server_nodes(world.model, world.demo.str(), test::steady(seconds_in(1))).ok());
  CHECK(api_server_nodes(world.model, other.str(), test::steady(seconds_in(1))).error().code == Errc::unavailable);
}

TEST_CASE("api server nodes: clusters that have none say why") {
  World world;
  world.add("vms", 2, "");
  CHECK(api_server_nodes(world.model, "nobody", test::steady(seconds_in(0))).error().code == Errc::not_found);
  CHECK(api_server_nodes(world.model, "vms", test::steady(seconds_in(0))).error().code == Errc::conflict);
  CHECK(api_server_nodes(world.model, "demo", test::steady(seconds_in(0))).error().code == Errc::unavailable);
}

}  // namespace
}  // namespace dure::control
