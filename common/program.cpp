#include "common/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/log.h"
#include "common/system.h"

namespace dure {
namespace {

// Every connection is a descriptor, and so is every guest's channel.
constexpr std::uint64_t kEnoughDescriptors = 4096;

void list_keys(const Program& program) {
  for (const auto& key : program.keys) {
    const auto fallback = key.default_value ? "default '" + *key.default_value + "'" : "required";
    std::printf("%-28s %-26s %s\n", key.name.c_str(), fallback.c_str(), key.meaning.c_str());
  }
}

int finish(const Program& program, const Result<void>& outcome) {
  if (outcome) return 0;
  std::fprintf(stderr, "%s: %s\n", program.name.c_str(), outcome.error().message.c_str());
  return 1;
}

Result<void> serve(const Program& program, const Config& config) {
  if (const auto limit = raise_descriptor_limit(); limit < kEnoughDescriptors) {
    log::warn("few descriptors are allowed, and with them connections: raise this program's hard limit (LimitNOFILE= of its unit)",
              {{"limit", std::to_string(limit)}, {"enough", std::to_string(kEnoughDescriptors)}});
  }
  return program.run(config);
}

}  // namespace

int run_program(const Program& program, int argc, char** argv) {
  CLI::App app{program.purpose, program.name};
  app.require_subcommand(1);
  app.set_version_flag("--version", DURE_VERSION);
  std::string directory, config_path;
  auto* init = app.add_subcommand("init", "make keys and identity; what exists is kept");
  init->add_option("--dir", directory, "where they are kept")->required();
  auto* run = app.add_subcommand("run", "serve until SIGTERM");
  run->add_option("--config", config_path, "TOML file")->required();
  auto* config_command = app.add_subcommand("config", "list every key of the configuration");
  CLI11_PARSE(app, argc, argv);
  if (config_command->parsed()) {
    list_keys(program);
    return 0;
  }
  if (init->parsed()) {
    const auto told = program.init(directory);
    if (!told) return finish(program, told.error());
    std::fputs(told->c_str(), stdout);
    return 0;
  }
  const auto config = Config::load(config_path, program.keys, program.environment_prefix);
  return finish(program, config ? serve(program, *config) : Result<void>(config.error()));
}

}  // namespace dure
