#include "hostagent/edges/guest/guest_document.h"

#include <doctest/doctest.h>

#include <string>

#include "protocol/messages/host_order.h"

using namespace dure::host;

TEST_CASE("guest document: its revision is the start of its bytes' SHA-256") {
  const auto document = checked_document("{}");
  REQUIRE(document.has_value());
  CHECK(document->bytes == "{}");
  CHECK(document->revision == "44136fa355b3678a");  // sha256sum of the two bytes
  CHECK(checked_document("{ }")->revision != document->revision);
}

TEST_CASE("guest document: the line holds it as it is") {
  const std::string text = R"({"v":1, "z":"\n\u0000}", "a":{"b":[{}]}})";
  const auto document = checked_document(text);
  REQUIRE(document.has_value());
  CHECK(document_line(*document, 1772355600123) ==
        R"({"v":1,"revision":")" + document->revision + R"(","now_ms":1772355600123,"document":)" + text + "}\n");
}

TEST_CASE("guest document: what is not one object of JSON on one line is none") {
  using namespace std::string_literals;
  const std::string deep(100, '[');
  for (const std::string& bad :
       {""s, "null"s, "[]"s, "\"{}\""s, "{"s, "{}}"s, "{} {}"s, "{}\n"s, "{\n}"s, "{\r}"s, "{}\0"s, "{\"a\":\"\n\"}"s,
        "{\"a\":\"\xff\"}"s, "{a:1}"s, "{\"a\":" + deep, "{}" + std::string(dure::kMaxBootstrapBytes, ' ')}) {
    CAPTURE(bad.substr(0, 40));
    CHECK_FALSE(checked_document(bad).has_value());
  }
  CHECK(checked_document("{}" + std::string(dure::kMaxBootstrapBytes - 2, ' ')).has_value());
}
