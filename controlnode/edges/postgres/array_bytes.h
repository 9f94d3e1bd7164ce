#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dure::control {

// The types whose columns travel as arrays in PostgreSQL's binary form, by their fixed object ids (pg_type.dat).
enum class ElementType : std::uint32_t {
  boolean = 16,
  bytea = 17,
  bigint = 20,
  integer = 23,
  text = 25,
  cidr = 650,
  macaddr = 829,
  inet = 869,
  timestamptz = 1184,
  numeric = 1700,
  uuid = 2950,
};

// A one-dimensional array in PostgreSQL's binary form, as the value of ONE parameter: a whole column of a batch
// travels as one. The server takes the elements as they are, where it would have to parse each from a text.
// Form: array_recv in src/backend/utils/adt/arrayfuncs.c of PostgreSQL; of the elements: the receive function of
// each type there.
class ArrayBytes {
 public:
  explicit ArrayBytes(ElementType type);

  ElementType type() const { return type_; }
  // The element in the binary form of its type.
  void add(std::string_view bytes);
  void add_null();

  // Whether all elements are the same.
  bool uniform() const { return uniform_; }

  // Takes the array out; nothing is added afterwards. Precondition: not empty (an empty one has another form).
  std::string take() &&;
  // The same, of the one value that all elements have alone. Precondition: uniform().
  std::string take_first() &&;

 private:
  void append_first();
  std::string taken(std::uint32_t elements);

  ElementType type_;
  std::string body_;      // while all elements are the same: of the first one
  std::string first_;     // the first element's bytes
  std::uint32_t elements_ = 0;
  bool uniform_ = true;
  bool first_null_ = false;
  bool nulls_ = false;
};

// Elements in the binary form of their types.
std::string bigint_bytes(std::int64_t value);
std::string integer_bytes(std::int32_t value);
std::string numeric_bytes(std::uint64_t value);
// Of family IPv4; `cidr`: a network and not an address.
std::string inet_bytes(std::uint32_t address, std::uint8_t length, bool cidr);

}  // namespace dure::control
