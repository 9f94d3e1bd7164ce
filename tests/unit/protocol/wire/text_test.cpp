#include "protocol/wire/text.h"

#include <doctest/doctest.h>

#include <string>

using namespace dure::wire;
using namespace std::string_literals;

TEST_CASE("text: names") {
  for (const auto& text : {"a"s, "demo-w1"s, "0"s, std::string(63, 'a')}) CHECK(is_name(text));
  for (const auto& text : {""s, "-a"s, "a-"s, "A"s, "a.b"s, "a_b"s, "a b"s, "a\0"s, "../x"s, "한"s,
                           std::string(64, 'a')}) {
    CAPTURE(text);
    CHECK(!is_name(text));
  }
}

TEST_CASE("text: host names are names joined by dots") {
  for (const auto& text : {"a"s, "demo-w1.demo"s, "a.b.c"s}) CHECK(is_host_name(text));
  for (const auto& text : {""s, "."s, "a."s, ".a"s, "a..b"s, "a b"s, "a.b\n10.0.0.1 evil"s,
                           std::string(64, 'a'), "a." + std::string(252, 'a')}) {
    CAPTURE(text);
    CHECK(!is_host_name(text));
  }
}

TEST_CASE("text: login names") {
  for (const auto& text : {"dure"s, "_x"s, "a-b_c9"s, std::string(32, 'a')}) CHECK(is_user_name(text));
  for (const auto& text : {""s, "9a"s, "-a"s, "Root"s, "a:b"s, "a b"s, std::string(33, 'a')}) {
    CAPTURE(text);
    CHECK(!is_user_name(text));
  }
}

TEST_CASE("text: printable UTF-8") {
  for (const auto& text : {""s, "hello"s, "두레"s, "\xf0\x9f\x8c\xbe"s, "\xc2\xa0"s}) CHECK(is_printable(text));
  for (const auto& text :
       {"a\nb"s, "a\0b"s, "\x7f"s, "\x1b[2J"s, "\xc2\x85"s, "\xe2\x80\xa8"s, "\xe2\x80\xae"s, "\xe2\x81\xa6"s,
        "\xc0\x80"s, "\xe0\x80\xaf"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xff"s, "\x80"s, "\xe2\x82"s,
        "\xf8\x88\x80\x80\x80"s}) {
    CAPTURE(text);
    CHECK(!is_printable(text));
  }
}

TEST_CASE("text: foreign words are made printable and cut at a character") {
  CHECK(printable("as it is", 64) == "as it is");
  CHECK(printable("line 1\nline 2\x1b[0m", 64) == "line 1?line 2?[0m");
  CHECK(printable("caf\xe9", 64) == "caf?");
  CHECK(printable("두레", 5) == "두");
  CHECK(printable("두레", 6) == "두레");
  CHECK(printable("abc", 2) == "ab");
  CHECK(printable("\xff\xff\xff", 2) == "??");
  CHECK(is_printable(printable("\xe2\x82\xf0\x9f\x8c\x80\x00x", 64)));
}
