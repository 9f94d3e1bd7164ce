#pragma once

#include <string>
#include <string_view>

#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"
#include "protocol/wire/keys.h"

namespace dure::samples {

// An id whose bytes are all `byte`.
template <class Any>
Any id(std::uint8_t byte) {
  Any made;
  made.uuid.bytes.fill(byte);
  return made;
}

// Messages in which every field differs from its default.
HostOrder order();
HostReport report();
// The same with what came later.
HostOrder order_with_power();
HostReport report_with_conditions();
OrderAck ack();

// A key that is the same in each run.
wire::SigningKey signing_key(std::uint8_t first_byte = 1);

std::string to_hex(std::string_view bytes);
std::string from_hex(std::string_view text);
// The bytes of tests/golden/wire/<name>.hex.
std::string golden(const std::string& name);

}  // namespace dure::samples
