#pragma once

#include <string_view>

namespace dure::cli {

// What scripts may rely on; also in 'dure help exit-codes'.
enum class Exit : int {
  ok = 0,
  failure = 1,
  usage = 2,
  not_found = 3,
  denied = 4,
  conflict = 5,
  no_capacity = 6,
  timed_out = 7,
  interrupted = 130,
};

// For an HTTP status and the `code` of its problem document.
Exit exit_for(unsigned status, std::string_view code);

std::string_view exit_codes_help();

}  // namespace dure::cli
