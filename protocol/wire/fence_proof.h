#pragma once

#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/result.h"
#include "protocol/messages/fencing.h"
#include "protocol/wire/keys.h"

namespace dure::wire {

// The control node's word that it has led with this fence, as a signature of Ed25519 over
//   "dure/fence/v1\0" || system || u64be delegation || u64be epoch
// It goes out with each order, agents keep it and show it again. A control node whose database is older than what its
// agents know learns so by its own signature, and nobody else's claim moves it.
Result<std::string> prove_fence(const SystemId& system, const Fence& fence, const SigningKey& key);
bool fence_proven(const SystemId& system, const Fence& fence, std::string_view proof, const VerifyingKey& key);

}  // namespace dure::wire
