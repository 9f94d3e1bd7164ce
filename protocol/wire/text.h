#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dure::wire {

// [a-z0-9-]{1,max}; neither first nor last character is a dash.
bool is_name(std::string_view text, std::size_t max = 63);

// Names joined by dots, at most 253 bytes.
bool is_host_name(std::string_view text);

// [a-z_][a-z0-9_-]{0,31}: a login name.
bool is_user_name(std::string_view text);

// Well-formed UTF-8 without control characters, line separators and characters that reorder text.
bool is_printable(std::string_view text);

// `text` made printable and at most `max` bytes long: what breaks the grammar becomes '?'. For words
// of libraries and guests, which must never cost a host its whole report.
std::string printable(std::string_view text, std::size_t max);

}  // namespace dure::wire
