#include <boost/json.hpp>
#include <memory>

#include "controlnode/cli/command_line.h"
#include "controlnode/cli/exit_codes.h"
#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr const char* kEnvironmentHelp =
    R"(Where dure finds its control node: options, then environment, then context, then default.

  --addr, DURE_ADDR               address; http://127.0.0.1:8480 when nothing says otherwise
  --token-file, DURE_TOKEN_FILE   file with the bearer token; a token is never an argument
  --context, DURE_CONTEXT         context of ~/.config/dure/config.toml:

      current = "lab"
      [contexts.lab]
      address = "http://127.0.0.1:8480"
      token_file = "/etc/dure/token"

  NO_COLOR                        any value: no colors
)";

void add_version(CLI::App& root, Chosen& chosen) {
  auto& verb = *root.add_subcommand("version", "Show the versions of dure and of its control node");
  add_output_options(verb, chosen);
  verb.callback([&chosen] {
    chosen.action = [](Session& session) {
      // Without a control node the own version is still an answer.
      const auto server = session.api.get("/version");
      const json::object both{{"client", json::object{{"version", DURE_VERSION}}},
                              {"server", server ? *server : json::value(nullptr)}};
      if (session.output.format == Format::json) return print(session, pretty_json(both));
      if (session.output.format == Format::yaml) return print(session, to_yaml(both));
      std::string text = std::string("dure          ") + DURE_VERSION + "\n";
      if (server && server->is_object() && server->get_object().contains("version")) {
        text += "control node  " + plain(server->get_object().at("version")) + "\n";
      } else {
        say(session, server ? "no control node answers" : server.failure().message);
      }
      return print(session, text);
    };
  });
}

void add_help(CLI::App& root, Chosen& chosen) {
  auto& verb = *root.add_subcommand("help", "Help about a command, exit-codes or environment");
  auto topic = std::make_shared<std::vector<std::string>>();
  verb.add_option("topic", *topic, "Such as exit-codes, or a command")->type_name("TOPIC");
  // Names of commands are words here.
  verb.prefix_command();
  verb.fallthrough(false);
  verb.callback([&root, &verb, &chosen, topic] {
    chosen.needs_server = false;
    auto words = *topic;
    for (const auto& more : verb.remaining()) words.push_back(more);
    chosen.action = [&root, words](Session& session) {
      if (words.size() == 1 && words[0] == "exit-codes") {
        return print(session, std::string(exit_codes_help()));
      }
      if (words.size() == 1 && words[0] == "environment") {
        return print(session, std::string(kEnvironmentHelp));
      }
      CLI::App* at = &root;
      std::string called = "dure";
      for (const auto& word : words) {
        at = find_command(*at, word);
        if (at == nullptr) {
          return fail(session, {Exit::usage, "there is no help about '" + word + "'", {}, {},
                                "dure --help lists the commands", false, 0});
        }
        called += " " + at->get_name();
      }
      // Not App::help(): that shows what was parsed, which is 'help' itself.
      return print(session, root.get_formatter()->make_help(at, called, CLI::AppFormatMode::Normal));
    };
  });
}

}  // namespace

void add_program_commands(CLI::App& root, Chosen& chosen) {
  add_version(root, chosen);
  add_help(root, chosen);
}

}  // namespace dure::cli
