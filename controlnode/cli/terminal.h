#pragma once

#include <cstddef>
#include <ostream>

namespace dure::cli {

// stdout carries data only; everything that is said goes to stderr.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool color = false;      // stdout is a terminal and NO_COLOR is not set
  bool redraw = false;     // stderr is a terminal that can move its cursor
  std::size_t width = 80;  // of stderr
};

}  // namespace dure::cli
