#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "common/result.h"

namespace dure::log {

enum class Level { debug, info, warn, error };

using Field = std::pair<std::string_view, std::string>;

// Sets the lowest level that is written, to stderr. "debug", "info", "warn", "error", or "off" for tests that make
// thousands of errors on purpose; false for anything else.
bool set_level(std::string_view name);
// The same for programs, which are never without a log, with the error that names what is wanted.
Result<void> use_level(std::string_view name);

// One line: time, level, message, key=value fields. Control characters in values are escaped, so
// that a hostile name cannot forge a line. Never pass a secret.
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, fields);
}

}  // namespace dure::log
