#include "hostagent/edges/nftables/nftables_firewall.h"

#include <exception>
#include <span>
#include <string>
#include <utility>

#include "common/sha256.h"
#include "hostagent/edges/nftables/nft_listing.h"
#include "hostagent/edges/nftables/run_nft.h"

namespace dure::host {
namespace {

// With a guest here, one elsewhere and a prefix behind one, so that every rule is written.
std::vector<NetworkSpec> sample() {
  NetworkSpec network;
  network.id.uuid.bytes.back() = 1;
  network.vni = 1;
  network.prefix = {Ipv4{0x0a000000}, 24};
  network.gateway = Ipv4{0x0a000001};
  network.gateway_mac = Mac{{2, 0, 0, 0, 0, 1}};
  network.mtu = 1400;
  network.local_vtep = Ipv4{0xc0000201};
  network.peers = {{HostId{}, Ipv4{0xc0000202}}};
  network.entries = {{Mac{{2, 0, 0, 0, 0, 2}}, Ipv4{0x0a000002}, network.local_vtep, {Ipv4{0x0a010000}, 24}},
                     {Mac{{2, 0, 0, 0, 0, 3}}, Ipv4{0x0a000003}, Ipv4{0xc0000202}}};
  return {network};
}

Digest sum_of_rules(const FirewallOptions& options) {
  const auto rules = ruleset_json(sample(), Digest{}, options);
  Sha256 sum;
  sum.update(std::as_bytes(std::span(rules ? *rules : rules.error().message)));
  return sum.finish();
}

}  // namespace

NftablesFirewall::NftablesFirewall(FirewallOptions options)
    : options_(std::move(options)), rules_(sum_of_rules(options_)) {}

Result<Digest> NftablesFirewall::applied() {
  auto listing = run_nft(options_.nft, {"-j", "list", "chains"}, {}, options_.timeout_ms);
  if (!listing) return listing.error();
  try {
    return digest_in_listing(*listing);
  } catch (const std::exception& error) {
    return Error{Errc::internal, std::string("nft: list of chains: ") + error.what()};
  }
}

Result<void> NftablesFirewall::apply(const std::vector<NetworkSpec>& networks, const Digest& digest) {
  if (digest == Digest{}) return Error{Errc::invalid_argument, "the digest of rules is not all zero"};
  try {
    const auto rules = ruleset_json(networks, digest, options_);
    if (!rules) return rules.error();
    return run(*rules);
  } catch (const std::exception& error) {
    return Error{Errc::internal, std::string("nft: rules: ") + error.what()};
  }
}

Result<void> NftablesFirewall::remove() { return run(removal_json()); }

Result<void> NftablesFirewall::run(const std::string& commands) {
  auto ran = run_nft(options_.nft, {"-j", "-f", "-"}, commands, options_.timeout_ms);
  if (!ran) return ran.error();
  return {};
}

Digest NftablesFirewall::rules() const { return rules_; }

}  // namespace dure::host
