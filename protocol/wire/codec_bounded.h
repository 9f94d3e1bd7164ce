#pragma once

#include <cstddef>
#include <string_view>

#include "common/result.h"

namespace google::protobuf {
class MessageLite;
}

namespace dure::wire {

// All bytes, at most `max_bytes`, are one message. Whether it has unknown fields is for FieldCheck::known.
Result<void> parse_bounded(std::string_view bytes, std::size_t max_bytes,
                           google::protobuf::MessageLite& into);

}  // namespace dure::wire
