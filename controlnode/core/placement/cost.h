#pragma once

#include <algorithm>
#include <limits>

#include "controlnode/core/placement/types.h"

namespace dure::control {

// Hosts of one size. Shares are counted in 1/2^20 of the total, by multiplication.
struct HostSize {
  Amounts total{};
  Amounts reciprocal{};  // 2^40 / total, rounded up

  explicit HostSize(const Amounts& of) : total(of) {
    for (std::size_t d = 0; d < kAmounts; ++d) {
      const std::int64_t whole = std::max<std::int64_t>(of[d], 1);
      reciprocal[d] = ((std::int64_t{1} << 40) + whole - 1) / whole;
    }
  }
  std::int64_t share(std::size_t d, std::int64_t amount) const { return (amount * reciprocal[d]) >> 20; }
};

// How many vCPUs hosts have for their memory, in 1/2^20 per MiB: the least and the most of any host.
struct Proportions {
  std::int64_t least = std::numeric_limits<std::int64_t>::max(), most = 0;

  void see(const Amounts& total) {
    if (total[0] <= 0 || total[1] <= 0) return;
    const std::int64_t vcpus_per_mib = (total[0] << 20) / total[1];
    least = std::min(least, vcpus_per_mib);
    most = std::max(most, vcpus_per_mib);
  }
};

// What the whole fleet says about its dimensions now: how much a guest has of each, and which are
// scarce. Leftovers of a dimension that the fleet has in plenty do no harm.
struct Worth {
  Amounts per_typical{1, 1, 1};         // 2^30 / what a guest has on average
  Amounts scarcity{1024, 1024, 1024};  // 1/1024; the scarcest has 1024

  static Worth of(const Amounts& total, const Amounts& free, std::uint64_t guests, const Amounts& wanted,
                  const Proportions& hosts);
};

// How little a place is liked; the least wins. Integers only, so that every machine decides alike.
class Cost {
 public:
  Cost(Strategy strategy, const Amounts& wanted, const Worth& worth = {})
      : strategy_(strategy), wanted_(wanted), worth_(worth), skew_(typical(0, wanted[0]) - typical(1, wanted[1])) {}

  // Of a host that covers what is wanted.
  std::int64_t of(const HostSize& size, const Amounts& free, std::uint32_t booting) const {
    if (strategy_ == Strategy::spread) return most_used(size, free) + booting * kBooting;
    const Amounts left{free[0] - wanted_[0], free[1] - wanted_[1], free[2] - wanted_[2]};
    return leftover(left) + crookedness(typical(0, left[0]) - typical(1, left[1])) + booting * kBooting;
  }

  // No host with between `low` and `high` free costs less. `high` covers what is wanted.
  std::int64_t least(const HostSize& size, const Amounts& low, const Amounts& high) const {
    if (strategy_ == Strategy::spread) return most_used(size, high);
    Amounts lowest{}, highest{};
    for (std::size_t d = 0; d < kAmounts; ++d) {
      lowest[d] = std::max<std::int64_t>(low[d] - wanted_[d], 0);
      highest[d] = high[d] - wanted_[d];
    }
    // Crookedness rises or falls all along, so that it is least at an end.
    return leftover(lowest) + std::min(crookedness(typical(0, lowest[0]) - typical(1, highest[1])),
                                       crookedness(typical(0, highest[0]) - typical(1, lowest[1])));
  }

  static constexpr std::int64_t kNoImage = std::int64_t{1} << 16;  // of spread: 1/16 of a host
  static constexpr std::int64_t kBooting = std::int64_t{1} << 14;  // of spread: each guest that is starting

 private:
  static constexpr std::int64_t kStraight = 2 * 1024;

  std::int64_t most_used(const HostSize& size, const Amounts& free) const {
    std::int64_t most = 0;
    for (std::size_t d = 0; d < kAmounts; ++d) {
      most = std::max(most, size.share(d, size.total[d] - free[d] + wanted_[d]));
    }
    return most;
  }

  // In 1/1024 of what a guest has.
  std::int64_t typical(std::size_t d, std::int64_t amount) const { return (amount * worth_.per_typical[d]) >> 20; }

  // Best fit: what stays free, in guests and by how scarce it is.
  std::int64_t leftover(const Amounts& left) const {
    std::int64_t sum = 0;
    for (std::size_t d = 0; d < kAmounts; ++d) sum += typical(d, left[d]) * worth_.scarcity[d];
    return sum;
  }

  // How much more vCPUs and memory that are left differ, in guests, than before: what makes a host
  // crooked strands the one that is left over, what makes it straight keeps big guests fitting.
  std::int64_t crookedness(std::int64_t difference) const {
    if (worth_.scarcity[0] == 0 || worth_.scarcity[1] == 0) return 0;
    const auto size = [](std::int64_t value) { return value < 0 ? -value : value; };
    return kStraight * (size(difference) - size(difference + skew_));
  }

  Strategy strategy_;
  Amounts wanted_;
  Worth worth_;
  std::int64_t skew_;  // of what is wanted
};

inline Worth Worth::of(const Amounts& total, const Amounts& free, std::uint64_t guests, const Amounts& wanted,
                       const Proportions& hosts) {
  Worth worth;
  Amounts slack{}, typical{};
  for (std::size_t d = 0; d < kAmounts; ++d) {
    const std::int64_t used = std::max<std::int64_t>(total[d] - free[d], 0);
    const std::int64_t mean = guests > 0 && used > 0 ? used / static_cast<std::int64_t>(guests) : wanted[d];
    typical[d] = std::max<std::int64_t>(mean, 1);
    worth.per_typical[d] = (std::int64_t{1} << 30) / typical[d];
    // Free share and a twentieth, in 1/1024: what runs out is worth more and more, but never all.
    const std::int64_t whole = std::max<std::int64_t>(total[d] >> 10, 1);
    slack[d] = std::clamp<std::int64_t>(free[d] / whole, 0, 1024) + 51;
    if (total[d] <= 0 || mean <= 0) slack[d] = 1 << 20;  // nobody wants it
  }
  const std::int64_t scarcest = *std::min_element(slack.begin(), slack.end());
  for (std::size_t d = 0; d < kAmounts; ++d) worth.scarcity[d] = scarcest * 1024 / slack[d];
  // PCs have disk for many times the guests that their memory holds: it counts when it is the first to go.
  if (slack[2] > scarcest) worth.scarcity[2] = 0;
  // What is left over on every host when the other has run out there is worth nothing: then the best fit is
  // that by the other. A quarter to spare, because guests differ from the typical one.
  const std::int64_t asked = (typical[0] << 20) / typical[1];
  if (hosts.least / 5 * 4 >= asked) worth.scarcity[0] = 0;
  if (hosts.most / 4 * 5 <= asked) worth.scarcity[1] = 0;
  return worth;
}

}  // namespace dure::control
