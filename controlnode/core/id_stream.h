#pragma once

#include <array>
#include <cstdint>

#include "common/uuid.h"

namespace dure::control {

// Fresh ids for a pure decision: a sequence that is a function of 16 random bytes drawn outside.
// Two streams from different seeds do not meet in practice (the step is a 128-bit permutation).
class IdStream {
 public:
  explicit IdStream(std::array<std::uint8_t, 16> seed);
  Uuid next();
  template <class IdType>
  IdType make() {
    return IdType{next()};
  }

 private:
  std::uint64_t high_, low_, counter_ = 0;
};

}  // namespace dure::control
