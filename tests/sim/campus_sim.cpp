#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "controlnode/core/round_trips.h"
#include "tests/sim/campus.h"

namespace dure::sim {
namespace {

// Runs until nothing is left to do; false when that takes longer than it may.
bool settle(Campus& campus, Duration at_most) {
  const auto end = campus.world().now() + at_most;
  while (campus.world().now() < end) {
    campus.run_for(std::chrono::seconds(5));
    if (campus.converged()) return true;
  }
  return false;
}

control::CreateCluster create(const std::string& name, std::uint32_t workers) {
  control::CreateCluster wanted;
  wanted.name = name;
  wanted.workers = workers;
  wanted.flavor = "small";
  wanted.image = "debian";
  wanted.key_pair = "key";
  return wanted;
}

}  // namespace

TEST_CASE("simulation: a cluster comes up, is scaled both ways, goes, and leaves nothing") {
  Campus campus(7, {});
  campus.submit(create("demo", 2));
  REQUIRE(settle(campus, std::chrono::minutes(5)));
  const auto& model = campus.control().store().stored();
  CHECK(model.nodes.size() == 3);
  campus.submit(control::ScaleCluster{"demo", 4, false, {}});
  REQUIRE(settle(campus, std::chrono::minutes(5)));
  CHECK(model.nodes.size() == 5);
  campus.submit(control::ScaleCluster{"demo", 1, false, {}});
  REQUIRE(settle(campus, std::chrono::minutes(5)));
  CHECK(model.nodes.size() == 2);
  campus.watch().may_go(model.clusters.begin()->first);
  campus.submit(control::DeleteCluster{"demo", {}});
  REQUIRE(settle(campus, std::chrono::minutes(5)));
  CHECK(model.nodes.empty());
  CHECK(model.claims.empty());
  CHECK(model.networks.empty());
  CHECK(campus.difference() == "");
}

TEST_CASE("simulation: a PC on which libvirt hangs learns of its cluster's new nodes all the same") {
  Campus campus(7, {});
  campus.submit(create("demo", 2));
  REQUIRE(settle(campus, std::chrono::minutes(5)));
  const auto& model = campus.control().store().stored();
  auto& pc = *campus.find(model.nodes.begin()->second.host);
  pc.hang(SimHost::LaneName::looks, true);
  campus.run_for(std::chrono::seconds(30));
  campus.submit(control::ScaleCluster{"demo", 4, false, {}});
  campus.run_for(std::chrono::minutes(2));
  REQUIRE(model.nodes.size() == 5);
  const auto elsewhere = std::count_if(model.nodes.begin(), model.nodes.end(), [&](const auto& entry) { return entry.second.host != pc.id(); });
  const auto networks = pc.dataplane().list().value();
  REQUIRE(networks.size() == 1);
  CHECK(static_cast<std::ptrdiff_t>(networks.front().spec.entries.size()) == elsewhere);
  REQUIRE(pc.firewall().networks().size() == 1);
  CHECK(pc.firewall().networks().front().entries.size() == 5);
  pc.hang(SimHost::LaneName::looks, false);
  CHECK(settle(campus, std::chrono::minutes(5)));
}

TEST_CASE("simulation: a converged campus sends no order") {
  Campus campus(3, {});
  campus.submit(create("demo", 3));
  REQUIRE(settle(campus, std::chrono::minutes(5)));
  campus.run_for(std::chrono::seconds(30));
  const auto sent = campus.network().orders_sent();
  const auto commits = campus.control().store().commits();
  campus.run_for(std::chrono::minutes(20));
  CHECK(campus.network().orders_sent() == sent);
  CHECK(campus.control().store().commits() == commits);
}

TEST_CASE("simulation: sites learn how far they are from each other, also after restarts, and nothing is stored for it") {
  Campus campus(5, {.hosts = 8, .sites = 3, .round_trip_us = 3500});
  const auto distances = [&] { return control::site_distances(campus.control().model(), campus.control().steady_now()); };
  const auto all_known = [&] {
    const auto known = distances();
    return known.size() == 3 && std::all_of(known.begin(), known.end(), [](const auto& distance) {
             return distance.round_trip == Duration{3500};
           });
  };
  // They have accepted whom to measure, and with it this leader's fence, which is a part of what is stored of them.
  campus.run_for(std::chrono::seconds(40));
  CHECK(distances().empty());
  const auto commits = campus.control().store().commits();
  const auto sent = campus.network().orders_sent();
  CHECK(sent == 6);
  campus.run_for(std::chrono::minutes(10));
  CHECK(all_known());
  CHECK(campus.control().store().commits() == commits);
  CHECK(campus.network().orders_sent() == sent);
  for (const auto& [id, host] : campus.control().store().stored().hosts) CHECK(host.generation == 0);

  campus.control().kill();
  campus.control().start();
  CHECK(distances().empty());
  campus.run_for(std::chrono::seconds(6));
  CHECK(all_known());

  for (auto& host : campus.hosts()) {
    host->kill_agent();
    host->start_agent();
  }
  campus.run_for(std::chrono::seconds(10));
  CHECK(distances().empty());
  campus.run_for(std::chrono::seconds(100));
  CHECK(all_known());
}

}  // namespace dure::sim
