#pragma once

#include <string>
#include <vector>

#include "hostagent/edges/nftables/ruleset.h"
#include "hostagent/ports/dataplane.h"

namespace dure::host {

// nftables of the calling thread's network namespace, by the nft tool.
class NftablesFirewall final : public Firewall {
 public:
  explicit NftablesFirewall(FirewallOptions options);

  Result<Digest> applied() override;
  // `invalid_argument`: an all-zero digest for rules, or a network that can not be a rule.
  Result<void> apply(const std::vector<NetworkSpec>& networks, const Digest& digest) override;
  Result<void> remove() override;
  // The sum of the rules that a sample network would get.
  Digest rules() const override;

 private:
  Result<void> run(const std::string& commands);

  FirewallOptions options_;
  Digest rules_;
};

}  // namespace dure::host
