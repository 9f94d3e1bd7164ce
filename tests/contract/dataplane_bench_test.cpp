#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "hostagent/edges/netlink/netlink_dataplane.h"
#include "tests/contract/dataplane_contract.h"
#include "tests/contract/dataplane_namespaces.h"

using namespace dure;
using namespace dure::host;

namespace {

constexpr int kEntries = 4000;

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

NetworkSpec large_network() {
  NetworkSpec network = contract::sample_network(1);
  network.prefix = {contract::ip("10.16.0.0"), 16};
  network.gateway = contract::ip("10.16.0.1");
  network.entries.clear();
  for (int i = 0; i < kEntries; ++i) {
    const auto low = static_cast<std::uint8_t>(i & 0xff), high = static_cast<std::uint8_t>(i >> 8);
    network.entries.push_back({{{2, 0, 0, 9, high, low}},
                               Ipv4{network.prefix.base.value + 256U + static_cast<std::uint32_t>(i)},
                               network.peers[static_cast<std::size_t>(i % 2)].vtep});
  }
  return network;
}

}  // namespace

// Printed, not asserted: two shared cores move by a factor of two.
TEST_CASE("programming speed beside bridge -batch and ip -batch, the same three tables") {
  REQUIRE(test::enter_new_namespace());
  NetlinkDataplane dataplane;
  const NetworkSpec full = large_network();
  NetworkSpec empty = full;
  empty.entries.clear();
  std::string forwarding, neighbours;
  for (const auto& entry : full.entries) {
    forwarding += "fdb add " + entry.mac.str() + " dev dvx101 dst " + entry.vtep.str() + " self permanent\n";
    forwarding += "fdb add " + entry.mac.str() + " dev dvx101 master static\n";
    neighbours += "neigh add " + entry.address.str() + " lladdr " + entry.mac.str() + " dev dvb101 nud permanent\n";
  }
  double ours = 1e9, tools = 1e9, unchanged = 1e9, listed = 1e9;
  for (int round = 0; round < 3; ++round) {
    contract::require_applied(dataplane, empty);
    ours = std::min(ours, seconds([&] { contract::require_applied(dataplane, full); }));
    unchanged = std::min(unchanged, seconds([&] { contract::require_applied(dataplane, full); }));
    listed = std::min(listed, seconds([&] { contract::check_only(dataplane, full); }));
    contract::require_applied(dataplane, empty);
    tools = std::min(tools, seconds([&] {
      CHECK(test::try_run({"bridge", "-batch", "-"}, forwarding).has_value());
      CHECK(test::try_run({"ip", "-batch", "-"}, neighbours).has_value());
    }));
    contract::check_only(dataplane, full);
  }
  const double messages = 3.0 * kEntries;
  MESSAGE("netlink in batches: " << static_cast<int>(messages / ours) << " entries/s; bridge/ip -batch: "
                                 << static_cast<int>(messages / tools) << " entries/s; ratio " << tools / ours
                                 << "; unchanged list of " << kEntries << ": " << unchanged * 1e3 << " ms; list(): "
                                 << listed * 1e3 << " ms");
}
