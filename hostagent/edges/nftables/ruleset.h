#pragma once

#include <string>
#include <vector>

#include "common/digest.h"
#include "common/ip.h"
#include "common/result.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

struct FirewallOptions {
  // The interface to the outside, by which guests' traffic leaves masqueraded. Empty: no way out.
  std::string uplink;
  // What guests never reach, even by the uplink (the control subnet, the underlay).
  std::vector<Ipv4Prefix> control_cidrs;
  std::string nft = "/usr/sbin/nft";
  int timeout_ms = 20'000;
};

// One transaction for `nft -j -f -`: the tables "inet dure" and "bridge dure" replaced as a whole.
// `invalid_argument` where a network or option can not be a rule.
Result<std::string> ruleset_json(const std::vector<NetworkSpec>& networks, const Digest& digest,
                                 const FirewallOptions& options);

// The transaction that removes both tables.
std::string removal_json();

// An empty chain of each table carries the digest in its name; all versions of nft list that.
std::string digest_chain(const Digest& digest);

inline constexpr const char* kTable = "dure";
inline constexpr const char* kDigestChainStart = "applied_";

}  // namespace dure::host
