#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dure {

// RFC 4648, section 4, with padding and without line ends.
std::string base64(std::string_view bytes);

// The exact inverse: what base64() would not write is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace dure
