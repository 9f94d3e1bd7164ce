#pragma once

#include <cstddef>
#include <string_view>

#include "common/result.h"

namespace google::protobuf {
class Message;
}

namespace dure::wire {

// All bytes are one message without unknown fields at any depth: a newer sender's constraint must
// not be ignored silently.
Result<void> parse_strictly(std::string_view bytes, std::size_t max_bytes,
                            google::protobuf::Message& into);

}  // namespace dure::wire
