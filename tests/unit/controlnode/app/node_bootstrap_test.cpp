#include "controlnode/app/node_bootstrap.h"

#include <doctest/doctest.h>

#include "controlnode/core/host_orders.h"
#include "tests/support/fake_bootstrap_documents.h"
#include "tests/support/fake_cluster_identities.h"
#include "tests/support/model_builder.h"

namespace dure::control {
namespace {

struct Bench : test::Campus {
  FakeClusterIdentities identities;
  FakeBootstrapDocuments documents;
  NodeBootstrap bootstrap{identities, documents};

  Bench() {
    site("east");
    host("pc-1", "east", kCapacity, HostClass::anchor);
    host("pc-2", "east");
    catalog({2, 2048, 10});
  }
  void make(const std::string& image) {
    auto request = create_request("demo", 1, 1);
    request.image = image;
    REQUIRE(test::accepted(ask(request)));
    REQUIRE(bootstrap.add_identities(model, last.changes, now).ok());
  }
  HostOrder order_of(const std::string& name) {
    return host_order(model, node(name)->host, now);
  }
  std::string given(const std::string& name) {
    auto order = order_of(name);
    bootstrap.fill(model, order, now);
    for (const auto& vm : order.vms) {
      if (vm.name == name) return vm.bootstrap;
    }
    return "no such VM";
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("node bootstrap: a cluster's identity is committed with the cluster, once") {
  Bench bench;
  bench.make("kubernetes");
  const auto count = std::count_if(bench.last.changes.begin(), bench.last.changes.end(), [](const Change& change) {
    return std::holds_alternative<PutIdentity>(change);
  });
  CHECK(count == 1);
  CHECK(bench.model.identities.size() == 1);
  const auto sealed = bench.model.identities.begin()->second;
  bench.report_all();
  REQUIRE(bench.bootstrap.add_identities(bench.model, bench.last.changes, bench.now).ok());
  CHECK(bench.model.identities.begin()->second == sealed);
}

TEST_CASE("node bootstrap: plain nodes have neither identity nor document") {
  Bench bench;
  bench.make("debian-13");
  CHECK(bench.model.identities.empty());
  auto order = bench.order_of("demo-w1");
  CHECK(!bench.bootstrap.fill(bench.model, order, bench.now).has_value());
  CHECK(order.vms.at(0).bootstrap.empty());
}

TEST_CASE("node bootstrap: a node gets the keys of its role, until it has joined") {
  Bench bench;
  bench.make("kubernetes");
  CHECK(has(bench.given("demo-cp1"), "\"cluster\":\"keys\""));
  CHECK(!has(bench.given("demo-cp1"), "credential"));
  CHECK(has(bench.given("demo-w1"), "\"credential\":\"own\""));
  CHECK(!has(bench.given("demo-w1"), "\"cluster\""));
  bench.report_all();
  CHECK(has(bench.given("demo-cp1"), "\"role\":\"init\""));
  CHECK(!has(bench.given("demo-cp1"), "keys"));
  CHECK(!has(bench.given("demo-w1"), "credential"));
}

TEST_CASE("node bootstrap: a credential is made anew at half of its life, while somebody needs one") {
  Bench bench;
  bench.make("kubernetes");
  auto order = bench.order_of("demo-w1");
  const auto again = bench.bootstrap.fill(bench.model, order, bench.now);
  REQUIRE(again.has_value());
  CHECK(again->count() == bench.model.settings.join_credential_s * 1'000'000 / 2);
  bench.report_all();
  order = bench.order_of("demo-w1");
  CHECK(!bench.bootstrap.fill(bench.model, order, bench.now).has_value());
}

TEST_CASE("node bootstrap: documents that fill an order make the last nodes wait, and the order stays one") {
  Bench bench;
  auto request = bench.create_request("demo", 1, 3);
  request.image = "kubernetes";
  REQUIRE(test::accepted(bench.ask(request)));
  REQUIRE(bench.bootstrap.add_identities(bench.model, bench.last.changes, bench.now).ok());
  bench.documents.padding = kMaxOrderBytes - 64 * 1024;
  std::size_t given = 0, vms = 0;
  for (const auto& [host, row] : bench.model.hosts) {
    auto order = host_order(bench.model, host, bench.now);
    vms += order.vms.size();
    bench.bootstrap.fill(bench.model, order, bench.now);
    for (const auto& vm : order.vms) given += vm.bootstrap.empty() ? 0 : 1;
  }
  CHECK(vms == 4);
  CHECK(given == 2);  // one for each of two hosts
}

TEST_CASE("node bootstrap: what cannot be opened is not given, and the order goes all the same") {
  Bench bench;
  bench.make("kubernetes");
  bench.model.identities.begin()->second = "changed";
  CHECK(bench.given("demo-w1").empty());
}

}  // namespace dure::control
