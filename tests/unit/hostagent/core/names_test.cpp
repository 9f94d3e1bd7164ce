#include <doctest/doctest.h>

#include "hostagent/core/host_plan.h"
#include "tests/support/host_order_sample.h"

namespace dure::host {

TEST_CASE("names: every device name fits into the kernel's 15 characters") {
  constexpr std::uint32_t largest = (1U << 24) - 1;
  CHECK(bridge_name(largest) == "dvb16777215");
  CHECK(vxlan_name(largest).size() <= 15);
  CHECK(tap_name(Mac{{2, 0xd0, 0, 7, 0xab, 1}}) == "dvt02d00007ab01");
}

TEST_CASE("names: the remote part leaves out our own entries and the peers' ids, and is sorted") {
  auto network = sample_order().networks[0];
  network.entries.push_back({Mac{{2, 0, 0, 0, 0, 9}}, Ipv4{0x0a800009}, Ipv4{0x0a5a020c}});
  network.peers.push_back({HostId{uuid_number(9)}, network.local_vtep});
  const auto remote = remote_part(network);
  REQUIRE(remote.entries.size() == 2);
  CHECK(remote.entries[0].address < remote.entries[1].address);
  REQUIRE(remote.peers.size() == 1);
  CHECK(remote.peers[0].host.is_nil());
}

TEST_CASE("names: the remote part is the same whatever is behind the guests, because no kernel holds it") {
  auto network = sample_order().networks[0];
  const auto before = remote_part(network);
  for (auto& entry : network.entries) entry.routed = {Ipv4{0x0af40100}, 24};
  CHECK(remote_part(network) == before);
}

TEST_CASE("names: the firewall's digest differs with every field that a rule depends on") {
  const Digest kRules{{1}};
  const auto networks = sample_order().networks;
  const auto digest = firewall_digest(networks, kRules);
  CHECK(digest == firewall_digest(networks, kRules));
  CHECK(digest != Digest{});
  CHECK(firewall_digest({}, kRules) != Digest{});
  CHECK(firewall_digest({}, kRules) != digest);
  CHECK(firewall_digest(networks, Digest{{2}}) != digest);
  auto changed = networks;
  changed[0].entries[0].mac.bytes[5] = 99;
  CHECK(firewall_digest(changed, kRules) != digest);
  changed = networks;
  changed[0].entries[0].routed = {Ipv4{0x0af40100}, 24};
  CHECK(firewall_digest(changed, kRules) != digest);
  auto longer = changed;
  longer[0].entries[0].routed.length = 25;
  CHECK(firewall_digest(longer, kRules) != firewall_digest(changed, kRules));
  changed = networks;
  changed[0].peers[0].vtep.value += 1;
  CHECK(firewall_digest(changed, kRules) != digest);
  changed = networks;
  changed[0].local_vtep.value += 1;
  CHECK(firewall_digest(changed, kRules) != digest);
  changed = networks;
  changed.push_back(networks[0]);
  CHECK(firewall_digest(changed, kRules) != digest);
}

}  // namespace dure::host
