#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "common/system.h"
#include "controlnode/cli/curl_client.h"
#include "controlnode/cli/run.h"
#include "controlnode/cli/signal_patience.h"

namespace {

dure::cli::Environment read_environment() {
  dure::cli::Environment environment;
  for (const char* name : {"DURE_ADDR", "DURE_TOKEN_FILE", "DURE_CONTEXT", "HOME",
                           "KUBECONFIG", "XDG_CONFIG_HOME", "NO_COLOR", "TERM"}) {
    if (const char* value = std::getenv(name)) environment[name] = value;
  }
  return environment;
}

dure::cli::Terminal open_terminal(const dure::cli::Environment& environment) {
  dure::cli::Terminal terminal{std::cout, std::cerr};
  const auto term = environment.find("TERM");
  const bool dumb = term == environment.end() || term->second.empty() || term->second == "dumb";
  const auto no_color = environment.find("NO_COLOR");
  const bool plain = no_color != environment.end() && !no_color->second.empty();
  terminal.color = ::isatty(STDOUT_FILENO) == 1 && !dumb && !plain;
  terminal.redraw = ::isatty(STDERR_FILENO) == 1 && !dumb;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.width = size.ws_col;
  }
  return terminal;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto environment = read_environment();
    dure::cli::SignalPatience patience;
    dure::SystemRandom random;
    dure::SystemClock clock;
    dure::cli::World world{
        open_terminal(environment), environment,
        [&patience](const dure::cli::Endpoint& endpoint) {
          return dure::cli::connect_by_curl(endpoint, patience);
        },
        patience, random, clock};
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return static_cast<int>(dure::cli::run(arguments, world));
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return static_cast<int>(dure::cli::Exit::failure);
  }
}
