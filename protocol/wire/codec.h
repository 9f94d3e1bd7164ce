#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/result.h"
#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"

namespace dure::wire {

// Protobuf <-> plain structs. Decoding is strict: unknown fields, unknown enum values, wrong lengths
// of ids and addresses, lists above their bounds, duplicate ids and text outside its grammar are
// refused with the field's name. Nothing here checks authority; see envelope.h.
std::string encode(const HostOrder& order);
Result<HostOrder> decode_host_order(std::string_view bytes);

// What an agent sends: a closed union.
using AgentMessage = std::variant<HostReport, OrderAck>;
std::string encode(const AgentMessage& message);
Result<AgentMessage> decode_agent_message(std::string_view bytes);

}  // namespace dure::wire
