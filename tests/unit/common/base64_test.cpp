#include "common/base64.h"

#include <doctest/doctest.h>

using namespace dure;

TEST_CASE("base64 gives the vectors of RFC 4648") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
}

TEST_CASE("base64 takes every byte") {
  CHECK(base64(std::string("\xff\xfe\xfd\0", 4)) == "//79AA==");
  CHECK(base64(std::string("\xfb\xf0", 2)) == "+/A=");
}
