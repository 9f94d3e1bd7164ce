#include "protocol/wire/replay_guard.h"

#include <string>

namespace dure::wire {

Result<void> admit(const HostOrder& order, const SystemId& system, const HostId& host,
                   const SessionId& session, const Accepted& accepted) {
  // Another installation's orders, signed with a key that was used twice.
  if (order.system != system) return Error{Errc::unauthenticated, "order is for another system"};
  // A host that passes on what was meant for its neighbour.
  if (order.host != host) return Error{Errc::unauthenticated, "order is for another host"};
  // Captured before this process started; holds even where the journal was rolled back.
  if (order.session != session) return Error{Errc::conflict, "order is for another session of the agent"};
  // A control node that was deposed and does not know it.
  if (order.fence < accepted.fence) return Error{Errc::superseded, "order is of an older epoch"};
  // A thief who drives the epoch to its limit to lock the real control node out. A new delegation
  // starts its epochs again from zero.
  const bool same_delegation = order.fence.delegation == accepted.fence.delegation;
  const std::uint64_t base = same_delegation ? accepted.fence.epoch : 0;
  if (order.fence.epoch > base && order.fence.epoch - base > kMaxEpochJump) {
    return Error{Errc::conflict, "order's epoch is too far ahead"};
  }
  // A repeated envelope. Sequences begin at 1, anew under each fence.
  const std::uint64_t seen = order.fence == accepted.fence ? accepted.sequence : 0;
  if (order.sequence <= seen) return Error{Errc::superseded, "order's sequence was seen before"};
  // An older state of the host, as after a restored database.
  if (order.generation < accepted.generation) {
    return Error{Errc::superseded, "order's generation " + std::to_string(order.generation) +
                                       " is older than " + std::to_string(accepted.generation)};
  }
  return {};
}

Accepted after(const HostOrder& order, const Accepted& accepted) {
  Accepted next = accepted;
  next.fence = order.fence;
  next.fence_proof = order.fence_proof;
  next.sequence = order.sequence;
  next.generation = order.generation;
  return next;
}

}  // namespace dure::wire
