#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "controlnode/cli/session.h"
#include "controlnode/cli/settings.h"

namespace dure::cli {

// What a command line asks for.
struct Chosen {
  ConnectionFlags connection;
  std::string format = "table";
  std::vector<std::string> columns;
  bool no_headers = false;
  bool needs_server = true;
  Action action;
};

// Every command binds its arguments to values of its own and sets chosen.action when it was named.
void add_thing_commands(CLI::App& root, Chosen& chosen);      // list, show, delete of every kind
void add_inventory_commands(CLI::App& root, Chosen& chosen);  // site, host, flavor, keypair, image
void add_project_commands(CLI::App& root, Chosen& chosen);    // project create, project set
void add_cluster_commands(CLI::App& root, Chosen& chosen);    // create, scale, delete, show
void add_lease_commands(CLI::App& root, Chosen& chosen);      // cluster extend, host busy
void add_recovery_commands(CLI::App& root, Chosen& chosen);   // host lost, replace; operation cancel; node stop, start, reboot
void add_access_commands(CLI::App& root, Chosen& chosen);     // cluster kubeconfig, cluster access
void add_proxy_command(CLI::App& root, Chosen& chosen);       // cluster proxy
void add_plan_commands(CLI::App& root, Chosen& chosen);       // plan capacity, plan rebalance
void add_explain_commands(CLI::App& root, Chosen& chosen);    // cluster explain, plan replay, plan decisions
void add_history_commands(CLI::App& root, Chosen& chosen);    // operation wait, event list
void add_program_commands(CLI::App& root, Chosen& chosen);    // version, help

// The command of that name or alias below `app`; null when there is none.
CLI::App* find_command(CLI::App& app, const std::string& name);
// The sub-application of a noun, made on first use.
CLI::App& noun_app(CLI::App& root, const std::string& noun);
CLI::App& verb_app(CLI::App& noun, const std::string& verb, const std::string& meaning,
                   const std::string& examples = {});
void add_output_options(CLI::App& verb, Chosen& chosen);

void build_command_line(CLI::App& root, Chosen& chosen);

// Why the arguments were refused, with what may have been meant.
std::string describe_usage_error(const CLI::App& root, const CLI::ParseError& error);

}  // namespace dure::cli
