#pragma once

#include <array>
#include <cstdint>

#include "common/time.h"
#include "common/uuid.h"

namespace dure::control {

// Fresh ids for a pure decision: a sequence that is a function of 16 random bytes drawn outside and of the time. They
// are UUIDs of version 7 (RFC 9562, 5.7): the time in milliseconds, then 74 random bits. Rows that are made together
// so lie together in the database's indexes, where ids that are random in whole touch a page each.
// Two streams from different seeds do not meet in practice (the step is a 128-bit permutation).
class IdStream {
 public:
  // The time says only where ids lie among others; nothing is concluded from it.
  explicit IdStream(std::array<std::uint8_t, 16> seed, TimePoint now = {});
  Uuid next();
  template <class IdType>
  IdType make() {
    return IdType{next()};
  }

 private:
  std::uint64_t high_, low_, counter_ = 0;
  std::uint64_t milliseconds_;
};

}  // namespace dure::control
