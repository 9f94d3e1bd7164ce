#include "protocol/wire/field_check.h"

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

namespace dure::wire {
namespace {

template <std::size_t kSize>
void copy_bytes(std::string_view bytes, std::array<std::uint8_t, kSize>& into) {
  if (bytes.size() != kSize) return;
  std::transform(bytes.begin(), bytes.end(), into.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
}

}  // namespace

Result<void> FieldCheck::result() const {
  if (fault_.empty()) return {};
  return Error{Errc::invalid_argument, fault_};
}

void FieldCheck::known(const google::protobuf::Message& message, std::string_view name) {
  require(message.GetReflection()->GetUnknownFields(message).empty(), name, "has an unknown field");
}

Uuid FieldCheck::uuid(std::string_view bytes, std::string_view field) {
  Uuid value;
  require(bytes.size() == value.bytes.size(), field, "is not 16 bytes");
  copy_bytes(bytes, value.bytes);
  return value;
}

Digest FieldCheck::digest(std::string_view bytes, std::string_view field) {
  Digest value;
  require(bytes.size() == value.bytes.size(), field, "is not 32 bytes");
  copy_bytes(bytes, value.bytes);
  return value;
}

Mac FieldCheck::mac(std::string_view bytes, std::string_view field) {
  Mac value;
  require(bytes.size() == value.bytes.size(), field, "is not 6 bytes");
  copy_bytes(bytes, value.bytes);
  require((value.bytes[0] & 1) == 0 && value != Mac{}, field, "is not one station's address");
  return value;
}

std::string FieldCheck::signature(std::string_view bytes, std::string_view field) {
  constexpr std::size_t kSignatureBytes = 64;
  require(bytes.empty() || bytes.size() == kSignatureBytes, field, "is not 64 bytes");
  return std::string(bytes);
}

std::string FieldCheck::name(std::string_view bytes, std::string_view field, std::size_t max) {
  require(is_name(bytes, max), field, "is not a name");
  return std::string(bytes);
}

std::string FieldCheck::text(std::string_view bytes, std::string_view field, std::size_t max) {
  require(bytes.size() <= max, field, "is too long");
  require(is_printable(bytes), field, "is not printable text");
  return std::string(bytes);
}

std::uint32_t FieldCheck::vni(std::uint32_t value, std::string_view field) {
  range(value, 1, (1U << 24) - 1, field);
  return value;
}

void FieldCheck::range(std::uint64_t value, std::uint64_t low, std::uint64_t high,
                       std::string_view field) {
  require(value >= low && value <= high, field, "is out of range");
}

}  // namespace dure::wire
