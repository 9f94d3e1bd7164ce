#include "protocol/wire/codec.h"

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <vector>

#include "protocol/wire/codec_strict.h"

namespace dure::wire {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The name of a message that carries an unknown field; empty when there is none. Depth is bounded
// by the schema: a known field never nests into its own type.
std::string find_unknown(const Message& message) {
  const auto& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return message.GetDescriptor()->name();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      auto found = find_unknown(field->is_repeated()
                                    ? reflection.GetRepeatedMessage(message, field, i)
                                    : reflection.GetMessage(message, field));
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
