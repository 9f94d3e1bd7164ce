#include "common/text.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/base64.h"

using namespace dure;
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

TEST_CASE("text: what reorders a line, or looks like its end, is not printable wherever it stands") {
  for (const char* mark : {"\u200e", "\u200f", "\u061c", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069"}) {
    const auto text = "lab" + std::string(mark) + "admin";
    CAPTURE(text);
    CHECK(!is_printable(text));
    CHECK(printable(text, 64) == "lab?admin");
  }
}

namespace {

const std::string kEd25519 = "AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl";

// A key of these fields, as ssh-keygen writes it.
std::string key_of(const std::string& type, const std::vector<std::string>& fields) {
  std::string bytes;
  const auto add = [&](const std::string& field) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((field.size() >> shift) & 255));
    bytes += field;
  };
  add(type);
  for (const auto& field : fields) add(field);
  return type + " " + base64(bytes);
}

}  // namespace

TEST_CASE("text: a public key of every known type, with the comments that people have") {
  CHECK(is_ssh_public_key("ssh-ed25519 " + kEd25519));
  for (const char* comment : {"me@home", "2nd key, of the lab", "홍길동@노트북", "田中", "José"}) {
    CHECK(is_ssh_public_key("ssh-ed25519 " + kEd25519 + " " + comment));
  }
  const std::string point(65, '\4'), modulus(257, '\1'), exponent("\1\0\1", 3);
  CHECK(is_ssh_public_key(key_of("ssh-rsa", {exponent, modulus})));
  CHECK(is_ssh_public_key(key_of("ecdsa-sha2-nistp256", {"nistp256", point})));
  CHECK(is_ssh_public_key(key_of("ecdsa-sha2-nistp521", {"nistp521", point})));
  CHECK(is_ssh_public_key(key_of("sk-ssh-ed25519@openssh.com", {std::string(32, 'k'), "ssh:"})));
  CHECK(is_ssh_public_key(key_of("sk-ecdsa-sha2-nistp256@openssh.com", {"nistp256", point, "ssh:"})));
}

TEST_CASE("text: what is no public key of one line is refused") {
  const auto whole = "ssh-ed25519 " + kEd25519;
  for (const auto& text :
       {std::string(), std::string("ssh-ed25519"), std::string("ssh-ed25519 "), "ssh-ed25519  " + kEd25519, " " + whole,
        "ssh-dss " + kEd25519, whole + "\n", whole + " a\nssh-rsa " + kEd25519, "ssh-ed25519 !!!!" + kEd25519,
        std::string("ssh-ed25519 AAAA"), "command=\"x\" " + whole, whole + " \x1b[31m", whole + " lab\u200eadmin",
        whole + " " + std::string(8192, 'a')}) {
    CAPTURE(text);
    CHECK_FALSE(is_ssh_public_key(text));
  }
}

TEST_CASE("text: a key that was cut off, or whose bytes are of another type, is refused") {
  CHECK_FALSE(is_ssh_public_key("ssh-rsa " + kEd25519));
  for (std::size_t kept = 0; kept < kEd25519.size(); ++kept) {
    CAPTURE(kept);
    CHECK_FALSE(is_ssh_public_key("ssh-ed25519 " + kEd25519.substr(0, kept)));
  }
  CHECK_FALSE(is_ssh_public_key(key_of("ssh-ed25519", {std::string(31, 'k')})));
  CHECK_FALSE(is_ssh_public_key(key_of("ssh-ed25519", {std::string(32, 'k'), "more"})));
  CHECK_FALSE(is_ssh_public_key(key_of("ssh-rsa", {std::string("\1\0\1", 3)})));
}

TEST_CASE("text: base64 has one spelling for each sequence of bytes") {
  for (const auto& bytes : {""s, "a"s, "ab"s, "abc"s, "\0\xff\x10"s, std::string(100, '\x7f')}) {
    CHECK(from_base64(base64(bytes)) == bytes);
  }
  for (const char* text : {"A", "AB", "ABC", "AB=C", "A===", "====", "AB==CD==", "AB==\n", "AB C", "AC==A", "AB--"}) {
    CAPTURE(text);
    CHECK(!from_base64(text));
  }
  CHECK(!from_base64("AB=="));  // bits are left over that no byte has
}
