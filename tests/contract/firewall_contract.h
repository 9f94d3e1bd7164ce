#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "hostagent/ports/dataplane.h"
#include "tests/contract/dataplane_contract.h"

// What every Firewall keeps to, the kernel's and the fake's alike.
namespace dure::host::contract {

inline Digest digest_of(std::uint8_t n) {
  Digest digest;
  digest.bytes.fill(n);
  return digest;
}

inline Digest applied(Firewall& firewall) {
  auto digest = firewall.applied();
  REQUIRE_MESSAGE(digest.ok(), (digest.ok() ? "" : digest.error().message));
  return *digest;
}

inline void require_applied(Firewall& firewall, const std::vector<NetworkSpec>& networks, const Digest& digest) {
  const auto done = firewall.apply(networks, digest);
  REQUIRE_MESSAGE(done.ok(), (done.ok() ? "" : done.error().message));
}

// Takes a Firewall without rules; one SUBCASE each.
inline void firewall_contract(Firewall& firewall) {
  CHECK(applied(firewall) == Digest{});
  CHECK(firewall.rules() != Digest{});
  SUBCASE("the digest of what was applied last is read back") {
    require_applied(firewall, {sample_network(1)}, digest_of(7));
    CHECK(applied(firewall) == digest_of(7));
    require_applied(firewall, {sample_network(1), sample_network(2)}, digest_of(8));
    CHECK(applied(firewall) == digest_of(8));
    require_applied(firewall, {sample_network(1), sample_network(2)}, digest_of(8));
    CHECK(applied(firewall) == digest_of(8));
  }
  SUBCASE("rules of no network are rules all the same, and are only removed by removing them") {
    require_applied(firewall, {}, digest_of(5));
    CHECK(applied(firewall) == digest_of(5));
    require_applied(firewall, {sample_network(1)}, digest_of(7));
    require_applied(firewall, {}, digest_of(6));
    CHECK(applied(firewall) == digest_of(6));
    for (int again = 0; again < 2; ++again) {
      CHECK(firewall.remove().ok());
      CHECK(applied(firewall) == Digest{});
    }
    require_applied(firewall, {sample_network(1)}, digest_of(7));
    CHECK(applied(firewall) == digest_of(7));
  }
  SUBCASE("rules without a digest are refused, and what was there stays") {
    require_applied(firewall, {sample_network(1)}, digest_of(7));
    for (const auto& networks : {std::vector{sample_network(2)}, std::vector<NetworkSpec>{}}) {
      const auto refused = firewall.apply(networks, {});
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().code == Errc::invalid_argument);
    }
    CHECK(applied(firewall) == digest_of(7));
  }
  SUBCASE("pods behind guests, the same ones in two networks") {
    auto one = sample_network(1), two = sample_network(2);
    for (auto* network : {&one, &two}) {
      network->entries[0].routed = {ip("10.244.1.0"), 24};
      network->entries[1].routed = {ip("10.244.2.0"), 25};
      network->entries[2].routed = {ip("10.244.2.128"), 32};
    }
    require_applied(firewall, {one, two}, digest_of(11));
    CHECK(applied(firewall) == digest_of(11));
  }
  SUBCASE("a network of one host, without peers and remote guests") {
    NetworkSpec alone = sample_network(1);
    alone.peers.clear();
    alone.entries.resize(1);
    require_applied(firewall, {alone}, digest_of(9));
    CHECK(applied(firewall) == digest_of(9));
    alone.entries.clear();
    require_applied(firewall, {alone}, digest_of(10));
    CHECK(applied(firewall) == digest_of(10));
  }
}

}  // namespace dure::host::contract
