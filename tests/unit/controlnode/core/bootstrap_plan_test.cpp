#include "controlnode/core/bootstrap_plan.h"

#include <doctest/doctest.h>

#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

namespace {

// Three control-plane members and two workers on five hosts at two sites.
struct Demo : Campus {
  Demo() {
    site("east");
    site("west");
    for (const char* name : {"pc-1", "pc-2", "pc-3"}) host(name, "east", kCapacity, HostClass::anchor);
    for (const char* name : {"pc-4", "pc-5"}) host(name, "west");
    catalog({2, 2048, 10});
    auto request = create_request("demo", 3, 2);
    request.image = "kubernetes";
    REQUIRE(accepted(ask(request)));
  }
  BootstrapPlan plan(const std::string& name) const { return bootstrap_plan(model, *node(name)); }
};

}  // namespace

TEST_CASE("bootstrap plan: one member starts the cluster, the others join") {
  Demo demo;
  CHECK(demo.plan("demo-cp1").role == BootstrapRole::init);
  CHECK(demo.plan("demo-cp2").role == BootstrapRole::control_plane);
  CHECK(demo.plan("demo-cp3").role == BootstrapRole::control_plane);
  CHECK(demo.plan("demo-w1").role == BootstrapRole::worker);
}

TEST_CASE("bootstrap plan: who is first after the member that started the cluster is gone joins, and does not start another") {
  Demo demo;
  demo.model.nodes.erase(demo.node("demo-cp1")->id);
  for (const char* member : {"demo-cp3", "demo-w1"}) {
    bool& joined = demo.model.nodes.at(demo.node(member)->id).joined;
    joined = true;
    CHECK(demo.plan("demo-cp2").role == BootstrapRole::control_plane);
    CHECK(demo.plan("demo-cp3").role == BootstrapRole::control_plane);
    joined = false;
  }
  // Nobody has joined: there is no cluster.
  CHECK(demo.plan("demo-cp2").role == BootstrapRole::init);
}

TEST_CASE("bootstrap plan: the API is asked for at this node first, and everybody is in the hosts file") {
  Demo demo;
  const auto plan = demo.plan("demo-cp2");
  CHECK(plan.api_name == "api.demo.dure.internal");
  REQUIRE(plan.control_planes.size() == 3);
  CHECK(plan.control_planes[0] == demo.node("demo-cp2")->address);
  CHECK(plan.control_planes[1] == demo.node("demo-cp1")->address);
  CHECK(demo.plan("demo-w1").control_planes[0] == demo.node("demo-cp1")->address);
  CHECK(plan.hosts.size() == 5);
  CHECK(plan.version == "v1.32.13");
  CHECK(plan.dns == Ipv4::parse("10.96.0.10"));
  CHECK(plan.mtu == 1450);
}

TEST_CASE("bootstrap plan: every node has pods of its own and a route to each of the others'") {
  Demo demo;
  std::set<Ipv4Prefix> prefixes;
  for (const auto& [id, node] : demo.model.nodes) {
    const auto plan = bootstrap_plan(demo.model, node);
    CHECK(plan.own_pods.length == 24);
    CHECK(plan.pod_network.contains(plan.own_pods.base));
    CHECK(prefixes.insert(plan.own_pods).second);
    CHECK(plan.routes.size() == 4);
    for (const PodRoute& route : plan.routes) {
      CHECK(route.pods != plan.own_pods);
      CHECK(route.via != node.address);
    }
  }
}

TEST_CASE("bootstrap plan: a pod network of the user's own is let through as a whole") {
  Campus campus;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.catalog({2, 2048, 10});
  for (const Cni cni : {Cni::native, Cni::none}) {
    auto request = campus.create_request(cni == Cni::native ? "native" : "own", 1, 1);
    request.image = "kubernetes";
    request.cni = cni;
    REQUIRE(accepted(campus.ask(request)));
  }
  CHECK(bootstrap_plan(campus.model, *campus.node("own-w1")).routes.empty());
  for (const NetworkSpec& network : campus.orders.at(host).networks) {
    for (const NetworkEntry& entry : network.entries) {
      const bool own = campus.model.networks.at(network.id).cluster == campus.cluster("own")->id;
      CHECK(entry.routed.length == (own ? campus.model.settings.pod_network.length : 24));
    }
  }
}

TEST_CASE("bootstrap plan: the place of a node is in its labels") {
  Demo demo;
  const auto worker = *demo.node("demo-w1");
  const auto plan = demo.plan("demo-w1");
  const auto& host = demo.model.hosts.at(worker.host);
  const std::vector<std::pair<std::string, std::string>> labels = {
      {"dure.io/class", host.host_class == HostClass::anchor ? "anchor" : "scavenged"},
      {"dure.io/host", host.name},
      {"topology.kubernetes.io/zone", demo.model.sites.at(host.site).name}};
  CHECK(plan.labels == labels);
  CHECK(plan.scavenged == (host.host_class == HostClass::scavenged));
}

TEST_CASE("bootstrap plan: duties are for control-plane members alone") {
  Demo demo;
  demo.report_all();
  demo.report_all();
  REQUIRE(accepted(demo.scale("demo", 1)));
  REQUIRE(accepted(demo.ask(GiveAccess{"demo", 3600})));
  CHECK(demo.plan("demo-cp1").departing == std::vector<std::string>{"demo-w2"});
  CHECK(demo.plan("demo-cp1").admins.size() == 1);
  CHECK(demo.plan("demo-w1").departing.empty());
  CHECK(demo.plan("demo-w1").admins.empty());
  CHECK(demo.plan("demo-w1").joined);
  // Until it has gone, its pods are still reached.
  CHECK(demo.plan("demo-cp1").routes.size() == 4);
}

TEST_CASE("bootstrap plan: slow machines are given more time") {
  Demo demo;
  const auto node = *demo.node("demo-w1");
  CHECK(demo.plan("demo-w1").patience == 1.0);
  auto report = demo.report_of(node.host, 0);
  report.capacity.hardware_virtualisation = false;
  demo.tell(report);
  CHECK(demo.plan("demo-w1").patience == demo.model.settings.software_virtualisation_factor);
}
