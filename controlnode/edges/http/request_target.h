#pragma once

#include <optional>
#include <string>

#include "controlnode/edges/http/http_message.h"

namespace dure::control {

// Percent-decoding for paths and queries; nullopt for malformed escapes and control characters.
std::optional<std::string> percent_decode(const std::string& text, bool plus_is_space);

// Splits a request's target into decoded path and query; false when it is malformed or could be read
// in two ways.
bool split_target(const std::string& target, HttpRequest& into);

}  // namespace dure::control
