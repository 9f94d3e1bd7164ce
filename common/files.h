#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.h"

namespace dure {

// The whole file; refused above `max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

// Complete or not at all: written beside as `<path>.tmp`, fsynced, renamed, directory fsynced.
// `mode` are permission bits such as 0600.
Result<void> write_file_durably(const std::string& path, std::string_view bytes, unsigned mode);

// Makes the directory and its parents; `mode` for those it makes.
Result<void> make_directories(const std::string& path, unsigned mode);

// Makes a rename or unlink inside the directory durable.
Result<void> fsync_directory(const std::string& path);

}  // namespace dure
