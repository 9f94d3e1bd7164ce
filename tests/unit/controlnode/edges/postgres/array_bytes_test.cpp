#include "controlnode/edges/postgres/array_bytes.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

// The bytes are what PostgreSQL 15 gives for these values by array_send, inet_send, numeric_send and so on.
namespace dure::control {
namespace {

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("array bytes: an array as PostgreSQL sends it") {
  ArrayBytes texts(ElementType::text);
  texts.add("ab");
  texts.add("");
  texts.add_null();
  CHECK(hex(std::move(texts).take()) ==
        "0000000100000001000000190000000300000001" "000000026162" "00000000" "ffffffff");
  ArrayBytes numbers(ElementType::bigint);
  numbers.add(bigint_bytes(-2));
  CHECK(hex(std::move(numbers).take()) == "0000000100000000000000140000000100000001" "00000008fffffffffffffffe");
}

TEST_CASE("array bytes: elements that are all the same are known as such, and can be had as one") {
  const std::string head = "000000010000000000000019";
  const auto of = [](std::initializer_list<const char*> elements) {
    ArrayBytes texts(ElementType::text);
    for (const char* element : elements) element == nullptr ? texts.add_null() : texts.add(element);
    return texts;
  };
  CHECK(of({"a"}).uniform());
  CHECK(of({"a", "a", "a"}).uniform());
  CHECK(of({nullptr, nullptr}).uniform());
  CHECK_FALSE(of({"a", "a", "b", "a"}).uniform());
  CHECK_FALSE(of({"", nullptr}).uniform());
  CHECK_FALSE(of({nullptr, "", nullptr}).uniform());
  CHECK(hex(of({"a", "a", "a"}).take_first()) == head + "0000000100000001" "0000000161");
  CHECK(hex(of({nullptr, nullptr}).take_first()) == "000000010000000100000019" "0000000100000001" "ffffffff");
  CHECK(hex(of({"a", "a"}).take()) == head + "0000000200000001" "0000000161" "0000000161");
  CHECK(hex(of({"a", "a", "b", "a"}).take()) ==
        head + "0000000400000001" "0000000161" "0000000161" "0000000162" "0000000161");
  CHECK(hex(of({nullptr, nullptr, ""}).take()) ==
        "000000010000000100000019" "0000000300000001" "ffffffff" "ffffffff" "00000000");
}

TEST_CASE("array bytes: numbers and addresses as PostgreSQL sends them") {
  CHECK(hex(integer_bytes(70'000)) == "00011170");
  CHECK(hex(numeric_bytes(0)) == "0000000000000000");
  CHECK(hex(numeric_bytes(9'999)) == "0001000000000000270f");
  CHECK(hex(numeric_bytes(10'000)) == "000200010000000000010000");
  CHECK(hex(numeric_bytes(std::numeric_limits<std::uint64_t>::max())) == "00050004000000000734" "1a58" "02e1" "03bb" "064f");
  CHECK(hex(inet_bytes(0x0a000001, 32, false)) == "022000040a000001");
  CHECK(hex(inet_bytes(0x0a010000, 16, true)) == "021001040a010000");
}

}  // namespace dure::control
