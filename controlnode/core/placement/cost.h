#pragma once

#include <algorithm>

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

// How little a place is liked; the least wins. Integers only, so that every machine decides alike.
class Cost {
 public:
  Cost(Strategy strategy, const Amounts& wanted) : strategy_(strategy), wanted_(wanted) {}

  // Of a host that covers what is wanted.
  std::int64_t of(const HostSize& size, const Amounts& free, std::uint32_t booting) const {
    return (strategy_ == Strategy::spread ? most_used(size, free) : leftover(size, free, free)) + booting * kBooting;
  }
  // No host with between `low` and `high` free costs less. `high` covers what is wanted.
  std::int64_t least(const HostSize& size, const Amounts& low, const Amounts& high) const {
    return strategy_ == Strategy::spread ? most_used(size, high) : leftover(size, low, high);
  }

  static constexpr std::int64_t kNoImage = std::int64_t{1} << 16;  // 1/16 of a host
  static constexpr std::int64_t kBooting = std::int64_t{1} << 14;  // each guest that is starting there

 private:
  std::int64_t most_used(const HostSize& size, const Amounts& free) const {
    std::int64_t most = 0;
    for (std::size_t d = 0; d < kAmounts; ++d) {
      most = std::max(most, size.share(d, size.total[d] - free[d] + wanted_[d]));
    }
    return most;
  }
  std::int64_t leftover(const HostSize& size, const Amounts& low, const Amounts& high) const;

  Strategy strategy_;
  Amounts wanted_;
};

inline std::int64_t Cost::leftover(const HostSize& size, const Amounts& low, const Amounts& high) const {
  std::int64_t sum = 0;
  for (std::size_t d = 0; d < kAmounts; ++d) {
    (void)high;
    sum += size.share(d, std::max<std::int64_t>(low[d] - wanted_[d], 0));
  }
  return sum;
}

}  // namespace dure::control
