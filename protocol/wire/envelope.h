#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "protocol/messages/host_order.h"
#include "protocol/wire/keys.h"

namespace dure::wire {

// SignedEnvelope{key_id, payload, signature}: Ed25519 over
//   "dure/<kind>/v1\0" || u8 len(key_id) || key_id || u32be len(payload) || payload
// where payload is the exact bytes received. Verify, then parse; never re-serialise.
enum class EnvelopeKind : std::uint8_t { order, delegation };

Result<std::string> seal(EnvelopeKind kind, std::string_view payload, const SigningKey& key);

// Size, strict outer parse (each field once, none unknown, nothing after them), key id, signature;
// returns the payload bytes. Nothing of the payload has been parsed yet.
Result<std::string> open(EnvelopeKind kind, std::string_view envelope, const VerifyingKey& key);

inline constexpr std::size_t kMaxEnvelopeBytes = kMaxOrderBytes + 256;

}  // namespace dure::wire
