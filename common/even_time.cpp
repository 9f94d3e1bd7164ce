#include "common/even_time.h"

#include <algorithm>

namespace dure {
namespace {

// The greatest difference of two machines' speeds that everything else here is made for.
constexpr int kSlewDivisor = 10;

}  // namespace

TimePoint EvenTime::now(TimePoint wall, Duration passed) {
  if (!last_) last_ = Reading{wall, passed};
  const Duration since = std::max(passed - last_->passed, Duration::zero());
  // Calls can be nearer to each other than a tenth of a microsecond is worth: what is left over counts for the next one.
  const Duration most = (since + over_) / kSlewDivisor;
  over_ = (since + over_) % kSlewDivisor;
  const TimePoint even = last_->time + since;
  const Duration follow = std::clamp(wall - even, -most, most);
  last_ = Reading{even + follow, last_->passed + since};
  ahead_ = wall - last_->time;
  return last_->time;
}

}  // namespace dure
