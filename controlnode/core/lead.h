#pragma once

#include "controlnode/core/model.h"

namespace dure::control {

// A model that was just loaded, for who begins to lead with it: silence counts from now for all who have not been heard by
// this program before, and what is under way has a little time at least, since it may have gone well while nobody listened, and no more than it would
// have if it began now, whatever clock its deadline was written by.
// `before`: the model that this program led with until now.
void begin_lead(Model& model, const Model& before, SteadyPoint now);

// Nobody listened from `since` to `now`, since this program was held up or had no database: nothing follows from what was not
// heard then. Silence is counted without that time, and what is under way has a little time at least.
void after_pause(Model& model, SteadyPoint since, SteadyPoint now);

}  // namespace dure::control
