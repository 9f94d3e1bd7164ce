#pragma once

#include <optional>
#include <span>

#include "controlnode/core/now.h"

namespace dure::control {

// Follows the machine's date, which anybody may set, beside a clock that nobody can. A date that jumps is not followed
// before it has stood still for a while; until then the date goes on as it went, and nothing ends by its date
// (Now::dates_hold). Small steps, as a time service makes them, are followed at once.
class DateWatch {
 public:
  // A larger step is a jump.
  static constexpr Duration kStep = std::chrono::minutes(1);
  // Hosts whose dates are further off say that it is wrong. With fewer of them than this nobody has a majority.
  static constexpr Duration kApart = std::chrono::minutes(5);
  static constexpr std::size_t kLeastHosts = 3;

  // A date holds when it has not jumped for so long. After a start as well: what the date was before nobody knows.
  explicit DateWatch(Duration settles) : settles_(settles) {}

  // `hosts`: their dates less the steady clock's, of those that were heard lately and told one.
  Now look(TimePoint machine, SteadyPoint steady, std::span<const Duration> hosts);

 private:
  // How many say that it is wrong, if they are the most.
  std::uint32_t against(std::span<const Duration> hosts) const;

  Duration settles_;
  bool begun_ = false;
  Duration seen_{}, followed_{};  // the machine's date, and the one that is gone by, less the steady clock's
  SteadyPoint jumped_at_;
};

}  // namespace dure::control
