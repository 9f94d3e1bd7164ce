#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/support/fleet/fleet.h"

int main(int argc, char** argv) {
  CLI::App app{"Many simulated hosts: the real agent loop and channel over fakes."};
  app.require_subcommand(1);
  dure::fleet::FleetOptions options;
  auto* keys = app.add_subcommand("keys", "make keys for --count hosts in --dir");
  auto* run = app.add_subcommand("run", "run --count agents until SIGTERM");
  for (auto* command : {keys, run}) {
    command->add_option("--dir", options.directory)->required();
    command->add_option("--count", options.count)->required();
  }
  run->add_option("--endpoint", options.endpoint)->required();
  run->add_option("--bundle", options.bundle)->required();
  CLI11_PARSE(app, argc, argv);
  const auto outcome = keys->parsed() ? dure::fleet::make_keys(options.directory, options.count)
                                      : dure::fleet::run(options);
  if (outcome) return 0;
  std::fprintf(stderr, "fleet: %s\n", outcome.error().message.c_str());
  return 1;
}
