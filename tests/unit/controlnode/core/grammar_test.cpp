#include "controlnode/core/grammar.h"

#include <doctest/doctest.h>

using namespace dure::control;

TEST_CASE("grammar: rooms and labels") {
  for (const char* good : {"301", "B-2.14", "a", "Lab_3"}) CHECK(valid_room(good));
  for (const char* bad : {"", "-3", "3-", "a b", "r\xc3\xa4um", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) CHECK_FALSE(valid_room(bad));
  for (const char* good : {"gpu", "lab.example/row", "a_b"}) CHECK(valid_label_key(good));
  for (const char* bad : {"", "Gpu", "/a", "a=", "a,b"}) CHECK_FALSE(valid_label_key(bad));
  for (const char* good : {"", "RTX-3060", "1.5"}) CHECK(valid_label_value(good));
  for (const char* bad : {" ", "a b", "-", "a="}) CHECK_FALSE(valid_label_value(bad));
}

TEST_CASE("grammar: a name is lower case, begins with a letter and does not end with a dash") {
  for (const char* text : {"a", "demo", "a-b", "a1", "x--y9"}) CHECK(valid_name(text));
  CHECK(valid_name(std::string(40, 'a')));
  for (const char* text : {"", "-a", "a-", "1a", "A", "a_b", "a.b", "a b", "a\n", "a/b", "\xc3\xa9"}) {
    CAPTURE(text);
    CHECK_FALSE(valid_name(text));
  }
  CHECK_FALSE(valid_name(std::string(41, 'a')));
  CHECK_FALSE(valid_name(std::string_view("a\0b", 3)));
}

TEST_CASE("grammar: names of flavors and images may carry dots") {
  CHECK(valid_catalog_name("debian-13.1"));
  for (const char* text : {"", ".a", "a.", "a/b", "a..B"}) CHECK_FALSE(valid_catalog_name(text));
}

TEST_CASE("grammar: a CURVE key is 40 characters of Z85") {
  CHECK(valid_curve_key(std::string(40, '#')));
  CHECK_FALSE(valid_curve_key(std::string(39, 'a')));
  CHECK_FALSE(valid_curve_key(std::string(41, 'a')));
  CHECK_FALSE(valid_curve_key(std::string(39, 'a') + "'"));
  CHECK_FALSE(valid_curve_key(std::string(39, 'a') + " "));
}
