#include "controlnode/cli/run.h"

#include <map>
#include <utility>

#include "controlnode/cli/command_line.h"

namespace dure::cli {
namespace {

Format format_of(const std::string& name) {
  static const std::map<std::string, Format> formats{{"table", Format::table},
                                                     {"wide", Format::wide},
                                                     {"json", Format::json},
                                                     {"yaml", Format::yaml},
                                                     {"name", Format::name}};
  return formats.at(name);  // the command line accepts no other
}

// The client of a command that talks to nobody.
class NoClient : public HttpClient {
 public:
  Result<HttpReply> call(const HttpCall&) override { return none(); }
  Result<HttpReply> upload(const std::string&, const std::string&, const Progress&) override {
    return none();
  }

 private:
  static Error none() { return {Errc::internal, "this command has no control node"}; }
};

Exit usage(World& world, const std::string& text) {
  world.terminal.err << text << std::flush;
  return Exit::usage;
}

}  // namespace

Exit run(const std::vector<std::string>& arguments, World& world) {
  CLI::App root;
  Chosen chosen;
  build_command_line(root, chosen);
  if (arguments.empty()) {
    world.terminal.out << root.help() << std::flush;
    return Exit::ok;
  }
  try {
    // CLI11 takes them from the back.
    root.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    world.terminal.out << root.help() << std::flush;  // of the innermost command that was named
    return Exit::ok;
  } catch (const CLI::CallForVersion&) {
    world.terminal.out << root.version() << '\n' << std::flush;
    return Exit::ok;
  } catch (const CLI::ParseError& error) {
    return usage(world, describe_usage_error(root, error));
  }
  std::unique_ptr<HttpClient> http = std::make_unique<NoClient>();
  if (chosen.needs_server) {
    const auto endpoint = resolve_endpoint(chosen.connection, world.environment);
    if (!endpoint) {
      const bool denied = endpoint.error().code == Errc::unauthenticated;
      usage(world, "error: " + endpoint.error().message + "\n");
      return denied ? Exit::denied : Exit::usage;
    }
    auto connected = world.connect(*endpoint);
    if (!connected) {
      usage(world, "error: " + connected.error().message + "\n");
      return Exit::failure;
    }
    http = std::move(*connected);
  }
  ApiClient api(*http, world.patience);
  OutputOptions output;
  output.format = format_of(chosen.format);
  output.columns = chosen.columns;
  output.no_headers = chosen.no_headers;
  output.color = world.terminal.color;
  output.now = world.clock.now();
  Session session{world.terminal, api, world.patience, world.random, std::move(output),
                  world.environment};
  return chosen.action(session);
}

}  // namespace dure::cli
