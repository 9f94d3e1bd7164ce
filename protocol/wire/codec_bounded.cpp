#include <google/protobuf/message_lite.h>

#include "protocol/wire/codec_bounded.h"

namespace dure::wire {

Result<void> parse_bounded(std::string_view bytes, std::size_t max_bytes,
                           google::protobuf::MessageLite& into) {
  if (bytes.size() > max_bytes) {
    return Error{Errc::invalid_argument, "longer than " + std::to_string(max_bytes) + " bytes"};
  }
  if (!into.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error{Errc::invalid_argument, "not a well-formed message"};
  }
  return {};
}

}  // namespace dure::wire
