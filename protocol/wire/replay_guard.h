#pragma once

#include <cstdint>

#include "common/result.h"
#include "protocol/messages/host_order.h"

namespace dure::wire {

using Accepted = OrderMark;

// The checks after signature and parse, in this order (hazards 4.2): system, host, session, fence,
// jump of the epoch, sequence, generation. A repeated generation is accepted again (it is the same
// state; applying it is a no-op), an older one is `superseded`. Does not change `accepted`.
Result<void> admit(const HostOrder& order, const SystemId& system, const HostId& host,
                   const SessionId& session, const Accepted& accepted);

// `accepted` after an admitted order.
Accepted after(const HostOrder& order, const Accepted& accepted);

// An epoch may not jump by more than this within one delegation.
inline constexpr std::uint64_t kMaxEpochJump = std::uint64_t{1} << 32;

}  // namespace dure::wire
