#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dure::control {

// The text form of a one-dimensional PostgreSQL array, as the value of ONE parameter or of an element that is a
// list. Never part of a statement's text.
class ArrayText {
 public:
  // Any text; quoted and escaped. Precondition: no NUL byte (see storable).
  void add_text(std::string_view text);
  // Characters that need no quoting: numbers, UUIDs, true and false.
  void add_plain(std::string_view text);
  void add_null();

  // The array so far. Adding may go on afterwards.
  std::string str() const { return body_ + '}'; }

 private:
  void separate();

  std::string body_ = "{";
};

// What ArrayText and PostgreSQL's array_out write; nullopt for anything else, and for nulls inside,
// which no column of ours holds.
std::optional<std::vector<std::string>> parse_array(std::string_view text);

// Whether PostgreSQL can store the text and give the same bytes back: valid UTF-8 without NUL.
bool storable(std::string_view text);

}  // namespace dure::control
