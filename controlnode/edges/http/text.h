#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dure::control {

// Well-formed UTF-8 by RFC 3629: no overlong forms, no surrogates.
bool is_utf8(std::string_view text);

// At most `max_bytes` of well-formed UTF-8, never cut within a character.
std::string clip(std::string_view text, std::size_t max_bytes);

// One reference token of a JSON pointer (RFC 6901).
std::string pointer_token(std::string_view name);

}  // namespace dure::control
