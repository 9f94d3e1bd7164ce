#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dure {

// What a text may be, wherever it comes in and wherever it goes out: both ends of the channel ask the same functions, so
// that nothing which one of them takes makes an order that the other cannot read.

// [a-z0-9-]{1,max}; neither first nor last character is a dash.
bool is_name(std::string_view text, std::size_t max = 63);

// Names joined by dots, at most 253 bytes.
bool is_host_name(std::string_view text);

// [a-z_][a-z0-9_-]{0,31}: a login name.
bool is_user_name(std::string_view text);

// Well-formed UTF-8 without control characters, line separators and characters that reorder text.
bool is_printable(std::string_view text);

// `text` made printable and at most `max` bytes long: what breaks the grammar becomes '?'. For words of libraries, hosts
// and guests, which must never cost anybody a whole report or a row.
std::string printable(std::string_view text, std::size_t max);

// A public key of OpenSSH on one line: a known type, its bytes in base64, and optionally a printable comment. The bytes
// (RFC 4253, section 6.6) begin with the same type and are complete: a key that was cut off while it was copied is none.
inline constexpr std::size_t kMaxSshKeyBytes = 8192;
bool is_ssh_public_key(std::string_view text);

}  // namespace dure
