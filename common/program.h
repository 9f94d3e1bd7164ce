#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/config.h"
#include "common/result.h"

namespace dure {

// A daemon with the commands `init --dir DIR` (which prints what has to be told to others, nothing secret), `run --config
// FILE` and `config` (which lists every key with its default and meaning).
struct Program {
  std::string name, purpose;
  std::string environment_prefix;
  const std::vector<ConfigKey>& keys;
  std::function<Result<std::string>(const std::string& directory)> init;  // gives what is printed
  std::function<Result<void>(const Config&)> run;
};

// Parses the arguments, runs the command, prints an error with the program's name to stderr, and
// returns the exit status: 0, 1 for a failure, another for wrong usage.
int run_program(const Program& program, int argc, char** argv);

}  // namespace dure
