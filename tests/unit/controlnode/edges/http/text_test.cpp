#include "controlnode/edges/http/text.h"

#include <doctest/doctest.h>

namespace dure::control {
namespace {

TEST_CASE("text: UTF-8 is told from what only looks like it") {
  for (const std::string good : {"", "plain", "두레", "é", "\xF0\x9F\x8C\xBE", "\xF4\x8F\xBF\xBF"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const std::string bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80",
                                "\xF0\x80\x80\xAF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE3\x81",
                                "\xFF", "a\xE3z"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("text: clipping never cuts a character") {
  CHECK(clip("abc", 5) == "abc");
  CHECK(clip("abcdef", 3) == "abc");
  CHECK(clip("두레", 3) == "두");
  CHECK(clip("두레", 5) == "두");
  CHECK(clip("두레", 2).empty());
}

TEST_CASE("text: pointer tokens are escaped as RFC 6901 says") {
  CHECK(pointer_token("plain") == "plain");
  CHECK(pointer_token("a/b~c") == "a~1b~0c");
}

}  // namespace
}  // namespace dure::control
