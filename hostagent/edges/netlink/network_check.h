#pragma once

#include "common/result.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// Refuses what the kernel would take and then misbehave with (a VNI of 0, a gateway outside of the
// prefix, a group address as a guest's MAC): `invalid_argument`, naming the field.
Result<void> check_network(const NetworkSpec& network);

}  // namespace dure::host
