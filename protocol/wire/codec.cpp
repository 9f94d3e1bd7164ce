#include "protocol/wire/codec.h"

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include "protocol/wire/codec_strict.h"

namespace dure::wire {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The name of a message that carries an unknown field; empty when there is none. Depth is bounded
// by the schema: a known field never nests into its own type.
// Walks the descriptor instead of the fields that are set: leaves, which most messages are, then cost
// no allocation.
std::string find_unknown(const Message& message) {
  const auto& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return message.GetDescriptor()->name();
  const auto& descriptor = *message.GetDescriptor();
  for (int index = 0; index < descriptor.field_count(); ++index) {
    const auto* field = descriptor.field(index);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      if (!reflection.HasField(message, field)) continue;
      if (auto found = find_unknown(reflection.GetMessage(message, field)); !found.empty()) return found;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      auto found = find_unknown(reflection.GetRepeatedMessage(message, field, i));
      if (!found.empty()) return found;
    }
  }
  return {};
}

}  // namespace

Result<void> parse_strictly(std::string_view bytes, std::size_t max_bytes, Message& into) {
  if (bytes.size() > max_bytes) {
    return Error{Errc::invalid_argument, "longer than " + std::to_string(max_bytes) + " bytes"};
  }
  if (!into.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error{Errc::invalid_argument, "not a well-formed message"};
  }
  if (const auto name = find_unknown(into); !name.empty()) {
    return Error{Errc::invalid_argument, name + " has an unknown field"};
  }
  return {};
}

}  // namespace dure::wire
