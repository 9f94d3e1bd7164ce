#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace dure::host {

// Runs the nft program with these arguments, `input` as its standard input, in the calling thread's
// network namespace and an empty environment; what it wrote to standard output. `unavailable` when
// the program is missing or does not end in time, `internal` with its first words when it fails.
Result<std::string> run_nft(const std::string& program, const std::vector<std::string>& arguments,
                            const std::string& input, int timeout_ms);

}  // namespace dure::host
