#pragma once

#include "controlnode/core/model_index.h"
#include "protocol/messages/host_order.h"

namespace dure::control {

// The complete desired state of one host as a function of the model: every VM with a claim there
// that is not being deleted, their networks and images, and the removals it has not confirmed.
// Session and sequence stay empty: they are set when it is sent. Generation and order id are the
// host's.
HostOrder host_order(const Model& model, const HostId& host, TimePoint now);
HostOrder host_order(const Model& model, const ModelIndex& index, const HostId& host, TimePoint now);

}  // namespace dure::control
