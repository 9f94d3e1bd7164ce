#pragma once

#include <string>

namespace dure::control {

// What libpq takes (a URI or a keyword list) with time limits for connecting and for a connection whose other end is gone.
// They stand before what is given, and of two that are alike libpq takes the later one: what is given wins.
std::string with_time_limits(const std::string& url);

}  // namespace dure::control
