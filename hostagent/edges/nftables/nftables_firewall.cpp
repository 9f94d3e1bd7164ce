#include "hostagent/edges/nftables/nftables_firewall.h"

#include <exception>
#include <string>

#include "hostagent/edges/nftables/nft_listing.h"
#include "hostagent/edges/nftables/run_nft.h"

namespace dure::host {

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
  if (!networks.empty() && digest == Digest{}) {
    return Error{Errc::invalid_argument, "the digest of rules is not all zero"};
  }
  try {
    const Result<std::string> rules =
        networks.empty() ? Result<std::string>(removal_json()) : ruleset_json(networks, digest, options_);
    if (!rules) return rules.error();
    auto ran = run_nft(options_.nft, {"-j", "-f", "-"}, *rules, options_.timeout_ms);
    if (!ran) return ran.error();
    return {};
  } catch (const std::exception& error) {
    return Error{Errc::internal, std::string("nft: rules: ") + error.what()};
  }
}

}  // namespace dure::host
