#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <vector>

namespace dure::samples {

// Adds an unknown field to the n-th message of the tree, counted from 0; false when there is none.
inline bool add_unknown(google::protobuf::Message& message, int& n) {
  using google::protobuf::FieldDescriptor;
  const auto& reflection = *message.GetReflection();
  if (n-- == 0) {
    reflection.MutableUnknownFields(&message)->AddVarint(1000, 1);
    return true;
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      auto& child = field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                         : *reflection.MutableMessage(&message, field);
      if (add_unknown(child, n)) return true;
    }
  }
  return false;
}

}  // namespace dure::samples
