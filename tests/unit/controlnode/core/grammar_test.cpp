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

TEST_CASE("grammar: an SSH key is one line of a known type") {
  const std::string base64 = "AAAAC3NzaC1lZDI1NTE5AAAAIGJhc2U2NA==";
  CHECK(valid_ssh_public_key("ssh-ed25519 " + base64));
  CHECK(valid_ssh_public_key("ssh-rsa " + base64 + " me@home, 2nd key"));
  CHECK(valid_ssh_public_key("ecdsa-sha2-nistp256 " + base64 + " \xed\x95\x9c"));
  for (const std::string& text :
       {std::string(), std::string("ssh-ed25519"), std::string("ssh-ed25519 "),
        "ssh-ed25519  " + base64, " ssh-ed25519 " + base64, "ssh-dss " + base64,
        "ssh-ed25519 " + base64 + "\n", "ssh-ed25519 " + base64 + " a\nssh-rsa " + base64,
        "ssh-ed25519 !!!!" + base64, std::string("ssh-ed25519 AAAA"),
        "command=\"x\" ssh-ed25519 " + base64, "ssh-ed25519 " + base64 + " \x1b[31m",
        "ssh-ed25519 " + base64 + " " + std::string(8192, 'a')}) {
    CAPTURE(text);
    CHECK_FALSE(valid_ssh_public_key(text));
  }
}

TEST_CASE("grammar: a CURVE key is 40 characters of Z85") {
  CHECK(valid_curve_key(std::string(40, '#')));
  CHECK_FALSE(valid_curve_key(std::string(39, 'a')));
  CHECK_FALSE(valid_curve_key(std::string(41, 'a')));
  CHECK_FALSE(valid_curve_key(std::string(39, 'a') + "'"));
  CHECK_FALSE(valid_curve_key(std::string(39, 'a') + " "));
}

TEST_CASE("grammar: cleaned text is well-formed UTF-8 without control characters") {
  CHECK(clean_text("plain", 64) == "plain");
  CHECK(clean_text("\xed\x95\x9c\xea\xb8\x80", 64) == "\xed\x95\x9c\xea\xb8\x80");
  CHECK(clean_text("a\nb\x1b[0m\x7f", 64) == "a?b?[0m?");
  CHECK(clean_text(std::string_view("a\0b", 3), 64) == "a?b");
  CHECK(clean_text("\xff\xfe", 64) == "??");
  CHECK(clean_text("\xc0\xaf", 64) == "??");              // overlong
  CHECK(clean_text("\xed\xa0\x80", 64) == "???");         // surrogate
  CHECK(clean_text("\xf4\x90\x80\x80", 64) == "????");    // beyond Unicode
  CHECK(clean_text("\xe2\x80\xae", 64) == "???");         // right-to-left override
  CHECK(clean_text("\xed\x95", 64) == "??");              // cut off
  CHECK(clean_text("abcdef", 3) == "abc");
  CHECK(clean_text("ab\xed\x95\x9c", 4) == "ab");         // never half a character
}
