#include "controlnode/cli/settings.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>
#include <toml++/toml.h>

#include "common/files.h"

namespace dure::cli {
namespace {

constexpr std::size_t kMostTokenBytes = 4096;
constexpr std::size_t kMostConfigBytes = 64 * 1024;

std::string from(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string config_path(const Environment& environment) {
  if (const auto base = from(environment, "XDG_CONFIG_HOME"); !base.empty()) {
    return base + "/dure/config.toml";
  }
  const auto home = from(environment, "HOME");
  return home.empty() ? std::string() : home + "/.config/dure/config.toml";
}

Error broken(const std::string& path, const std::string& why) {
  return {Errc::invalid_argument, path + ": " + why};
}

Result<ConnectionFlags> read_context(const std::string& path, const std::string& text,
                                     std::string wanted) {
  try {
    const auto file = toml::parse(text, path);
    for (const auto& [key, value] : file) {
      if (key.str() != "current" && key.str() != "contexts") {
        return broken(path, "'" + std::string(key.str()) + "' is not known; current, contexts are");
      }
    }
    if (wanted.empty()) wanted = file["current"].value_or(std::string());
    if (wanted.empty()) return ConnectionFlags{};
    const auto* context = file["contexts"][wanted].as_table();
    if (context == nullptr) return broken(path, "has no context '" + wanted + "'");
    ConnectionFlags found;
    for (const auto& [key, value] : *context) {
      const auto text_value = value.value<std::string>();
      if (key.str() == "address" && text_value) {
        found.address = *text_value;
      } else if (key.str() == "token_file" && text_value) {
        found.token_file = *text_value;
      } else {
        return broken(path, "contexts." + wanted + "." + std::string(key.str()) +
                                " is not address or token_file, or not text");
      }
    }
    return found;
  } catch (const toml::parse_error& error) {
    return broken(path, "line " + std::to_string(error.source().begin.line) + ": " +
                            std::string(error.description()));
  }
}

Result<ConnectionFlags> context_of(const ConnectionFlags& flags, const Environment& environment) {
  auto wanted = flags.context.empty() ? from(environment, "DURE_CONTEXT") : flags.context;
  const auto path = config_path(environment);
  const auto text = path.empty() ? Result<std::string>(Error{Errc::not_found, "no home directory"})
                                 : read_file(path, kMostConfigBytes);
  if (text) return read_context(path, *text, std::move(wanted));
  if (!wanted.empty()) {
    return Error{Errc::not_found, "context '" + wanted + "' is wanted, but " + text.error().message};
  }
  return ConnectionFlags{};
}

}  // namespace

Result<std::string> read_token(const std::string& file) {
  auto token = read_file(file, kMostTokenBytes);
  if (!token) return Error{Errc::unauthenticated, "token file: " + token.error().message};
  while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
  const bool good = !token->empty() && std::all_of(token->begin(), token->end(), [](char c) {
    return c > 0x20 && c < 0x7f;
  });
  if (!good) return Error{Errc::unauthenticated, "token file " + file + " does not hold one token"};
  return token;
}

Result<Endpoint> resolve_endpoint(const ConnectionFlags& flags, const Environment& environment) {
  const auto context = context_of(flags, environment);
  if (!context) return context.error();
  // A context that was asked for by name is stronger than the environment.
  const bool named = !flags.context.empty();
  const auto choose = [&](const std::string& flag, const char* variable, const std::string& other) {
    if (!flag.empty()) return flag;
    const auto value = from(environment, variable);
    if (named && !other.empty()) return other;
    return value.empty() ? other : value;
  };
  Endpoint endpoint;
  endpoint.address = choose(flags.address, "DURE_ADDR", context->address);
  if (endpoint.address.empty()) endpoint.address = kDefaultAddress;
  if (endpoint.address.find("://") == std::string::npos) {
    endpoint.address = "http://" + endpoint.address;
  }
  const auto file = choose(flags.token_file, "DURE_TOKEN_FILE", context->token_file);
  if (file.empty()) return endpoint;
  auto token = read_token(file);
  if (!token) return token.error();
  endpoint.token = std::move(*token);
  return endpoint;
}

}  // namespace dure::cli
