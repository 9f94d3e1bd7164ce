#pragma once

#include <map>
#include <string>

#include "common/result.h"
#include "controlnode/cli/curl_client.h"

namespace dure::cli {

// What the global options say; empty: not given.
struct ConnectionFlags {
  std::string address, token_file, context;
};

using Environment = std::map<std::string, std::string>;

inline constexpr const char* kDefaultAddress = "http://127.0.0.1:8480";

// Where to, and with which token. Options before environment before the context of
// ~/.config/dure/config.toml before defaults:
//
//   current = "lab"
//   [contexts.lab]
//   address = "http://127.0.0.1:8480"
//   token_file = "/etc/dure/token"
Result<Endpoint> resolve_endpoint(const ConnectionFlags& flags, const Environment& environment);

// One line of printable ASCII; a token comes from a file only, never from the command line.
Result<std::string> read_token(const std::string& file);

}  // namespace dure::cli
