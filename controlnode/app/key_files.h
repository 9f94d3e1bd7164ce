#pragma once

#include <string>

#include "common/ids.h"
#include "common/ports.h"
#include "common/result.h"
#include "protocol/wire/keys.h"

namespace dure::control {

// A CURVE key pair in Z85.
struct CurvePair {
  std::string public_key, secret_key;
};

// What a control node is: made once by `init`, read at every start. Private parts are files of mode
// 0600 in a directory of mode 0700; agent-bundle.toml beside them holds the public parts for agents.
struct KeyFiles {
  SystemId system;
  CurvePair curve;
  wire::SigningKey signing;
  std::string api_token;
  std::string secrets_key;  // 32 bytes: what is secret in the database is encrypted under it
};

// Makes what is missing and keeps what is there, so that it can be run again.
Result<void> init_key_files(const std::string& directory, const CurvePair& fresh_curve,
                            Random& random);
Result<KeyFiles> load_key_files(const std::string& directory);

}  // namespace dure::control
