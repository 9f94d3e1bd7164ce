#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "common/time.h"

namespace dure {

struct ProcessOutcome {
  int exit_code = 0;   // 128 + n when signal n ended it
  std::string output;  // standard output and error together, the first 64 KiB
};

// Runs a tool by argument vector, without a shell: argv[0] is an absolute path or a name in the
// system's own directories. The child has nothing of ours: no descriptors, an empty signal mask, and
// an environment of PATH, LC_ALL=C and `environment` ("NAME=value"). It is killed with everything it
// started when `timeout` has passed (`unavailable`). `not_found`: no such tool.
Result<ProcessOutcome> run_process(const std::vector<std::string>& argv, Duration timeout,
                                   const std::vector<std::string>& environment = {});

}  // namespace dure
