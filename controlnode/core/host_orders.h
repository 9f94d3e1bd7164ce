#pragma once

#include "controlnode/core/model_index.h"
#include "protocol/messages/host_order.h"

namespace dure::control {

// The complete desired state of one host as a function of the model: every VM with a claim there
// that is not being deleted, their networks and images, and the removals it has not confirmed.
// Session and sequence stay empty: they are set when it is sent. Generation and order id are the
// host's: as long as they stay, so does all else of it but `issued_at`, the fence, and removals that the host has
// confirmed meanwhile, which go.
HostOrder host_order(const Model& model, const HostId& host, TimePoint now);
// At the cost of what is on the host; `index` is of this model.
HostOrder host_order(const Model& model, const ModelIndex& index, const HostId& host, TimePoint now);

}  // namespace dure::control
