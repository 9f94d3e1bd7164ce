#pragma once

#include "common/result.h"
#include "controlnode/core/change.h"

namespace dure::control {

// What the database refuses, said of the model: `conflict` with the rule that would be broken.
// `before` is needed for capacity: a host that shrank keeps what it has.
Result<void> check_rules(const Model& before, const Model& after);

// Text that PostgreSQL cannot hold: NUL, or not UTF-8. `invalid_argument`.
Result<void> check_text(const Change& change);

}  // namespace dure::control
