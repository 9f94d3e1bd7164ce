#pragma once

#include "controlnode/core/model.h"
#include "tests/explore/hash.h"

namespace dure::explore {

// What the model is worth for all that can come: rows without texts, events and what has ended, times from now on. Without
// generations of hosts, which mean something only beside what an agent has (add_relation).
Hash hash_of(const control::Model& model, SteadyPoint now);

}  // namespace dure::explore
