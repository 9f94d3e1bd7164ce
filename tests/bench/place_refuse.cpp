#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "controlnode/core/placement.h"
#include "controlnode/core/placement/remedies.h"
#include "tests/bench/bench_output.h"
#include "tests/bench/place_fleets.h"
#include "tests/bench/place_parts.h"

namespace dure::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kHosts = 5'000, kNodes = 64;
constexpr double kGoalMs = 150;

NodeId node_id(std::uint32_t number) { return NodeId{host_id(number).uuid}; }

// Rules and sizes under which little of the fleet is left, and much can be tried.
control::FleetQuestion question(control::Fleet& fleet, const std::vector<control::Candidate>& hosts, int round) {
  control::FleetQuestion asked{fleet, hosts, {}};
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    const auto role = i == 0 ? control::Role::control_plane : control::Role::worker;
    asked.wanted.push_back({node_id(i + 1), "n" + std::to_string(i), role, {8, 48'128 + 256 * round, 100}});
  }
  asked.policy.apart = true;
  asked.policy.sites = {hosts.front().site};
  return asked;
}

}  // namespace

bool place_refuse() {
  const auto hosts = control::sorted_by_id(lab_hosts(kHosts, 1));
  control::Fleet fleet(hosts);
  std::vector<control::FlavorOffer> offers;
  for (const Shape& shape : lab_shapes()) offers.push_back({"size-" + std::to_string(offers.size()), shape.amount});
  Series cost, offered;
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = question(fleet, hosts, round);
    const auto begun = Clock::now();
    const auto outcome = control::place_all(asked);
    if (outcome.unplaced.empty()) throw std::runtime_error("64 nodes were to be refused, and fit");
    const auto remedies = control::remedies(asked, offers);
    cost.add(std::chrono::duration<double>(Clock::now() - begun).count() * 1e3);
    offered.add(static_cast<double>(remedies.size()));
  }
  print_metric("place", "refuse", cost, "ms", "", 0);
  print_metric("place", "refuse-remedies", offered, "1", "", 0);
  return cost.median() <= kGoalMs;
}

}  // namespace dure::bench
