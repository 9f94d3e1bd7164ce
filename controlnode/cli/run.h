#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/ports.h"
#include "controlnode/cli/exit_codes.h"
#include "controlnode/cli/patience.h"
#include "controlnode/cli/settings.h"
#include "controlnode/cli/terminal.h"

namespace dure::cli {

// Everything that the program reaches outside of itself, so that a test can stand in for it.
struct World {
  Terminal terminal;
  Environment environment;
  std::function<Result<std::unique_ptr<HttpClient>>(const Endpoint&)> connect;
  Patience& patience;
  Random& random;
  Clock& clock;
};

// The whole program: `arguments` without its name.
Exit run(const std::vector<std::string>& arguments, World& world);

}  // namespace dure::cli
