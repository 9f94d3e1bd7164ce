#include "controlnode/edges/postgres/array_bytes.h"

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace dure::control {
namespace {

constexpr std::size_t kHasNulls = 4, kElements = 12;  // places in the header
constexpr std::size_t kHeader = 20;                     // its bytes
constexpr char kFamilyIpv4 = 2;                       // PGSQL_AF_INET

template <class Number>
void put(std::string& into, std::size_t at, Number value) {
  const auto bits = static_cast<std::make_unsigned_t<Number>>(value);
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    into[at + i] = static_cast<char>(static_cast<unsigned char>(bits >> (8 * (sizeof(Number) - 1 - i))));
  }
}

template <class Number>
void append(std::string& into, Number value) {
  const std::size_t at = into.size();
  into.resize(at + sizeof(Number));
  put(into, at, value);
}

}  // namespace

ArrayBytes::ArrayBytes(ElementType type) : type_(type) {
  append(body_, std::uint32_t{1});  // dimensions
  append(body_, std::uint32_t{0});  // nulls
  append(body_, static_cast<std::uint32_t>(type));
  append(body_, std::uint32_t{0});  // elements
  append(body_, std::uint32_t{1});  // number of the first
}

void ArrayBytes::add(std::string_view bytes) {
  if (elements_ == 0) {
    first_ = bytes;
  } else if (uniform_ && !first_null_ && first_ == bytes) {
    ++elements_;
    return;
  } else {
    append_first();
  }
  ++elements_;
  append(body_, static_cast<std::uint32_t>(bytes.size()));
  body_ += bytes;
}

void ArrayBytes::add_null() {
  nulls_ = true;
  if (elements_ == 0) {
    first_null_ = true;
  } else if (uniform_ && first_null_) {
    ++elements_;
    return;
  } else {
    append_first();
  }
  ++elements_;
  append(body_, std::int32_t{-1});
}

// Once an element is another one, those that were the same are laid down.
void ArrayBytes::append_first() {
  if (!uniform_) return;
  uniform_ = false;
  const std::string element = body_.substr(kHeader);
  body_.reserve(kHeader + element.size() * elements_ * 2);
  for (std::uint32_t i = 1; i < elements_; ++i) body_ += element;
}

std::string ArrayBytes::taken(std::uint32_t elements) {
  put(body_, kHasNulls, std::uint32_t{nulls_ ? 1U : 0U});
  put(body_, kElements, elements);
  return std::move(body_);
}

std::string ArrayBytes::take() && {
  append_first();
  return taken(elements_);
}

std::string ArrayBytes::take_first() && {
  return taken(1);
}

std::string bigint_bytes(std::int64_t value) {
  std::string bytes;
  append(bytes, value);
  return bytes;
}

std::string integer_bytes(std::int32_t value) {
  std::string bytes;
  append(bytes, value);
  return bytes;
}

// Digits of base 10,000, the highest first: how many, the power of the first, sign, digits after the point.
std::string numeric_bytes(std::uint64_t value) {
  constexpr std::uint64_t kBase = 10'000;
  std::array<std::uint16_t, 5> digits{};  // enough for 64 bits
  std::size_t count = 0;
  for (; value > 0; value /= kBase) digits[count++] = static_cast<std::uint16_t>(value % kBase);
  std::string bytes;
  append(bytes, static_cast<std::uint16_t>(count));
  append(bytes, static_cast<std::uint16_t>(count == 0 ? 0 : count - 1));
  append(bytes, std::uint16_t{0});
  append(bytes, std::uint16_t{0});
  while (count > 0) append(bytes, digits[--count]);
  return bytes;
}

std::string inet_bytes(std::uint32_t address, std::uint8_t length, bool cidr) {
  std::string bytes{kFamilyIpv4, static_cast<char>(length), cidr ? '\1' : '\0', '\4'};
  append(bytes, address);
  return bytes;
}

}  // namespace dure::control
