#include "controlnode/core/date_watch.h"

#include <algorithm>

#include "common/planted.h"

namespace dure::control {
namespace {

Duration distance(Duration a, Duration b) { return a > b ? a - b : b - a; }

}  // namespace

std::uint32_t DateWatch::against(std::span<const Duration> hosts) const {
  if (hosts.size() < kLeastHosts) return 0;
  const auto against = static_cast<std::size_t>(
      std::count_if(hosts.begin(), hosts.end(), [&](Duration host) { return distance(host, seen_) > kApart; }));
  return against * 2 > hosts.size() ? static_cast<std::uint32_t>(against) : 0;
}

Now DateWatch::look(TimePoint machine, SteadyPoint steady, std::span<const Duration> hosts) {
  const Duration offset{machine.us - steady.us};
  if (!begun_) {
    begun_ = true;
    followed_ = offset;
    jumped_at_ = steady;
  } else if (distance(offset, seen_) > kStep) {
    jumped_at_ = steady;
  }
  seen_ = offset;
  const auto contradicting = against(hosts);
  const bool settled = planted(Bug::dates_followed) || (steady - jumped_at_ >= settles_ && contradicting == 0);
  if (settled || distance(seen_, followed_) <= kStep) followed_ = seen_;
  return {TimePoint{steady.us + followed_.count()}, steady, settled, seen_ - followed_, contradicting,
          static_cast<std::uint32_t>(hosts.size())};
}

}  // namespace dure::control
