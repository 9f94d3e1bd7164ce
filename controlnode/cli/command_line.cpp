#include "controlnode/cli/command_line.h"

#include <algorithm>

#include "controlnode/cli/kinds.h"
#include "controlnode/cli/layout.h"
#include "controlnode/cli/suggest.h"

namespace dure::cli {
namespace {

// The innermost command that was recognised, and how it is called.
const CLI::App* innermost(const CLI::App& root, std::string& called) {
  const auto* at = &root;
  called = root.get_name();
  for (;;) {
    const auto below = at->get_subcommands();
    if (below.empty()) return at;
    at = below.front();
    called += " " + at->get_name();
  }
}

std::vector<std::string> options_of(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const auto* option : app->get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<std::string> subcommands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* one : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(one->get_name());
  }
  return names;
}

}  // namespace

CLI::App* find_command(CLI::App& app, const std::string& name) {
  const auto found = app.get_subcommands([&](CLI::App* one) { return one->check_name(name); });
  return found.empty() ? nullptr : found.front();
}

CLI::App& noun_app(CLI::App& root, const std::string& noun) {
  if (auto* known = find_command(root, noun)) return *known;
  auto& app = *root.add_subcommand(noun, "Work with " + (noun == "keypair" ? "key pair" : noun) + "s");
  app.alias(noun + "s");
  app.require_subcommand(1);
  return app;
}

CLI::App& verb_app(CLI::App& noun, const std::string& verb, const std::string& meaning,
                   const std::string& examples) {
  auto& app = *noun.add_subcommand(verb, meaning);
  if (!examples.empty()) app.footer("Examples:\n" + examples);
  return app;
}

void add_output_options(CLI::App& verb, Chosen& chosen) {
  verb.add_option("-o,--output", chosen.format, "table, wide, json, yaml or name")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}))
      ->type_name("FORMAT")
      ->group("Output");
  verb.add_option("--columns", chosen.columns, "Titles of the columns to show, with commas")
      ->delimiter(',')
      ->type_name("A,B")
      ->group("Output");
  verb.add_flag("--no-headers", chosen.no_headers, "Rows only")->group("Output");
}

void build_command_line(CLI::App& root, Chosen& chosen) {
  root.name("dure");
  root.description("Kubernetes clusters from spare PCs: the command line of a Dure control node.");
  root.footer(
      "Help: 'dure NOUN VERB --help', 'dure help exit-codes', 'dure help environment'.\n"
      "\nExamples:\n"
      "  dure host list\n"
      "  dure cluster create demo --workers 2 --flavor small --image debian-13 --keypair me\n"
      "  dure node list --cluster demo -o wide");
  root.require_subcommand(1);
  root.set_version_flag("--version", std::string("dure ") + DURE_VERSION, "Show the version of dure");
  // Options of dure itself are understood after the command, too.
  root.fallthrough();
  root.get_formatter()->column_width(34);
  root.add_option("--addr", chosen.connection.address, "Control node, such as http://127.0.0.1:8480")
      ->type_name("URL");
  root.add_option("--token-file", chosen.connection.token_file, "File that holds the bearer token")
      ->type_name("FILE");
  root.add_option("--context", chosen.connection.context, "Context of the configuration file")
      ->type_name("NAME");
  for (const auto& kind : kinds()) noun_app(root, kind.noun);
  add_thing_commands(root, chosen);
  add_inventory_commands(root, chosen);
  add_project_commands(root, chosen);
  add_cluster_commands(root, chosen);
  add_lease_commands(root, chosen);
  add_recovery_commands(root, chosen);
  add_access_commands(root, chosen);
  add_proxy_command(root, chosen);
  add_plan_commands(root, chosen);
  add_explain_commands(root, chosen);
  add_history_commands(root, chosen);
  add_program_commands(root, chosen);
}

std::string describe_usage_error(const CLI::App& root, const CLI::ParseError& error) {
  std::string called;
  const auto* at = innermost(root, called);
  const auto see = "see '" + called + " --help'\n";
  const auto left = root.remaining(true);
  if (left.empty()) {
    std::string text = "error: " + printable(error.what()) + "\n";
    const auto verbs = subcommands_of(*at);
    if (!verbs.empty()) {
      text = "error: '" + called + "' wants one of:";
      for (const auto& verb : verbs) text += " " + verb;
      text += "\n";
    }
    return text + see;
  }
  const auto wrong = left.front().substr(0, left.front().find('='));
  const bool is_option = wrong.starts_with("-");
  const auto near = nearest(wrong, is_option ? options_of(at) : subcommands_of(*at));
  std::string text = "error: '" + called + "' does not know " + (is_option ? "the option " : "") +
                     "'" + printable(wrong) + "'\n";
  if (!near.empty()) text += "did you mean '" + near + "'?\n";
  return text + see;
}

}  // namespace dure::cli
