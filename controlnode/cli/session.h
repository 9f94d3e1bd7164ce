#pragma once

#include <functional>
#include <string>

#include "common/ports.h"
#include "controlnode/cli/api_client.h"
#include "controlnode/cli/output.h"
#include "controlnode/cli/patience.h"
#include "controlnode/cli/settings.h"
#include "controlnode/cli/terminal.h"

namespace dure::cli {

// What a command works with.
struct Session {
  Terminal& terminal;
  ApiClient& api;
  Patience& patience;
  Random& random;
  OutputOptions output;
  const Environment& environment;
};

using Action = std::function<Exit(Session&)>;

// To stderr, with the exit code.
Exit fail(Session& session, const Failure& failure);
// To stdout; an error of `text` is one of usage (a column that is not known).
Exit print(Session& session, const Result<std::string>& text);
// A line for people, to stderr.
void say(Session& session, const std::string& text);

}  // namespace dure::cli
